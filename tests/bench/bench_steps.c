/* bench_steps FILE: one worker reads a capture as a replay does, for callgrind to count its
 * instructions: the same number each time. So nothing waits (all records fit the ring, nobody takes
 * them meanwhile), and what is random elsewhere, the keys of hash tables, is fixed. Prints how many
 * packets and records there were. */
#include "weir/capture/capture.h"
#include "weir/record/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RING_BYTES (UINT32_C(256) << 20)

/* In place of the C library's, whose header has reserved names. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    (void)flags;
    memset(data, 0x5a, size);
    return (ssize_t)size;
}

static unsigned long drain(struct ring_consumer *consumer)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    unsigned long records = 0;
    size_t size;
    for (; ring_pop(consumer, record, sizeof record, &size) == RING_OK; records++)
        ;
    return records;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct ring_handles ring;
    struct ring_consumer *consumer;
    const struct capture_file file = {.path = argc == 2 ? argv[1] : "", .fd = -1};
    if (ring_create(&ring, RING_BYTES, &error) != 0 ||
        !(consumer = ring_consumer_open(&ring, &error)))
        return 1;
    struct capture_config config = {.files = &file,
                                    .file_count = 1,
                                    .workers = 1,
                                    .recent_fd = -1,
                                    .ring = ring,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    hash_key_init(&config.content.key, "bench", 5);
    struct capture *capture = capture_open(&config, &error);
    if (!capture || capture_start(capture, &error) != 0) {
        fprintf(stderr, "bench_steps FILE: %s\n", error.message);
        return 2;
    }
    capture_join(capture);
    size_t count;
    printf("%llu packets, %lu records\n",
           (unsigned long long)capture_inputs(capture, &count)->packets, drain(consumer));
    capture_free(capture);
    ring_consumer_free(consumer);
    ring_destroy(&ring);
    return 0;
}
