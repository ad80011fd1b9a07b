/* Records made by hand for the engine's tests: keys, flows, names, content, as a capture worker
 * would send them. Each is validated as it is made. */
#ifndef WEIR_TESTS_ENGINE_RECORDS_H
#define WEIR_TESTS_ENGINE_RECORDS_H

#include "weir/record/record.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the three above and this first */
#include <setjmp.h>

#include <cmocka.h>
#include <string.h>

union any_record {
    struct record_header header;
    struct record_flow flow;
    struct record_name name;
    struct record_content content;
    struct record_binding binding;
    struct record_health health;
    uint64_t align[RECORD_MAX_BYTES / sizeof(uint64_t)];
};

static inline struct ip make_ip(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

/* orig and resp as addresses in text */
static inline struct flow_key make_flow_key(const char *orig, uint16_t orig_port, const char *resp,
                                            uint16_t resp_port)
{
    struct flow_key key;
    memset(&key, 0, sizeof key);
    key.orig_ip = make_ip(orig);
    key.resp_ip = make_ip(resp);
    key.orig_port = orig_port;
    key.resp_port = resp_port;
    key.proto = 6;
    return key;
}

static inline void finish_record(union any_record *record, enum record_kind kind, uint64_t number,
                                 int64_t time_ns, size_t fixed, size_t tail)
{
    record->header.size = (uint32_t)record_size(fixed, tail);
    record->header.kind = (uint16_t)kind;
    record->header.version = RECORD_VERSION;
    record->header.number = number;
    record->header.time_ns = time_ns;
    assert_int_equal(record_validate(record, record->header.size), RECORD_OK);
}

static inline void set_side(struct record_flow *flow, int side, uint64_t payload, uint64_t packets)
{
    flow->total[side] = (struct side_counts){.packets = packets,
                                             .wire_bytes = payload + 54 * packets,
                                             .ip_bytes = payload + 40 * packets,
                                             .payload_bytes = payload,
                                             .acked_bytes = payload};
    flow->fresh[side].payload_bytes = (int64_t)payload;
    flow->fresh[side].acked_bytes = (int64_t)payload;
    flow->fresh[side].packets = (int64_t)packets;
}

/* A flow that began, sent `up` and `down` bytes and ended within this one record: established, over
 * one second before `time_ns`. */
static inline void make_flow(union any_record *record, uint64_t number, int64_t time_ns,
                             const struct flow_key *key, uint64_t up, uint64_t down)
{
    memset(record, 0, sizeof *record);
    struct record_flow *flow = &record->flow;
    flow->key = *key;
    flow->start_ns = flow->fresh_since_ns = time_ns - NS_PER_S;
    flow->last_ns = time_ns;
    set_side(flow, SIDE_ORIG, up, 4);
    set_side(flow, SIDE_RESP, down, 4);
    flow->end = FLOW_END_CLOSED;
    flow->flags = FLOW_ESTABLISHED | FLOW_ORIG_BY_SYN;
    finish_record(record, RECORD_FLOW, number, time_ns, sizeof *flow, 0);
}

/* … that sent four packets, nobody answered, and it goes on. */
static inline void make_empty(union any_record *record, uint64_t number, int64_t time_ns,
                              const struct flow_key *key)
{
    make_flow(record, number, time_ns, key, 0, 0);
    set_side(&record->flow, SIDE_RESP, 0, 0);
    record->flow.end = FLOW_OPEN;
    record->flow.flags = FLOW_ORIG_BY_SYN;
}

/* The same flow is over at that time, silent since its record before. */
static inline void make_silent_end(union any_record *record, int64_t time_ns)
{
    struct record_flow *flow = &record->flow;
    flow->fresh_since_ns = flow->last_ns;
    memset(flow->fresh, 0, sizeof flow->fresh);
    flow->end = FLOW_END_IDLE;
    flow->header.time_ns = time_ns;
}

static inline void give_server_name(union any_record *record, const char *name)
{
    size_t size = strlen(name);
    memcpy(record->flow.tail, name, size);
    record->flow.text_size[TEXT_SERVER_NAME] = (uint8_t)size;
    finish_record(record, RECORD_FLOW, record->header.number, record->header.time_ns,
                  sizeof record->flow, size);
}

/* One layer between these addresses, as the flow's sides lie. */
static inline struct tunnel make_tunnel(const char *orig, const char *resp, enum layer layer)
{
    struct tunnel tunnel;
    memset(&tunnel, 0, sizeof tunnel);
    tunnel.orig_ip = make_ip(orig);
    tunnel.resp_ip = make_ip(resp);
    tunnel.layer[0] = (uint8_t)layer;
    tunnel.count = 1;
    return tunnel;
}

/* The flow came in them: orig's side, resp's side. The name has been given. */
static inline void give_tunnels(union any_record *record, const struct tunnel tunnel[SIDES])
{
    size_t size = record_flow_put_tunnels(&record->flow, tunnel);
    record->flow.flags |= FLOW_TUNNELLED;
    finish_record(record, RECORD_FLOW, record->header.number, record->header.time_ns,
                  sizeof record->flow, record->flow.text_size[TEXT_SERVER_NAME] + size);
}

/* An answer: `name` is at `count` addresses. */
static inline void make_answer(union any_record *record, uint64_t number, int64_t time_ns,
                               const char *name, const struct ip *address, size_t count)
{
    memset(record, 0, sizeof *record);
    struct record_name *answer = &record->name;
    size_t size = strlen(name);
    answer->key = make_flow_key("10.0.0.9", 40000, "10.0.0.1", 53);
    answer->key.proto = 17;
    answer->kind = NAME_DNS;
    answer->answered = 1;
    answer->qtype = 1;
    answer->ttl_s = 300;
    answer->address_count = (uint8_t)count;
    answer->name_size = (uint16_t)size;
    memcpy(answer->tail, address, count * sizeof *address);
    memcpy(answer->tail + count * sizeof *address, name, size);
    finish_record(record, RECORD_NAME, number, time_ns, sizeof *answer,
                  count * sizeof *address + size);
}

/* The question that an answer made by make_answer answers. */
static inline void make_question(union any_record *record, uint64_t number, int64_t time_ns,
                                 const char *name)
{
    make_answer(record, number, time_ns, name, &(struct ip){.byte = {0}}, 0);
    record->name.answered = 0;
}

static inline void make_server_name(union any_record *record, uint64_t number, int64_t time_ns,
                                    const struct flow_key *key, const char *name)
{
    memset(record, 0, sizeof *record);
    record->name.key = *key;
    record->name.kind = NAME_SERVER;
    record->name.name_size = (uint16_t)strlen(name);
    memcpy(record->name.tail, name, strlen(name));
    finish_record(record, RECORD_NAME, number, time_ns, sizeof record->name, strlen(name));
}

/* `count` items (hashes from `first` on) that `side` sent. */
static inline void make_items(union any_record *record, uint64_t number, int64_t time_ns,
                              const struct flow_key *key, enum flow_side side, uint64_t first,
                              size_t count)
{
    memset(record, 0, sizeof *record);
    struct record_content *content = &record->content;
    content->key = *key;
    content->side = (uint8_t)side;
    content->class = CONTENT_EMAIL;
    content->hash_count = (uint16_t)count;
    content->inspected_bytes = content->sent_bytes = 1000;
    for (size_t i = 0; i < count; i++)
        content->hash[i] = (first + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint8_t *label = (uint8_t *)(content->hash + count) + count; /* all have the first */
    content->label_count = 1;
    label[0] = 10;
    memcpy(label + 1, "example.jp", 10);
    finish_record(record, RECORD_CONTENT, number, time_ns, sizeof *content,
                  count * (sizeof *content->hash + 1) + 11);
}

/* `address` is `device`'s. */
static inline void make_binding(union any_record *record, uint64_t number, int64_t time_ns,
                                struct ip address, struct ip device, enum binding_kind kind,
                                uint32_t lease_s)
{
    memset(record, 0, sizeof *record);
    record->binding.address = address;
    record->binding.device = device;
    record->binding.kind = (uint8_t)kind;
    record->binding.lease_s = lease_s;
    record->binding.key = binding_key(&record->binding);
    finish_record(record, RECORD_BINDING, number, time_ns, sizeof record->binding, 0);
}

static inline void make_watermark(union any_record *record, uint64_t number, int64_t time_ns)
{
    memset(record, 0, sizeof *record);
    finish_record(record, RECORD_WATERMARK, number, time_ns, sizeof record->header, 0);
}

#endif
