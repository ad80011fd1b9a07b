/* bench_worker tls|TEXT SEGMENTS [FILE]: one bulk upload through a whole capture worker (decode,
 * duplicate test, flow table, content, records), segment by segment, with an acknowledgement every
 * second one. Prints the nanoseconds of processor time a segment and how many items were found.
 * With a FILE the packets are written there instead, as a capture for bench_capture.
 *
 * Linked a second time with content_none.c it is bench_worker_counting: the same without content.
 * The frames are few and are used again with other sequence numbers, so that a payload is in the
 * cache, as a live worker's is, which has just copied it among its latest packets. */
#include "../../sensor/capture/worker.h"

#include "../unit/content/bytes.h"
#include "texts.h"

#include <time.h>

#define FRAMES          256u
#define SEGMENT_BYTES   1448u
#define RECORD_SEGMENTS 8u
#define HEAD_BYTES      54u /* Ethernet, IPv4, TCP */
#define SEQ_AT          38u
#define START_NS        INT64_C(1772438400000000000)
#define STEP_NS         10000
#define RING_BYTES      (UINT32_C(32) << 20)

struct frame {
    uint8_t data[HEAD_BYTES + SEGMENT_BYTES];
    uint32_t size;
};

struct bench {
    FILE *file; /* NULL: to the worker */
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct brake brake;
    struct meter meter;
    struct worker worker;
    struct capture_input input;
    int64_t now_ns;
    uint32_t seq[2]; /* the next one of client and server */
    uint64_t items;
};

static void set16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
    set16(at, value >> 16);
    set16(at + 2, value & 0xffff);
}

static void make_frame(struct frame *frame, bool from_client, unsigned flags, const void *payload,
                       uint32_t size)
{
    uint8_t *ip = frame->data + 14, *tcp = ip + 20;
    memset(frame->data, 0, HEAD_BYTES);
    frame->data[5] = frame->data[11] = from_client ? 1 : 2;
    set16(frame->data + 12, 0x0800);
    ip[0] = 0x45;
    set16(ip + 2, 40 + size);
    ip[8] = 64;
    ip[9] = 6;
    set32(ip + 12, from_client ? 0x0a000001 : 0xcb007101);
    set32(ip + 16, from_client ? 0xcb007101 : 0x0a000001);
    set16(tcp, from_client ? 40000 : 9000);
    set16(tcp + 2, from_client ? 9000 : 40000);
    tcp[12] = 0x50;
    tcp[13] = (uint8_t)flags;
    set16(tcp + 14, 65535);
    if (size)
        memcpy(frame->data + HEAD_BYTES, payload, size);
    frame->size = HEAD_BYTES + size;
}

static void write_packet(FILE *file, const struct packet_raw *raw)
{
    uint32_t head[4] = {(uint32_t)(raw->time.ns / 1000000000),
                        (uint32_t)(raw->time.ns % 1000000000), raw->captured, raw->wire_bytes};
    fwrite(head, sizeof head, 1, file);
    fwrite(raw->data, raw->captured, 1, file);
}

/* With the identification that a sender counts up, so that no packet looks like a mirror's copy. */
static void send_frame(struct bench *bench, struct frame *frame, bool from_client)
{
    uint32_t size = frame->size - HEAD_BYTES, *seq = &bench->seq[!from_client];
    set16(frame->data + 18, *seq / 7 & 0xffff);
    set32(frame->data + SEQ_AT, *seq);
    set32(frame->data + SEQ_AT + 4, bench->seq[from_client]);
    bench->now_ns += STEP_NS;
    struct packet_raw raw = {.data = frame->data,
                             .captured = frame->size,
                             .wire_bytes = frame->size,
                             .link = 1,
                             .time = {bench->now_ns}};
    if (bench->file)
        write_packet(bench->file, &raw);
    else
        worker_packet(&bench->worker, &bench->input, &raw, 0, false);
    *seq += size + ((frame->data[47] & 3) != 0); /* SYN, FIN */
}

static void drain(struct bench *bench)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    while (ring_pop(bench->consumer, record, sizeof record, &size) == RING_OK) {
        const struct record_header *header = (const void *)record;
        if (header->kind == RECORD_CONTENT)
            bench->items += ((const struct record_content *)(const void *)record)->hash_count;
    }
    ring_release(bench->consumer, ring_read_position(bench->consumer));
}

static int begin(struct bench *bench, struct error *error)
{
    bench->now_ns = START_NS;
    bench->seq[0] = bench->seq[1] = 1000;
    if (ring_create(&bench->ring, RING_BYTES, error) != 0 ||
        !(bench->consumer = ring_consumer_open(&bench->ring, error)) ||
        brake_init(&bench->brake, &bench->meter, error) != 0)
        return -1;
    struct capture_config config = {.workers = 1,
                                    .recent_fd = -1,
                                    .ring = bench->ring,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    hash_key_init(&config.content.key, "bench", 5);
    return worker_open(&bench->worker, &config, &bench->brake, error);
}

static void handshake(struct bench *bench, bool tls)
{
    static struct bytes hello;
    struct frame frame;
    make_frame(&frame, true, 2, NULL, 0);
    send_frame(bench, &frame, true);
    make_frame(&frame, false, 18, NULL, 0);
    send_frame(bench, &frame, false);
    if (!tls)
        return;
    plain_hello(&hello, "upload.example");
    make_frame(&frame, true, 16, hello.data, (uint32_t)hello.size);
    send_frame(bench, &frame, true);
    hello.size = 0;
    server_flight(&hello);
    make_frame(&frame, false, 16, hello.data, (uint32_t)hello.size);
    send_frame(bench, &frame, false);
    hello.size = 0;
    client_finished(&hello);
    make_frame(&frame, true, 16, hello.data, (uint32_t)hello.size);
    send_frame(bench, &frame, true);
}

/* Every eighth segment begins a record that is as long as they are. */
static void put_record_heads(uint8_t *text)
{
    for (size_t at = 0; at < FRAMES * SEGMENT_BYTES; at += RECORD_SEGMENTS * SEGMENT_BYTES) {
        memcpy(text + at, "\x17\3\3", 3);
        set16(text + at + 3, RECORD_SEGMENTS * SEGMENT_BYTES - 5);
    }
}

static int64_t processor_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Not inlined: callgrind counts from here to its end. */
void measured(struct bench *bench, struct frame *frame, unsigned long segments);
__attribute__((noinline)) void measured(struct bench *bench, struct frame *frame,
                                        unsigned long segments)
{
    struct frame ack;
    make_frame(&ack, false, 16, NULL, 0);
    for (unsigned long i = 0; i < segments; i++) {
        send_frame(bench, &frame[i % FRAMES], true);
        if (i % 2)
            send_frame(bench, &ack, false);
        if (i % 1024 == 0 && !bench->file)
            drain(bench);
    }
}

static int write_file(struct bench *bench, const char *path, bool tls, struct frame *frame,
                      unsigned long segments)
{
    static const uint32_t head[6] = {0xa1b23c4d, 4u << 16 | 2, 0, 0, 262144, 1};
    bench->now_ns = START_NS;
    bench->seq[0] = bench->seq[1] = 1000;
    bench->file = fopen(path, "wb");
    if (!bench->file || fwrite(head, sizeof head, 1, bench->file) != 1)
        return 1;
    handshake(bench, tls);
    measured(bench, frame, segments);
    return fclose(bench->file) == 0 ? 0 : 1;
}

static int measure(struct bench *bench, bool tls, struct frame *frame, unsigned long segments)
{
    struct error error = {0};
    if (begin(bench, &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    handshake(bench, tls);
    measured(bench, frame, FRAMES); /* past what is looked at once */
    int64_t before = processor_ns();
    measured(bench, frame, segments);
    int64_t after = processor_ns();
    worker_end(&bench->worker);
    drain(bench);
    printf("%.1f %llu\n", (double)(after - before) / (double)segments,
           (unsigned long long)bench->items);
    worker_close(&bench->worker);
    return 0;
}

int main(int argc, char **argv)
{
    static struct frame frame[FRAMES];
    static uint8_t text[FRAMES * SEGMENT_BYTES];
    static struct bench bench;
    bool tls = argc > 2 && strcmp(argv[1], "tls") == 0;
    if (argc < 3 || !texts_fill(tls ? "random" : argv[1], text, sizeof text)) {
        fprintf(stderr, "usage: bench_worker tls|TEXT SEGMENTS [FILE]\n");
        return 2;
    }
    if (tls)
        put_record_heads(text);
    for (size_t i = 0; i < FRAMES; i++)
        make_frame(&frame[i], true, 16, text + i * SEGMENT_BYTES, SEGMENT_BYTES);
    unsigned long segments = strtoul(argv[2], NULL, 10);
    return argc > 3 ? write_file(&bench, argv[3], tls, frame, segments)
                    : measure(&bench, tls, frame, segments);
}
