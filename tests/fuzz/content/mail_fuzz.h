/* One mail conversation after a fixed beginning, whose rest is the input: said in one piece and in
 * pieces, what is counted must be the same, and so must what is found as long as all of it is text.
 * With missing bytes nothing may be read that is not there. Shared by the fuzz targets of mail. */
#ifndef WEIR_FUZZ_CONTENT_MAIL_FUZZ_H
#define WEIR_FUZZ_CONTENT_MAIL_FUZZ_H

#include "weir/content/content.h"

#include <stdlib.h>
#include <string.h>

#define MAIL_FUZZ_MAX 16384u

/* What was made of a conversation. */
struct mail_result {
    uint64_t items[SIDES], item_sum[SIDES];
    uint64_t seen_bytes[SIDES], declared_bytes[SIDES];
    uint32_t bodies[SIDES], service;
    uint64_t asked[SIDES], asked_sum; /* who logged in, and what was asked for */
};

static struct content *mail_content;
static struct flow_table *mail_table;
static struct mail_result mail_result;
static struct ptime mail_now = {NS_PER_S};
static uint32_t mail_next[SIDES];
static uint16_t mail_port;

static void on_dns(void *context, struct flow *flow, struct ptime time,
                   const struct dns_message *message)
{
    (void)context, (void)flow, (void)time, (void)message;
}

static void on_server_name(void *context, struct flow *flow, struct ptime time, const char *name)
{
    (void)context, (void)flow, (void)time, (void)name;
}

static void on_items(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                     const struct content_items *items)
{
    (void)context, (void)flow, (void)time;
    if (items->class >= CONTENT_CLASSES) {
        mail_result.asked[side] += items->count;
        for (size_t i = 0; i < items->count; i++)
            mail_result.asked_sum += items->hash[i];
        return;
    }
    mail_result.items[side] += items->count;
    for (size_t i = 0; i < items->count; i++)
        mail_result.item_sum[side] += items->hash[i];
}

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    (void)context;
    if (end == FLOW_OPEN)
        return true;
    content_flush(mail_content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    mail_result.service = facts.service;
    for (int side = 0; side < SIDES; side++) {
        mail_result.bodies[side] = facts.body[side].bodies;
        mail_result.seen_bytes[side] = facts.body[side].seen_bytes;
        mail_result.declared_bytes[side] = facts.body[side].declared_bytes;
        if (facts.body[side].declared_bytes > RECORD_BYTES_MAX)
            abort();
    }
    return true;
}

static void on_swapped(void *context, struct flow *flow)
{
    (void)context;
    content_swapped(mail_content, flow);
}

static void on_release(void *context, struct flow *flow)
{
    (void)context;
    content_release(mail_content, flow);
}

/* libnids is process-global: opened once. */
static void mail_open_once(void)
{
    static const struct content_events content_events = {on_dns, on_server_name, on_items};
    static const struct flow_events flow_events = {on_report, on_swapped, on_release, NULL, NULL};
    struct content_config config = {.stream = stream_config_default()};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    if (mail_content)
        return;
    config.stream.max_attached = 16;
    flows.max_flows = 16;
    mail_content = content_new(&config, &content_events, NULL, &error);
    mail_table = flow_table_new(&flows, &flow_events, NULL);
    if (!mail_content || !mail_table)
        abort();
}

static void mail_say(enum flow_side from, uint8_t flags, const void *data, size_t size)
{
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    enum flow_side side;
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    mail_now.ns += NS_PER_MS;
    struct packet p = {.time = mail_now,
                       .frames = 1,
                       .ip_version = 4,
                       .proto = PROTO_TCP,
                       .src = ip_from_v4(address[from]),
                       .dst = ip_from_v4(address[1 - from]),
                       .src_port = from ? mail_port : 40000,
                       .dst_port = from ? 40000 : mail_port,
                       .seq = mail_next[from],
                       .ack = flags & TCP_ACK ? mail_next[1 - from] : 0,
                       .tcp_flags = flags,
                       .payload = copy,
                       .payload_captured = (uint32_t)size,
                       .payload_bytes = (uint32_t)size};
    p.wire_bytes = p.captured = p.ip_bytes = p.payload_bytes + 40;
    mail_next[from] += (uint32_t)size + ((flags & TCP_SYN) != 0);
    flow_table_advance(mail_table, p.time);
    struct flow *flow = flow_table_packet(mail_table, &p, &side);
    content_packet(mail_content, flow, side, &p);
    flow_table_settle(mail_table, flow, p.time);
    free(copy);
}

static void mail_begin(uint16_t port)
{
    mail_open_once();
    memset(&mail_result, 0, sizeof mail_result);
    mail_port = port;
    mail_next[SIDE_ORIG] = 1000;
    mail_next[SIDE_RESP] = 5000;
    mail_say(SIDE_ORIG, TCP_SYN, NULL, 0);
    mail_say(SIDE_RESP, TCP_SYN | TCP_ACK, NULL, 0);
}

static inline void mail_text(enum flow_side from, const char *text)
{
    mail_say(from, TCP_ACK, text, strlen(text));
}

/* `cuts`: sizes of pieces, four of them; NULL: one. `loses`: those with the lowest bit are lost. */
static void mail_pieces(enum flow_side from, const uint8_t *data, size_t size, const uint8_t *cuts,
                        bool loses)
{
    size_t piece;
    for (size_t at = 0, i = 0; at < size; at += piece, i++) {
        piece = cuts ? cuts[i % 4] / 2u + 1u : size;
        if (piece > size - at)
            piece = size - at;
        if (loses && (cuts[i % 4] & 1))
            mail_next[from] += (uint32_t)piece;
        else
            mail_say(from, TCP_ACK, data + at, piece);
    }
}

static struct mail_result mail_end(void)
{
    flow_table_finish(mail_table, mail_now);
    if (flow_table_count(mail_table) != 0)
        abort();
    return mail_result;
}

/* Would what is found depend on how it is cut? Its surroundings are judged piece by piece. */
static inline bool mail_is_text(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((data[i] < ' ' && !memchr("\r\n\t", data[i], 3)) || data[i] >= 0x7f || data[i] == '=')
            return false;
    return memmem(data, size, "64", 2) == NULL; /* nothing is decoded */
}

static inline void mail_compare(const struct mail_result *a, const struct mail_result *b, bool text)
{
    for (int side = 0; side < SIDES; side++)
        if (a->bodies[side] != b->bodies[side] || a->seen_bytes[side] != b->seen_bytes[side] ||
            a->declared_bytes[side] != b->declared_bytes[side] ||
            (text && (a->items[side] != b->items[side] || a->item_sum[side] != b->item_sum[side])))
            abort();
    if (a->service != b->service)
        abort();
}

/* The input: four cuts, then what `from` says behind the beginning that `begin` makes. */
static inline int mail_fuzz(void (*begin)(void), enum flow_side from, const uint8_t *data,
                            size_t size)
{
    if (size < 5 || size > MAIL_FUZZ_MAX)
        return 0;
    const uint8_t *cuts = data, *said = data + 4;
    size_t said_size = size - 4;
    begin();
    mail_pieces(from, said, said_size, NULL, false);
    struct mail_result whole = mail_end();
    begin();
    mail_pieces(from, said, said_size, cuts, false);
    struct mail_result pieces = mail_end();
    mail_compare(&whole, &pieces, mail_is_text(said, said_size));
    begin();
    mail_pieces(from, said, said_size, cuts, true);
    mail_end();
    return 0;
}

#endif
