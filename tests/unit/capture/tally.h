/* What a worker told of a capture, added up: every record validated, held against its order, and
 * summed by connection, in either direction. Ends with the worker's last watermark. */
#ifndef WEIR_TESTS_CAPTURE_TALLY_H
#define WEIR_TESTS_CAPTURE_TALLY_H

#include "../../../sensor/capture/worker.h"
#include "weir/base/buffer.h"
#include "weir/base/map.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TALLY_RING (UINT32_C(32) << 20) /* never full: it is drained after each packet */

struct ends { /* a connection, the smaller address and port first */
    struct ip ip[2];
    uint16_t port[2];
    uint32_t proto;
};

struct sums {
    struct side_counts side[2]; /* of the records that ended a flow */
    int64_t payload, missing;   /* of both sides, of every record's fresh part */
};

struct tally {
    struct map ends; /* struct ends → struct sums */
    struct side_counts all;
    struct health health;
    uint64_t items[CONTENT_KINDS]; /* as told: on either side, again after a set was full */
    uint64_t records, last_number;
    int64_t watermark;
    bool finished;
};

static inline void tally_add(struct side_counts *to, const struct side_counts *counts)
{
    to->packets += counts->packets;
    to->wire_bytes += counts->wire_bytes;
    to->ip_bytes += counts->ip_bytes;
    to->payload_bytes += counts->payload_bytes;
    to->missing_bytes += counts->missing_bytes;
    to->acked_bytes += counts->acked_bytes;
    to->retransmitted_bytes += counts->retransmitted_bytes;
}

/* True when the originator is the second of the ends. */
static inline bool tally_ends(const struct flow_key *key, struct ends *ends)
{
    int order = ip_compare(&key->orig_ip, &key->resp_ip);
    bool turned = order > 0 || (order == 0 && key->orig_port > key->resp_port);
    memset(ends, 0, sizeof *ends);
    ends->ip[turned] = key->orig_ip;
    ends->ip[!turned] = key->resp_ip;
    ends->port[turned] = key->orig_port;
    ends->port[!turned] = key->resp_port;
    ends->proto = key->proto;
    return turned;
}

static inline void tally_flow(struct tally *tally, const struct record_flow *flow)
{
    struct ends ends;
    bool turned = tally_ends(&flow->key, &ends);
    struct sums *sums = map_get(&tally->ends, &ends, sizeof ends);
    if (!sums) {
        sums = xcalloc(1, sizeof *sums);
        map_put(&tally->ends, &ends, sizeof ends, sums);
    }
    for (int side = 0; side < SIDES; side++) {
        sums->payload += flow->fresh[side].payload_bytes;
        sums->missing += flow->fresh[side].missing_bytes;
        if (flow->end == FLOW_OPEN)
            continue;
        tally_add(&sums->side[turned ^ (side == SIDE_RESP)], &flow->total[side]);
        tally_add(&tally->all, &flow->total[side]);
    }
}

static inline void tally_record(struct tally *tally, const void *record, size_t size)
{
    const struct record_header *header = record;
    enum record_fault fault = record_validate(record, size);
    if (fault != RECORD_OK)
        fail_msg("record %llu of kind %u: %s", (unsigned long long)header->number, header->kind,
                 record_fault_name[fault]);
    assert_true(header->number > tally->last_number);
    assert_true(header->time_ns > tally->watermark); /* nothing comes after its watermark */
    tally->last_number = header->number;
    tally->records++;
    if (header->kind == RECORD_WATERMARK)
        tally->watermark = header->time_ns;
    if (header->kind == RECORD_FLOW)
        tally_flow(tally, record);
    if (header->kind == RECORD_CONTENT) {
        const struct record_content *content = record;
        tally->items[content->class] += content->hash_count;
    }
    if (header->kind == RECORD_HEALTH)
        tally->health = ((const struct record_health *)record)->total;
    tally->finished = header->kind == RECORD_WATERMARK && header->time_ns == INT64_MAX;
}

static inline void tally_begin(struct tally *tally)
{
    *tally = (struct tally){.watermark = INT64_MIN};
    map_init(&tally->ends);
}

static inline void tally_end(struct tally *tally)
{
    map_fini(&tally->ends, free);
}

/* --- a worker without a thread ---------------------------------------------------------------- */

struct bench {
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct brake brake;
    struct meter meter;
    struct worker worker;
    struct capture_input input;
};

/* `packets`: about how many will come; there are never more flows than that. */
static inline void bench_begin(struct bench *bench, struct tally *tally, size_t packets)
{
    struct error error = {0};
    memset(bench, 0, sizeof *bench);
    tally_begin(tally);
    bench->input.first = PTIME_MAX;
    bench->input.last = PTIME_MIN;
    assert_int_equal(ring_create(&bench->ring, TALLY_RING, &error), 0);
    bench->consumer = ring_consumer_open(&bench->ring, &error);
    assert_non_null(bench->consumer);
    assert_int_equal(brake_init(&bench->brake, &bench->meter, &error), 0);
    struct capture_config config = {.workers = 1,
                                    .recent_fd = -1,
                                    .ring = bench->ring,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    /* Of what a worker makes when it begins, no more than a case can use. */
    config.content.stream.max_attached = 64;
    if (packets < config.flow.max_flows)
        config.flow.max_flows = (uint32_t)packets + 1;
    hash_key_init(&config.content.key, "test", 4);
    if (worker_open(&bench->worker, &config, &bench->brake, &error) != 0)
        fail_msg("%s", error.message);
}

static inline void bench_drain(struct bench *bench, struct tally *tally)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    if (ring_waiting(bench->consumer) == 0)
        return;
    while (ring_pop(bench->consumer, record, sizeof record, &size) == RING_OK)
        tally_record(tally, record, size);
    ring_release(bench->consumer, ring_read_position(bench->consumer));
}

static inline void bench_packet(struct bench *bench, struct tally *tally,
                                const struct packet_raw *raw)
{
    struct packet_raw copy = *raw;
    if (copy.time.ns == SOURCE_NO_TIME.ns) /* what foresight.c does of it: the clock's */
        copy.time =
            bench->worker.clock.ns == PTIME_MIN.ns ? (struct ptime){0} : bench->worker.clock;
    worker_packet(&bench->worker, &bench->input, &copy, 0, false);
    bench_drain(bench, tally);
}

static inline void bench_end(struct bench *bench, struct tally *tally)
{
    worker_end(&bench->worker);
    bench_drain(bench, tally);
    assert_true(tally->finished);
    assert_int_equal(bench->worker.health.ring_rejected, 0);
    worker_close(&bench->worker);
    ring_consumer_free(bench->consumer);
    brake_fini(&bench->brake);
    ring_destroy(&bench->ring);
}

#endif
