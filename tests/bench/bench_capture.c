/* bench_capture FILE [HELD]: one worker reads a capture as a replay does (source, SHA-256 of the
 * file, and all that bench_worker measures). Prints the nanoseconds of processor time a packet, of
 * all the process's threads. With HELD, a file that is made, packets are held for evidence there as
 * a live sensor does (256 MiB). Linked a second time with content_none.c it is
 * bench_capture_counting. */
#include "weir/capture/capture.h"
#include "weir/record/evidence_ring.h"
#include "weir/record/record.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

#define RING_BYTES (UINT32_C(32) << 20)
#define WAIT_MS    10

static void drain(struct ring_consumer *consumer)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    while (ring_pop(consumer, record, sizeof record, &size) == RING_OK)
        ;
    ring_release(consumer, ring_read_position(consumer));
}

static void run(struct capture *capture, struct ring_consumer *consumer)
{
    struct pollfd end = {.fd = capture_end_event(capture), .events = POLLIN};
    while (poll(&end, 1, WAIT_MS) == 0)
        drain(consumer);
    drain(consumer);
    capture_join(capture);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct capture *capture;
    const struct capture_file file = {.path = argc >= 2 ? argv[1] : "", .fd = -1};
    if (ring_create(&ring, RING_BYTES, &error) != 0 ||
        !(consumer = ring_consumer_open(&ring, &error)))
        return 1;
    struct capture_config config = {.files = &file,
                                    .file_count = 1,
                                    .workers = 1,
                                    .recent_fd = -1,
                                    .ring = ring,
                                    .blocking = true,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    if (argc == 3) {
        config.held_fd = evidence_ring_create(argv[2], UINT64_C(256) << 20, &error);
        config.held_segment_bytes = 16u << 20;
        config.held_handshake_bytes = 4096;
    }
    hash_key_init(&config.content.key, "bench", 5);
    capture = capture_open(&config, &error);
    clock_t before = clock();
    if (!capture || capture_start(capture, &error) != 0) {
        fprintf(stderr, "bench_capture FILE: %s\n", error.message);
        return 2;
    }
    run(capture, consumer);
    double ns = (double)(clock() - before) * (1e9 / CLOCKS_PER_SEC);
    size_t count;
    printf("%.1f\n", ns / (double)capture_inputs(capture, &count)->packets);
    capture_free(capture);
    ring_consumer_free(consumer);
    ring_destroy(&ring);
    return 0;
}
