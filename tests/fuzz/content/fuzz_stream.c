/* Streams against a model that has no queue: for every byte of every direction it knows the first
 * copy captured, and from that alone what may and what must be told. Three flows share few episodes
 * and a small budget; sequence numbers wrap; copies of a byte differ from packet to packet.
 *
 * The first two bytes are the configuration, then eight bytes an operation:
 * flow and side, kind, offset (2), length (2), captured share, time in ms and salt. */
#include "weir/content/stream.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLOWS  3
#define PLACES 16384u      /* offsets of one direction */
#define BASE   0xfffff000u /* sequence number of offset 0 */

enum place { UNSEEN, CAPTURED, CUT };
enum operation { DATA, DATA_CUT, SYN, FIN, ACK, RST, FINISH, STOP, STOP_LATER, SWAP, NEW, KINDS };

struct direction {
    uint8_t place[PLACES], byte[PLACES];
    bool started, told, stopped, acked, finned;
    uint32_t at;      /* all below is told */
    uint32_t highest; /* end of what was seen */
    uint32_t ack, fin;
    uint32_t stop_at; /* stop inside the callback that reaches it; 0: never */
};

struct model {
    struct stream *stream;
    struct direction direction[SIDES];
};

static struct model models[FLOWS];
static struct streams *streams;
static bool finishing; /* every hole may become a gap */
static struct ptime now;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_stream: %s\n", what);
    abort();
}

static uint64_t cut_short(void)
{
    struct health health = {0};
    streams_health(streams, &health);
    return health.stream_budget;
}

static uint64_t cut_short_before;

static void told(struct model *m, enum flow_side side, uint32_t bytes, struct ptime time)
{
    struct direction *d = &m->direction[side];
    d->at += bytes;
    d->told = true;
    require(time.ns == now.ns, "told at another time than the packet's");
    if (d->stop_at && d->at >= d->stop_at) {
        d->stopped = true;
        stream_stop(m->stream, side);
    }
}

static void on_data(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                    struct ptime time)
{
    struct model *m = owner;
    struct direction *d = &m->direction[side];
    require(d->started && !d->stopped, "data of a side not started or stopped");
    require(size > 0 && size <= PLACES - d->at, "data of impossible size");
    for (uint32_t i = 0; i < size; i++) {
        require(d->place[d->at + i] == CAPTURED, "data that was not captured");
        require(d->byte[d->at + i] == data[i], "not the first copy");
    }
    told(m, side, (uint32_t)size, time);
}

static bool may_be_gap(const struct direction *d, uint32_t place)
{
    if (d->place[place] == CUT)
        return true;
    return d->place[place] == UNSEEN &&
           (finishing || (d->acked && place < d->ack) || cut_short() != cut_short_before);
}

static void on_gap(void *owner, enum flow_side side, uint64_t bytes, struct ptime time)
{
    struct model *m = owner;
    struct direction *d = &m->direction[side];
    require(d->started && !d->stopped, "gap on a side not started or stopped");
    require(bytes > 0 && bytes <= PLACES - d->at, "gap of impossible size");
    for (uint32_t i = 0; i < bytes; i++)
        require(may_be_gap(d, d->at + i), "gap where nothing allows one");
    told(m, side, (uint32_t)bytes, time);
}

/* The packet's bytes that are neither told nor seen yet are what the consumer must get. */
static void note(struct direction *d, uint32_t offset, uint32_t bytes, uint32_t captured,
                 const uint8_t *payload)
{
    if (!d->started) {
        d->started = true;
        d->at = offset;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t place = offset + i;
        if (place < d->at || d->place[place] != UNSEEN)
            continue;
        d->place[place] = i < captured ? CAPTURED : CUT;
        if (i < captured)
            d->byte[place] = payload[i];
        if (place + 1 > d->highest)
            d->highest = place + 1;
    }
}

static void note_syn(struct direction *d, uint32_t offset)
{
    if (d->told || (d->started && d->highest > d->at))
        return; /* something was told or waits */
    d->started = true;
    d->finned = false;
    d->at = offset;
}

static void packet_in(struct model *m, enum flow_side side, uint8_t flags, uint32_t offset,
                      uint32_t ack, const uint8_t *payload, uint32_t captured, uint32_t bytes)
{
    struct packet packet = {.time = now,
                            .seq = BASE + offset,
                            .ack = BASE + ack,
                            .tcp_flags = flags,
                            .payload = payload,
                            .payload_captured = captured,
                            .payload_bytes = bytes};
    stream_packet(m->stream, side, &packet);
}

static void data_in(struct model *m, enum flow_side side, uint8_t flags, uint32_t offset,
                    uint32_t bytes, uint32_t captured, uint8_t salt)
{
    struct direction *d = &m->direction[side];
    uint8_t *payload = malloc(captured ? captured : 1);
    if (!payload)
        abort();
    for (uint32_t i = 0; i < captured; i++)
        payload[i] = (uint8_t)((offset + i) * 31 + salt * 17);
    if (!d->stopped && (flags & TCP_SYN))
        note_syn(d, offset);
    if (!d->stopped && bytes)
        note(d, offset, bytes, captured, payload);
    if ((flags & TCP_FIN) && d->started) {
        d->finned = true;
        d->fin = offset + bytes;
    }
    packet_in(m, side, flags, (flags & TCP_SYN) ? offset - 1 : offset, 0, payload, captured, bytes);
    free(payload);
}

static void finish(struct model *m)
{
    uint32_t end[SIDES];
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        const struct direction *d = &m->direction[side];
        end[side] = d->highest > d->at ? d->highest : d->at;
        if (d->finned && d->fin > end[side])
            end[side] = d->fin;
    }
    finishing = true;
    stream_finish(m->stream, now);
    finishing = false;
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        const struct direction *d = &m->direction[side];
        require(d->stopped || !d->started || d->at == end[side], "finish did not tell all");
    }
}

static void renew(struct model *m)
{
    stream_free(m->stream);
    memset(m->direction, 0, sizeof m->direction);
    m->stream = stream_new(streams, m);
}

static void swap(struct model *m)
{
    static struct direction old;
    old = m->direction[SIDE_ORIG];
    m->direction[SIDE_ORIG] = m->direction[SIDE_RESP];
    m->direction[SIDE_RESP] = old;
    stream_swap_sides(m->stream);
}

static void run_operation(const uint8_t op[8])
{
    struct model *m = &models[(op[0] >> 1) % FLOWS];
    enum flow_side side = op[0] & 1 ? SIDE_RESP : SIDE_ORIG;
    enum flow_side peer = op[0] & 1 ? SIDE_ORIG : SIDE_RESP;
    struct direction *d = &m->direction[side];
    uint32_t offset = 1 + (uint32_t)(op[2] | op[3] << 8) % (PLACES / 2);
    uint32_t bytes = (uint32_t)(op[4] | op[5] << 8) % (PLACES / 4);
    now.ns += (op[7] >> 4) * 4 * NS_PER_MS;
    switch ((enum operation)(op[1] % KINDS)) {
    case DATA:
        data_in(m, side, 0, offset, bytes, bytes, op[7]);
        break;
    case DATA_CUT:
        data_in(m, side, 0, offset, bytes, bytes * op[6] / 256, op[7]);
        break;
    case SYN:
        bytes = op[6] & 1 ? bytes : 0;
        data_in(m, side, TCP_SYN, offset, bytes, bytes, op[7]);
        break;
    case FIN:
        data_in(m, side, TCP_FIN, offset, bytes, bytes, op[7]);
        break;
    case ACK:
        m->direction[peer].acked = true;
        m->direction[peer].ack = offset;
        packet_in(m, side, TCP_ACK, offset, offset, NULL, 0, 0);
        break;
    case RST:
        packet_in(m, side, TCP_RST | TCP_ACK, offset, offset, op, 8, 8);
        break;
    case FINISH:
        finish(m);
        break;
    case STOP:
        d->stopped = true;
        stream_stop(m->stream, side);
        break;
    case STOP_LATER:
        d->stop_at = offset;
        break;
    case SWAP:
        swap(m);
        break;
    case NEW:
        renew(m);
        break;
    case KINDS:
        break;
    }
}

/* Nothing that is at its turn may wait. */
static void check_none_waits(void)
{
    for (size_t i = 0; i < FLOWS; i++) {
        for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
            const struct direction *d = &models[i].direction[side];
            require(d->stopped || !d->started || d->at == PLACES || d->place[d->at] == UNSEEN,
                    "what is at its turn waits");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct stream_config config = stream_config_default();
    config.max_attached = 1 + data[0] % 4;
    config.budget_bytes = (uint64_t)(data[1] & 0x7f) << 10;
    config.hold_ns = data[1] & 0x80 ? 0 : 50 * NS_PER_MS;
    struct stream_events events = {on_data, on_gap};
    streams = streams_new(&config, &events, NULL);
    require(streams != NULL, "streams_new");
    now.ns = NS_PER_S;
    for (size_t i = 0; i < FLOWS; i++)
        renew(&models[i]);
    for (size_t at = 2; at + 8 <= size; at += 8) {
        cut_short_before = cut_short();
        run_operation(data + at);
        check_none_waits();
    }
    for (size_t i = 0; i < FLOWS; i++) {
        finish(&models[i]);
        stream_free(models[i].stream);
        models[i].stream = NULL;
    }
    streams_free(streams);
    streams = NULL;
    return 0;
}
