/* Names, sizes and validation: each honest record passes, and each single thing made wrong is
 * refused with the fault that names it. */
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
    made.flow.server_name_size = 15;
    made.flow.question_size = 11;
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

static void make_content(void)
{
    begin(RECORD_CONTENT, sizeof made.content, 3 * sizeof(uint64_t));
    made.content.side = SIDE_RESP;
    made.content.hash_count = 3;
}

static void make_health(void)
{
    begin(RECORD_HEALTH, sizeof made.health, 0);
    memset(&made.health.total, 0xff, sizeof made.health.total);
    memset(made.health.total.kind, 0, sizeof made.health.total.kind);
}

static void make_watermark(void)
{
    begin(RECORD_WATERMARK, sizeof made.header, 0);
    made.header.time_ns = INT64_MAX; /* the end of the input */
}

static void (*const make[])(void) = {make_flow, make_name, make_content, make_health,
                                     make_watermark};

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
    begin(RECORD_CONTENT, sizeof made.content, RECORD_CONTENT_HASHES * sizeof(uint64_t));
    made.content.hash_count = RECORD_CONTENT_HASHES;
    assert_int_equal(validate(made.header.size), RECORD_OK);
    const size_t tail = RECORD_NAME_ADDRESSES * sizeof(struct ip) + RECORD_NAME_MAX;
    begin(RECORD_NAME, sizeof made.name, tail);
    made.name.address_count = RECORD_NAME_ADDRESSES;
    made.name.name_size = RECORD_NAME_MAX;
    memset(made.name.tail + RECORD_NAME_ADDRESSES * sizeof(struct ip), 'x', RECORD_NAME_MAX);
    assert_int_equal(validate(made.header.size), RECORD_OK);
    make_flow();
    made.header.size = (uint32_t)record_size(sizeof made.flow, 2 * RECORD_NAME_MAX);
    made.flow.server_name_size = made.flow.question_size = RECORD_NAME_MAX;
    memset(made.flow.tail, '~', 2 * RECORD_NAME_MAX);
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
        enum record_fault expected = kind == RECORD_WATERMARK                       ? RECORD_OK
                                     : kind >= RECORD_FLOW && kind <= RECORD_HEALTH ? RECORD_SHORT
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
    REFUSED(make_flow, r->key.vlan = 4096, RECORD_RANGE);
    REFUSED(make_flow, r->key.vantage = VANTAGES, RECORD_RANGE);
    REFUSED(make_flow, r->header.time_ns = INT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->header.time_ns = INT64_MIN, RECORD_RANGE);
    REFUSED(make_flow, r->start_ns = INT64_MIN, RECORD_RANGE);
    REFUSED(make_flow, r->last_ns = INT64_MAX, RECORD_RANGE);
    REFUSED(make_flow, r->start_ns = r->last_ns + 1, RECORD_RANGE);
    REFUSED(make_flow, r->fresh_since_ns = r->start_ns - 1, RECORD_RANGE);
    REFUSED(make_flow, r->fresh_since_ns = r->header.time_ns + 1, RECORD_RANGE);
    REFUSED(make_flow, r->server_name_size = 0, RECORD_TAIL);
    REFUSED(make_flow, r->server_name_size = UINT16_MAX, RECORD_TAIL);
    REFUSED(make_flow, r->question_size = RECORD_NAME_MAX + 1, RECORD_TAIL);
    REFUSED(make_flow, r->tail[0] = '\0', RECORD_TAIL);
    REFUSED(make_flow, r->tail[25] = '\n', RECORD_TAIL);
    REFUSED(make_flow, r->tail[3] = '\x7f', RECORD_TAIL);
    REFUSED(make_flow, r->tail[3] = '\x80', RECORD_TAIL);
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

static void test_others_refused(void **state)
{
    struct record_name *n = &made.name;
    struct record_content *c = &made.content;
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
    REFUSED(make_content, c->class = CONTENT_CLASSES, RECORD_RANGE);
    REFUSED(make_content, c->hash_count = 4, RECORD_TAIL);
    REFUSED(make_content, c->hash_count = RECORD_CONTENT_HASHES + 1, RECORD_TAIL);
    REFUSED(make_content, c->inspected_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_content, c->gap_bytes = UINT64_MAX, RECORD_RANGE);
    REFUSED(make_content, c->sent_bytes = UINT64_MAX, RECORD_RANGE);
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

static void test_names(void **state)
{
    char text[8];
    (void)state;
    for (int i = 0; i < FLOW_ENDS; i++)
        assert_non_null(flow_end_name[i]);
    for (int i = 1; i < SERVICES; i++)
        assert_non_null(service_name[i]);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_honest_records_pass),
                                       cmocka_unit_test(test_largest_records_pass),
                                       cmocka_unit_test(test_other_sizes),
                                       cmocka_unit_test(test_kinds),
                                       cmocka_unit_test(test_flow_refused),
                                       cmocka_unit_test(test_counts_refused),
                                       cmocka_unit_test(test_others_refused),
                                       cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
