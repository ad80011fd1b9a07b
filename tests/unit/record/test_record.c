/* Names, sizes and validation: each honest record passes, and each single thing made wrong is
 * refused with the fault that names it. */
#include "weir/base/device.h"
#include "weir/record/function.h"
#include "weir/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

union any_record {
    struct record_header header;
    struct record_flow flow;
    struct record_name name;
    struct record_content content;
    struct record_health health;
    struct record_binding binding;
    uint64_t words[RECORD_MAX_BYTES / sizeof(uint64_t)];
    char bytes[RECORD_MAX_BYTES];
};

static union any_record made;

static void begin(enum record_kind kind, size_t fixed, size_t tail)
{
    memset(&made, 0, sizeof made);
    made.header.size = (uint32_t)record_size(fixed, tail);
    made.header.kind = (uint16_t)kind;
    made.header.version = RECORD_VERSION;
    made.header.time_ns = INT64_C(1772413447000000000);
}

static void make_flow(void)
{
    static const char text[] = "www.example.comexample.com";
    begin(RECORD_FLOW, sizeof made.flow, sizeof text - 1);
    made.flow.text_size[TEXT_SERVER_NAME] = 15;
    made.flow.text_size[TEXT_QUESTION] = 11;
    memcpy(made.flow.tail, text, sizeof text - 1);
    made.flow.start_ns = made.header.time_ns - 5000;
    made.flow.last_ns = made.header.time_ns - 1000;
    made.flow.fresh_since_ns = made.flow.start_ns;
    for (int side = 0; side < SIDES; side++) {
        made.flow.total[side] = (struct side_counts){.packets = 10,
                                                     .wire_bytes = 2000,
                                                     .ip_bytes = 1800,
                                                     .payload_bytes = 1000,
                                                     .missing_bytes = 200,
                                                     .acked_bytes = 900};
        made.flow.fresh[side].payload_bytes = 400;
        made.flow.fresh[side].missing_bytes = -100;
        made.flow.fresh[side].acked_bytes = 300;
        made.flow.fresh[side].packets = 4;
    }
}

static void make_name(void)
{
    begin(RECORD_NAME, sizeof made.name, 2 * sizeof(struct ip) + 11);
    made.name.kind = NAME_DNS;
    made.name.answered = 1;
    made.name.address_count = 2;
    made.name.name_size = 11;
    memcpy(made.name.tail + 2 * sizeof(struct ip), "example.com", 11);
}

/* An answer without addresses may not have aliases in practice; the format does not mind. */
static void make_alias(void)
{
    begin(RECORD_NAME, sizeof made.name, 11 + 1 + 7);
    made.name.kind = NAME_DNS;
    made.name.answered = 1;
    made.name.name_size = 11;
    made.name.alias_count = 1;
    memcpy(made.name.tail, "example.com\7cdn.net", 11 + 1 + 7);
}

static void make_content(void)
{
    static const char labels[] = "\0\1\1\13example.com\2jp\6a\\x09b";
    begin(RECORD_CONTENT, sizeof made.content, 3 * sizeof(uint64_t) + sizeof labels - 1);
    made.content.side = SIDE_RESP;
    made.content.hash_count = 3;
    made.content.label_count = 2;
    made.content.sample_count = 1;
    memcpy(made.content.hash + 3, labels, sizeof labels - 1);
}

static void make_health(void)
{
    begin(RECORD_HEALTH, sizeof made.health, 0);
    memset(&made.health.total, 0xff, sizeof made.health.total);
    memset(made.health.total.kind, 0, sizeof made.health.total.kind);
}

static void make_binding(void)
{
    begin(RECORD_BINDING, sizeof made.binding, 0);
    made.binding.address = ip_from_v4((const uint8_t *)"\x0a\0\0\1");
    made.binding.device = device_of_mac((const uint8_t *)"\0\x1b\x21\1\2\3");
    made.binding.lease_s = 86400;
    made.binding.kind = BINDING_DHCP4;
    made.binding.key = binding_key(&made.binding);
}

static void make_watermark(void)
{
    begin(RECORD_WATERMARK, sizeof made.header, 0);
    made.header.time_ns = INT64_MAX; /* the end of the input */
}

static void (*const make[])(void) = {make_flow,   make_name,    make_content,
                                     make_health, make_binding, make_watermark};

/* As the engine does: an exact heap copy, so that the sanitizer sees a byte read too many. */
static enum record_fault validate(size_t size)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, &made, size);
    enum record_fault fault = record_validate(copy, size);
    free(copy);
    return fault;
}

static void test_honest_records_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        make[i]();
        assert_int_equal(made.header.size % 8, 0);
        assert_int_equal(validate(made.header.size), RECORD_OK);
    }
}

static void test_largest_records_pass(void **state)
{
    (void)state;
    size_t most = RECORD_CONTENT_ITEMS * 9 + RECORD_CONTENT_LABELS * (CONTENT_LABEL_MAX + 1) +
                  RECORD_CONTENT_SAMPLES * (CONTENT_SAMPLE_MAX + 1);
    begin(RECORD_CONTENT, sizeof made.content, most);
    made.content.hash_count = RECORD_CONTENT_ITEMS;
    made.content.label_count = RECORD_CONTENT_LABELS;
    made.content.sample_count = RECORD_CONTENT_SAMPLES;
    uint8_t *at = (uint8_t *)(made.content.hash + RECORD_CONTENT_ITEMS) + RECORD_CONTENT_ITEMS;
    memset(at, 'x', most - RECORD_CONTENT_ITEMS * 9);
    for (unsigned i = 0; i < RECORD_CONTENT_LABELS; i++, at += CONTENT_LABEL_MAX + 1)
        *at = CONTENT_LABEL_MAX;
    for (unsigned i = 0; i < RECORD_CONTENT_SAMPLES; i++, at += CONTENT_SAMPLE_MAX + 1)
        *at = CONTENT_SAMPLE_MAX;
    assert_int_equal(validate(made.header.size), RECORD_OK);
    const size_t tail = RECORD_NAME_ADDRESSES * sizeof(struct ip) + RECORD_NAME_MAX;
    begin(RECORD_NAME, sizeof made.name, tail);
    made.name.address_count = RECORD_NAME_ADDRESSES;
    made.name.name_size = RECORD_NAME_MAX;
    memset(made.name.tail + RECORD_NAME_ADDRESSES * sizeof(struct ip), 'x', RECORD_NAME_MAX);
    assert_int_equal(validate(made.header.size), RECORD_OK);
    make_flow();
    made.header.size = (uint32_t)record_size(sizeof made.flow, FLOW_TEXTS * RECORD_NAME_MAX);
    memset(made.flow.text_size, RECORD_NAME_MAX, sizeof made.flow.text_size);
    memset(made.flow.tail, '~', FLOW_TEXTS * RECORD_NAME_MAX);
    assert_int_equal(validate(made.header.size), RECORD_OK);
}

/* Cut or grown to any other size, told or not, nothing passes. */
static void test_other_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        make[i]();
        uint32_t right = made.header.size;
        for (size_t size = 0; size <= right + 16u; size++) {
            if (size == right)
                continue;
            made.header.size = right;
            assert_int_equal(validate(size), size < 24 ? RECORD_SHORT : RECORD_SIZE);
            made.header.size = (uint32_t)size;
            if (size >= 24)
                assert_int_not_equal(validate(size), RECORD_OK);
        }
    }
    make_content();
    made.header.size = RECORD_MAX_BYTES;
    assert_int_equal(validate(RECORD_MAX_BYTES), RECORD_TAIL);
    made.header.size = sizeof made.header;
    assert_int_equal(validate(sizeof made.header), RECORD_SHORT);
}

static void test_kinds(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 65536; kind++) {
        make_watermark();
        made.header.kind = (uint16_t)kind;
        made.header.time_ns = 0;
        enum record_fault expected = kind == RECORD_WATERMARK                        ? RECORD_OK
                                     : kind >= RECORD_FLOW && kind <= RECORD_BINDING ? RECORD_SHORT
                                                                                     : RECORD_KIND;
        assert_int_equal(validate(made.header.size), expected);
    }
    make_watermark();
    made.header.version = RECORD_VERSION + 1;
    assert_int_equal(validate(made.header.size), RECORD_KIND);
}

static void expect(const char *change, enum record_fault expected)
{
    enum record_fault fault = validate(made.header.size);
    if (fault != expected)
        fail_msg("%s: %s, not %s", change, record_fault_name[fault], record_fault_name[expected]);
}

/* One honest record, one thing changed. */
#define REFUSED(maker, change, fault) ((maker)(), (void)(change), expect(#change, (fault)))

static void test_flow_refused(void **state)
{
    struct record_flow *r = &made.flow;
    (void)state;
    REFUSED(make_flow, r->end = FLOW_ENDS, RECORD_RANGE);
    REFUSED(make_flow, r->end = FLOW_END_LOST, RECORD_RANGE); /* the engine's own word */
    REFUSED(make_flow, r->service = SERVICES, RECORD_RANGE);
    REFUSED(make_flow, r->client.by = CLIENT_BYS, RECORD_RANGE);
    REFUSED(make_flow, r->key.vlan = 4096, RECORD_RANGE);
    REFUSED(make_flow, r->key.vantage = VANTAGES, RECORD_RANGE);
    REFUSED(make_flow, r->header.time_ns = INT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->header.time_ns = INT64_MIN, RECORD_RANGE);
    REFUSED(make_flow, r->start_ns = INT64_MIN, RECORD_RANGE);
    REFUSED(make_flow, r->last_ns = INT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->start_ns = r->last_ns + 1, RECORD_RANGE);
    REFUSED(make_flow, r->fresh_since_ns = r->start_ns - 1, RECORD_RANGE);
    REFUSED(make_flow, r->fresh_since_ns = r->header.time_ns + 1, RECORD_RANGE);
    REFUSED(make_flow, r->entropy[1] = 8001, RECORD_RANGE);
    REFUSED(make_flow, r->body[0].undeclared = 1, RECORD_RANGE);
    REFUSED(make_flow, r->body[1].seen_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->body[0].declared_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->text_size[TEXT_SERVER_NAME] = 0, RECORD_TAIL);
    REFUSED(make_flow, r->text_size[TEXT_SERVER_NAME] = UINT8_MAX, RECORD_TAIL);
    REFUSED(make_flow, r->text_size[TEXT_QUESTION] = RECORD_NAME_MAX + 1, RECORD_TAIL);
    REFUSED(make_flow, r->text_size[TEXT_CERTIFICATE] = 8, RECORD_TAIL);
    REFUSED(make_flow, r->tail[0] = '\0', RECORD_TAIL);
    REFUSED(make_flow, r->tail[25] = '\n', RECORD_TAIL);
    REFUSED(make_flow, r->tail[3] = '\x7f', RECORD_TAIL);
    REFUSED(make_flow, r->tail[3] = '\x80', RECORD_TAIL);
}

/* Two of them, of orig and of resp; the other one none. */
static struct tunnel *make_tunnelled(void)
{
    static struct tunnel tunnel[SIDES];
    memset(tunnel, 0, sizeof tunnel);
    tunnel[0].orig_ip.byte[15] = 1;
    tunnel[0].count = 2;
    tunnel[0].layer[0] = LAYER_IP;
    tunnel[0].layer[1] = LAYER_GRE;
    tunnel[0].id[1] = 77;
    return tunnel;
}

static void tell_tunnels(const struct tunnel tunnel[SIDES])
{
    make_flow();
    size_t size = record_flow_put_tunnels(&made.flow, tunnel);
    made.header.size = (uint32_t)record_size(sizeof made.flow, 26 + size);
}

static void test_tunnels(void **state)
{
    (void)state;
    struct tunnel back[SIDES], *tunnel = make_tunnelled();
    make_flow();
    assert_false(record_flow_tunnels(&made.flow, back));
    assert_int_equal(back[0].count + back[1].count, 0);
    tell_tunnels(tunnel);
    assert_int_equal(made.flow.tunnels, 2);
    expect("one side's", RECORD_OK);
    assert_true(record_flow_tunnels(&made.flow, back));
    assert_memory_equal(back, tunnel, sizeof back);
    tunnel[1] = tunnel[0];
    tell_tunnels(tunnel);
    assert_int_equal(made.flow.tunnels, 1); /* told once */
    expect("both sides'", RECORD_OK);
    assert_true(record_flow_tunnels(&made.flow, back));
    assert_memory_equal(back, tunnel, sizeof back);
#define REFUSED_TUNNEL(change)                                                                     \
    (tunnel = make_tunnelled(), (void)(change), tell_tunnels(tunnel), expect(#change, RECORD_RANGE))
    REFUSED_TUNNEL(tunnel[0].count = 0);
    REFUSED_TUNNEL(tunnel[0].count = 1);
    REFUSED_TUNNEL(tunnel[0].count = 3);
    REFUSED_TUNNEL(tunnel[0].layer[0] = LAYERS);
    REFUSED_TUNNEL(tunnel[0].spare = 1);
    REFUSED_TUNNEL(tunnel[0].id[2] = 1);
    REFUSED_TUNNEL((tunnel[0].orig_ip.byte[15] = 0, tunnel[0].orig_port = 1));
    REFUSED_TUNNEL(tunnel[1].orig_port = 1);
    REFUSED_TUNNEL(tunnel[0] = tunnel[1]); /* two times nothing */
    tell_tunnels(make_tunnelled());
    made.flow.tunnels = 3;
    expect("three", RECORD_TAIL);
    made.flow.tunnels = 1;
    expect("fewer than there are", RECORD_TAIL);
}

static void tell_functions(const struct function_set *set, bool in_tunnel)
{
    size_t size = 26;
    make_flow();
    if (in_tunnel)
        size += record_flow_put_tunnels(&made.flow, make_tunnelled());
    size += record_flow_put_functions(&made.flow, set);
    made.header.size = (uint32_t)record_size(sizeof made.flow, size);
}

static void test_functions(void **state)
{
    (void)state;
    struct function_set set = {.code = {1, 3, 0x7401}, .count = 3}, back;
    make_flow();
    record_flow_functions(&made.flow, &back);
    assert_int_equal(back.count + back.more, 0);
    for (int in_tunnel = 0; in_tunnel < 2; in_tunnel++) {
        tell_functions(&set, in_tunnel);
        expect("three", RECORD_OK);
        record_flow_functions(&made.flow, &back);
        assert_memory_equal(&back, &set, sizeof back);
    }
    set.code[1] = 1;
    tell_functions(&set, false);
    expect("one twice", RECORD_RANGE);
    set = (struct function_set){.code = {1}, .count = 1, .more = 1};
    tell_functions(&set, false);
    expect("more, and there is room", RECORD_RANGE);
    set = (struct function_set){.code = {1}, .count = 1, .more_back = 1};
    tell_functions(&set, false);
    expect("more of the other side, and there is room", RECORD_RANGE);
    set = (struct function_set){.code = {1}, .count = 1, .back = 2};
    tell_functions(&set, false);
    expect("one marked that is not there", RECORD_RANGE);
    set = (struct function_set){.code = {1}, .count = 1};
    for (unsigned i = 0; i < FUNCTIONS_MAX; i++)
        function_set_add(&set, (uint16_t)(i + 1));
    tell_functions(&set, true);
    expect("all that there is room for", RECORD_OK);
    set.back = 0x80000001;
    tell_functions(&set, true);
    expect("those of the other side", RECORD_OK);
    record_flow_functions(&made.flow, &back);
    assert_true(function_set_is_back(&back, 0) && function_set_is_back(&back, 31));
    made.flow.functions -= 5;
    expect("fewer than there are", RECORD_TAIL);
    made.flow.functions = FUNCTIONS_MAX + 1;
    expect("too many", RECORD_TAIL);
}

static void test_a_tunnel_turned(void **state)
{
    (void)state;
    struct tunnel tunnel = *make_tunnelled(), turned;
    tunnel.resp_port = 4789;
    tunnel.hop[1].orig_ip.byte[0] = 9;
    turned = tunnel_turned(&tunnel);
    assert_int_equal(turned.resp_ip.byte[15], 1);
    assert_int_equal(turned.orig_port, 4789);
    assert_int_equal(turned.hop[1].resp_ip.byte[0], 9);
    assert_false(tunnel_same_way(&tunnel, &turned));
    turned = tunnel_turned(&turned);
    assert_memory_equal(&turned, &tunnel, sizeof turned);
    turned.id[0]++;
    assert_true(tunnel_same_way(&tunnel, &turned));
    turned.hop[0].orig_ip.byte[0] = 9;
    assert_false(tunnel_same_way(&tunnel, &turned));
}

static void test_counts_refused(void **state)
{
    (void)state;
    for (int side = 0; side < SIDES; side++) {
        struct side_counts *total = &made.flow.total[side];
        REFUSED(make_flow, total->packets = RECORD_BYTES_MAX + 1, RECORD_RANGE);
        REFUSED(make_flow, total->wire_bytes = UINT64_MAX, RECORD_RANGE);
        REFUSED(make_flow, total->ip_bytes = UINT64_MAX, RECORD_RANGE);
        REFUSED(make_flow, total->payload_bytes = UINT64_MAX, RECORD_RANGE);
        REFUSED(make_flow, total->missing_bytes = UINT64_MAX, RECORD_RANGE);
        REFUSED(make_flow, total->retransmitted_bytes = UINT64_MAX, RECORD_RANGE);
        REFUSED(make_flow, total->acked_bytes = 1001, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].payload_bytes = -1, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].payload_bytes = 1001, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].acked_bytes = -1, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].acked_bytes = 901, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].packets = -1, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].packets = 11, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].missing_bytes = 201, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].missing_bytes = -401, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].missing_bytes = INT64_MIN, RECORD_RANGE);
        REFUSED(make_flow, made.flow.fresh[side].missing_bytes = -400, RECORD_OK);
    }
}

static void test_aliases_refused(void **state)
{
    struct record_name *n = &made.name;
    (void)state;
    REFUSED(make_alias, (void)n, RECORD_OK);
    REFUSED(make_alias, n->alias_count = RECORD_NAME_ALIASES + 1, RECORD_TAIL);
    REFUSED(make_alias, n->alias_count = 2, RECORD_TAIL);
    REFUSED(make_alias, n->alias_count = 0, RECORD_TAIL);
    REFUSED(make_alias, n->tail[11] = 0, RECORD_TAIL);
    REFUSED(make_alias, n->tail[11] = 120, RECORD_TAIL);
    REFUSED(make_alias, n->tail[12] = '\n', RECORD_TAIL);
    REFUSED(make_alias, n->name_size = 40, RECORD_TAIL);
    REFUSED(make_alias, n->kind = NAME_SERVER, RECORD_RANGE);
}

static void test_others_refused(void **state)
{
    struct record_name *n = &made.name;
    struct record_content *c = &made.content;
    struct record_binding *b = &made.binding;
    (void)state;
    REFUSED(make_name, n->kind = NAME_KINDS, RECORD_RANGE);
    REFUSED(make_name, n->kind = NAME_SERVER, RECORD_RANGE); /* has no addresses */
    REFUSED(make_name, n->answered = 2, RECORD_RANGE);
    REFUSED(make_name, n->key.vantage = VANTAGES, RECORD_RANGE);
    REFUSED(make_name, n->address_count = 255, RECORD_TAIL);
    REFUSED(make_name, n->address_count = 1, RECORD_TAIL);
    REFUSED(make_name, n->name_size = RECORD_NAME_MAX + 1, RECORD_TAIL);
    REFUSED(make_name, n->name_size = 17, RECORD_TAIL);
    REFUSED(make_name, n->tail[2 * sizeof(struct ip)] = '\t', RECORD_TAIL);
    REFUSED(make_content, c->side = SIDES, RECORD_RANGE);
    REFUSED(make_content, c->tunnels = 1, RECORD_RANGE);
    REFUSED(make_content, c->tunnels = SIDES, RECORD_RANGE); /* of which there is none */
    REFUSED(make_content, (c->tunnel[1].count = 1, c->tunnel[1].layer[0] = LAYER_IP), RECORD_RANGE);
    REFUSED(make_content, c->class = CONTENT_KINDS, RECORD_RANGE);
    REFUSED(make_content, c->hash_count = 4, RECORD_TAIL);
    REFUSED(make_content, c->hash_count = RECORD_CONTENT_ITEMS + 1, RECORD_TAIL);
    REFUSED(make_content, c->label_count = 1, RECORD_TAIL); /* an item's label is not there */
    REFUSED(make_content, c->label_count = RECORD_CONTENT_LABELS + 1, RECORD_TAIL);
    REFUSED(make_content, c->sample_count = 2, RECORD_TAIL);
    REFUSED(make_content, ((uint8_t *)c->hash)[24] = 2, RECORD_TAIL);
    REFUSED(make_content, ((uint8_t *)c->hash)[27] = 200, RECORD_TAIL);
    REFUSED(make_content, ((uint8_t *)c->hash)[28] = '\n', RECORD_TAIL);
    REFUSED(make_content, c->inspected_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_content, c->gap_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_content, c->sent_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_binding, b->kind = BINDING_KINDS, RECORD_RANGE);
    REFUSED(make_binding, b->device = b->address, RECORD_RANGE);
    REFUSED(make_binding, b->address = b->device, RECORD_RANGE);
    REFUSED(make_binding, b->lease_s = 60, RECORD_RANGE); /* the key would say another order */
    REFUSED(make_binding, b->key.vlan = 7, RECORD_RANGE);
    REFUSED(make_binding, b->key.vlan = b->vlan = 4096, RECORD_RANGE);
    REFUSED(make_binding, b->key.vlan = b->vlan = 4095, RECORD_OK);
    REFUSED(make_binding, b->key.vantage = b->vantage = VANTAGES, RECORD_RANGE);
    REFUSED(make_health, made.header.time_ns = INT64_MAX, RECORD_RANGE);
    REFUSED(make_watermark, made.header.time_ns = INT64_MIN, RECORD_OK);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(record_size(24, 0), 24);
    assert_int_equal(record_size(24, 1), 32);
    assert_int_equal(record_size(24, 8), 32);
    assert_int_equal(record_size(20, 3), 24);
}

/* Both orientations have one unordered key; turning twice is nothing. */
static void test_unordered_keys(void **state)
{
    static const struct {
        uint8_t a, b;
        uint16_t a_port, b_port;
    } row[] = {{1, 2, 40000, 443}, {2, 1, 443, 40000}, {1, 1, 5, 6}, {1, 1, 6, 5}, {1, 1, 5, 5}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct flow_key key = {.orig_port = row[i].a_port,
                               .resp_port = row[i].b_port,
                               .vlan = 20,
                               .proto = 6,
                               .vantage = 3};
        key.orig_ip.byte[15] = row[i].a;
        key.resp_ip.byte[15] = row[i].b;
        struct flow_key turned = flow_key_turned(&key), back = flow_key_turned(&turned);
        struct flow_key one = flow_key_unordered(&key), other = flow_key_unordered(&turned);
        assert_memory_equal(&key, &back, sizeof key);
        assert_memory_equal(&one, &other, sizeof one);
        assert_true(one.orig_port == key.orig_port || one.orig_port == key.resp_port);
        assert_int_equal(one.vlan, 20);
        assert_int_equal(one.vantage, 3);
    }
}

static void test_names(void **state)
{
    char text[8];
    (void)state;
    for (int i = 0; i < FLOW_ENDS; i++)
        assert_non_null(flow_end_name[i]);
    for (int i = 1; i < SERVICES; i++)
        assert_non_null(service_name[i]);
    for (int i = 1; i < CLIENT_BYS; i++)
        assert_non_null(client_by_name[i]);
    for (int i = 0; i < RECORD_FAULTS; i++)
        assert_non_null(record_fault_name[i]);
    assert_null(service_name[SERVICE_NONE]);
    assert_string_equal(service_name[SERVICE_FTP], "ftp");
    assert_string_equal(flow_end_name[FLOW_END_EVICTED], "evicted");
    assert_string_equal(record_fault_name[RECORD_RANGE], "range");
    assert_string_equal(content_class_name[CONTENT_EMAIL], "email");
    assert_string_equal(proto_text(1, text), "icmp");
    assert_string_equal(proto_text(6, text), "tcp");
    assert_string_equal(proto_text(17, text), "udp");
    assert_string_equal(proto_text(58, text), "icmp6");
    assert_string_equal(proto_text(132, text), "sctp");
    assert_string_equal(proto_text(47, text), "47");
    assert_string_equal(proto_text(255, text), "255");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_records_pass), cmocka_unit_test(test_largest_records_pass),
        cmocka_unit_test(test_other_sizes),         cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_flow_refused),        cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_functions),           cmocka_unit_test(test_a_tunnel_turned),
        cmocka_unit_test(test_counts_refused),      cmocka_unit_test(test_aliases_refused),
        cmocka_unit_test(test_others_refused),      cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_unordered_keys),      cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
