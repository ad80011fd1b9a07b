/* One conversation after another through a real flow table, real streams and content, packet by
 * packet; what content tells is written into a log of words. Shared by the content tests. */
#ifndef WEIR_TEST_CONTENT_CONVERSATION_H
#define WEIR_TEST_CONTENT_CONVERSATION_H

#include "weir/content/content.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conversation {
    struct content *content;
    struct flow_table *table;
    struct hash_key key;
    struct flow *flow;
    struct ptime now;
    uint16_t ports[SIDES];
    uint8_t proto;
    bool other_way;       /* content is told the other side: as after content_swapped */
    uint32_t next[SIDES]; /* sequence numbers */
    char log[8192];       /* "name:a.example dns:q/1:a.example …" */
    size_t log_size;
    size_t items[SIDES], calls[SIDES], largest_call;
    uint64_t hash[4096];                     /* of all items, as told */
    char label[4096][CONTENT_LABEL_MAX + 1]; /* of each of them */
    uint8_t class[4096];
    size_t hash_count, of_class[SIDES][CONTENT_KINDS];
    /* What was asked for, which is in of_class alone otherwise: "account/http refused/http …" */
    char asked[4096];
    uint64_t asked_hash[256];
    size_t asked_size, asked_count;
    uint64_t inspected_bytes[SIDES], gap_bytes[SIDES]; /* as told last */
    /* What content_get_facts said when the flow ended. */
    enum service service;
    char server_name[RECORD_NAME_MAX + 1], question[RECORD_NAME_MAX + 1];
    char text[FLOW_TEXTS][RECORD_NAME_MAX + 1];
    struct content_facts facts; /* its texts are borrowed: those above are there to be read */
    uint8_t ja3[16];
    bool has_ja3, ended;
};

static inline void note(struct conversation *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void note(struct conversation *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    size_t room = sizeof c->log - c->log_size;
    int size = vsnprintf(c->log + c->log_size, room, format, list);
    va_end(list);
    if (size < 0 || (size_t)size >= room)
        abort();
    c->log_size += (size_t)size;
}

static inline void on_dns(void *context, struct flow *flow, struct ptime time,
                          const struct dns_message *m)
{
    (void)flow, (void)time;
    note(context, "%s:%s/%u/%u ", m->response ? "answer" : "query", m->name, m->qtype,
         m->address_count);
}

static inline void on_server_name(void *context, struct flow *flow, struct ptime time,
                                  const char *name)
{
    (void)flow, (void)time;
    note(context, "name:%s ", name);
}

static inline void note_asked(struct conversation *c, const struct content_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        const struct content_text *label = &items->label[items->place[i]];
        size_t room = sizeof c->asked - c->asked_size;
        int size = snprintf(c->asked + c->asked_size, room, "%s/%.*s ",
                            content_class_name[items->class], label->size, label->text);
        if (size < 0 || (size_t)size >= room || c->asked_count == 256)
            abort();
        c->asked_size += (size_t)size;
        c->asked_hash[c->asked_count++] = items->hash[i];
    }
}

static inline void on_items(void *context, struct flow *flow, enum flow_side side,
                            struct ptime time, const struct content_items *items)
{
    struct conversation *c = context;
    size_t count = items->count;
    (void)flow, (void)time;
    if (items->class >= CONTENT_KINDS || count == 0 || c->hash_count + count > 4096)
        abort();
    c->of_class[side][items->class] += count;
    if (items->class >= CONTENT_CLASSES) {
        note_asked(c, items);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct content_text *label = &items->label[items->place[i]];
        memcpy(c->label[c->hash_count + i], label->text, label->size);
        c->label[c->hash_count + i][label->size] = '\0';
        c->class[c->hash_count + i] = (uint8_t)items->class;
    }
    memcpy(c->hash + c->hash_count, items->hash, count * sizeof *items->hash);
    c->hash_count += count;
    c->items[side] += count;
    c->calls[side]++;
    c->largest_call = count > c->largest_call ? count : c->largest_call;
    c->inspected_bytes[side] = items->inspected_bytes;
    c->gap_bytes[side] = items->gap_bytes;
}

static inline bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    struct conversation *c = context;
    if (end == FLOW_OPEN) {
        content_progress(c->content, flow, time);
        return true;
    }
    content_flush(c->content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    c->service = facts.service;
    for (int i = 0; i < FLOW_TEXTS; i++)
        snprintf(c->text[i], sizeof c->text[i], "%s", facts.text[i]);
    strcpy(c->server_name, c->text[TEXT_SERVER_NAME]);
    strcpy(c->question, c->text[TEXT_QUESTION]);
    c->facts = facts;
    c->has_ja3 = facts.ja3 != NULL;
    if (facts.ja3)
        memcpy(c->ja3, facts.ja3, sizeof c->ja3);
    c->ended = true;
    return true;
}

static inline void on_swapped(void *context, struct flow *flow)
{
    struct conversation *c = context;
    content_swapped(c->content, flow);
}

static inline void on_release(void *context, struct flow *flow)
{
    struct conversation *c = context;
    content_release(c->content, flow);
}

/* Opens a sensor with nothing in it. 0, or -1. */
static inline int conversation_open(struct conversation *c)
{
    static const struct content_events content_events = {on_dns, on_server_name, on_items};
    static const struct flow_events flow_events = {on_report, on_swapped, on_release, NULL, NULL};
    struct content_config config = {
        .stream = stream_config_default(), .applications = true, .unhurried = true};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    memset(c, 0, sizeof *c);
    c->now.ns = INT64_C(1700000000) * NS_PER_S;
    hash_key_init(&c->key, "site", 4);
    config.key = c->key;
    c->content = content_new(&config, &content_events, c, &error);
    if (c->content)
        c->table = flow_table_new(&flows, &flow_events, c);
    return c->table ? 0 : -1;
}

static inline void conversation_close(struct conversation *c)
{
    flow_table_free(c->table);
    content_free(c->content);
}

/* The next packets are of this conversation. */
static inline void begin(struct conversation *c, uint8_t proto, uint16_t orig_port,
                         uint16_t resp_port)
{
    c->proto = proto;
    c->ports[SIDE_ORIG] = orig_port;
    c->ports[SIDE_RESP] = resp_port;
    c->next[SIDE_ORIG] = 1000;
    c->next[SIDE_RESP] = 5000;
    c->ended = c->other_way = false;
}

/* One packet of `from` (by who it is, whatever the table makes of it); `lost` bytes were cut off
 * by the snap length. The payload is an exact allocation that is gone afterwards. */
static inline void packet(struct conversation *c, enum flow_side from, uint8_t flags,
                          const void *data, size_t size, size_t lost)
{
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    enum flow_side to = from == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG, side;
    uint8_t *payload = malloc(size ? size : 1);
    if (!payload)
        abort();
    if (size)
        memcpy(payload, data, size);
    c->now.ns += NS_PER_MS;
    struct packet p = {.time = c->now,
                       .frames = 1,
                       .ip_version = 4,
                       .proto = c->proto,
                       .src = ip_from_v4(address[from]),
                       .dst = ip_from_v4(address[to]),
                       .src_port = c->ports[from],
                       .dst_port = c->ports[to],
                       .seq = c->next[from],
                       .ack = flags & TCP_ACK ? c->next[to] : 0,
                       .tcp_flags = c->proto == PROTO_TCP ? flags : 0,
                       .window = 65535,
                       .payload = payload,
                       .payload_captured = (uint32_t)size,
                       .payload_bytes = (uint32_t)(size + lost)};
    p.ip_bytes = p.payload_bytes + 40;
    p.wire_bytes = p.captured = p.ip_bytes + 14;
    c->next[from] += p.payload_bytes + ((flags & (TCP_SYN | TCP_FIN)) != 0);
    flow_table_advance(c->table, c->now);
    c->flow = flow_table_packet(c->table, &p, &side);
    if (c->other_way)
        side = side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
    for (int step = CONTENT_FETCH_FLOW; step <= CONTENT_FETCH_TOLD; step++)
        content_fetch(c->flow, side, (enum content_fetch)step); /* changes nothing */
    content_packet(c->content, c->flow, side, &p);
    flow_table_settle(c->table, c->flow, c->now);
    free(payload);
}

static inline void say(struct conversation *c, enum flow_side from, const void *data, size_t size)
{
    packet(c, from, TCP_ACK | TCP_PSH, data, size, 0);
}

static inline void say_text(struct conversation *c, enum flow_side from, const char *text)
{
    say(c, from, text, strlen(text));
}

/* In segments of at most `most` bytes. */
static inline void say_cut(struct conversation *c, enum flow_side from, const void *data,
                           size_t size, size_t most)
{
    for (size_t at = 0; at < size; at += most)
        say(c, from, (const char *)data + at, size - at < most ? size - at : most);
}

/* The sensor does not see the next `bytes` that `from` sends. */
static inline void lose(struct conversation *c, enum flow_side from, uint32_t bytes)
{
    c->next[from] += bytes;
}

static inline void handshake(struct conversation *c, uint16_t orig_port, uint16_t resp_port)
{
    begin(c, PROTO_TCP, orig_port, resp_port);
    packet(c, SIDE_ORIG, TCP_SYN, NULL, 0, 0);
    packet(c, SIDE_RESP, TCP_SYN | TCP_ACK, NULL, 0, 0);
    packet(c, SIDE_ORIG, TCP_ACK, NULL, 0, 0);
}

/* Input ends: every flow is told and released. */
static inline void finish(struct conversation *c)
{
    flow_table_finish(c->table, c->now);
}

#endif
