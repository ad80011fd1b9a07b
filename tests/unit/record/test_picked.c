/* Which flow a packet is of, and packets put together of their parts. */
#include "weir/record/picked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct flow_key key_of(uint16_t orig_port, uint16_t resp_port, uint16_t vlan)
{
    struct flow_key key = {
        .orig_port = orig_port, .resp_port = resp_port, .vlan = vlan, .proto = 6};
    const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2};
    key.orig_ip = ip_from_v4(a);
    key.resp_ip = ip_from_v4(b);
    return flow_key_unordered(&key);
}

static void test_which_flow(void **state)
{
    (void)state;
    struct wanted_flow wanted[] = {
        {key_of(1000, 80, 0), 100, 200}, {key_of(1000, 80, 0), 201, 300},
        {key_of(1000, 80, 7), 100, 200}, {key_of(1001, 80, 0), 100, 200},
        {key_of(1000, 80, 9), 400, 500},
    };
    const uint32_t count = sizeof wanted / sizeof *wanted;
    qsort(wanted, count, sizeof *wanted, wanted_compare);
    struct flow_key asked = key_of(1000, 80, 0), turned = flow_key_turned(&asked);
    assert_int_equal(wanted[wanted_find(wanted, count, &asked, 200, false)].start_ns, 100);
    assert_int_equal(wanted[wanted_find(wanted, count, &turned, 201, false)].start_ns, 201);
    assert_int_equal(wanted_find(wanted, count, &asked, 99, false), WANTED_NONE);
    assert_int_equal(wanted_find(wanted, count, &asked, 301, false), WANTED_NONE);
    asked.vlan = 8; /* nobody's place: only a copy may be found there */
    assert_int_equal(wanted_find(wanted, count, &asked, 150, false), WANTED_NONE);
    assert_int_not_equal(wanted_find(wanted, count, &asked, 150, true), WANTED_NONE);
    assert_int_equal(wanted[wanted_find(wanted, count, &asked, 450, true)].key.vlan, 9);
    asked.vlan = 0;
    assert_int_not_equal(wanted_find(wanted, count, &asked, 300 + WANTED_COPY_NS, true),
                         WANTED_NONE);
    asked.orig_port = asked.resp_port = 5;
    assert_int_equal(wanted_find(wanted, count, &asked, 150, true), WANTED_NONE);
    assert_int_equal(wanted_find(NULL, 0, &asked, 150, true), WANTED_NONE);
}

/* A late packet makes two flows of one key overlap: the one that began last has it. */
static void test_flows_that_overlap(void **state)
{
    (void)state;
    const struct flow_key key = key_of(1000, 80, 0);
    const struct wanted_flow wanted[] = {{key, 100, 900}, {key, 200, 300}, {key, 400, 410}};
    assert_int_equal(wanted_find(wanted, 3, &key, 250, false), 1);
    assert_int_equal(wanted_find(wanted, 3, &key, 405, false), 2);
    assert_int_equal(wanted_find(wanted, 3, &key, 500, false), 0);
    assert_int_equal(wanted_find(wanted, 3, &key, 901, false), WANTED_NONE);
}

static size_t make_part(uint64_t *record, uint32_t captured, uint32_t offset, const char *text)
{
    struct picked_part *part = (void *)record;
    size_t size = (sizeof *part + strlen(text) + 7) / 8 * 8;
    memset(record, 0, size);
    *part = (struct picked_part){.flow = 1,
                                 .input = 0,
                                 .link = 1,
                                 .wire_bytes = 99,
                                 .captured = captured,
                                 .offset = offset,
                                 .size = (uint32_t)strlen(text)};
    part->header = (struct record_header){
        .size = (uint32_t)size, .kind = PICKED_PART, .version = RECORD_VERSION, .time_ns = 7};
    memcpy(part->bytes, text, strlen(text));
    return size;
}

static void test_parts(void **state)
{
    (void)state;
    uint64_t record[64];
    struct picked_reader reader = {.flows = 2, .inputs = 1};
    assert_int_equal(picked_read(&reader, record, make_part(record, 8, 0, "abcde")), PICKED_MORE);
    assert_int_equal(picked_read(&reader, record, make_part(record, 8, 5, "fgh")), PICKED_PACKET);
    assert_int_equal(reader.packet.captured, 8);
    assert_int_equal(reader.packet.stamp.ns, 7);
    assert_memory_equal(reader.packet.data, "abcdefgh", 8);
    assert_int_equal(picked_read(&reader, record, make_part(record, 0, 0, "")), PICKED_PACKET);
    struct picked_end end = {
        .header = {.size = sizeof end, .kind = PICKED_END, .version = RECORD_VERSION}, .unheld = 3};
    assert_int_equal(picked_read(&reader, &end, sizeof end), PICKED_LAST);
    assert_int_equal(reader.unheld, 3);
    picked_reader_fini(&reader);
}

static void test_what_makes_no_sense(void **state)
{
    (void)state;
    uint64_t record[64];
    struct picked_part *part = (void *)record;
    struct picked_reader reader = {.flows = 1, .inputs = 1};
    assert_int_equal(picked_read(&reader, record, make_part(record, 5, 0, "abcde")),
                     PICKED_INVALID);
    reader.flows = 2;
    assert_int_equal(picked_read(&reader, record, make_part(record, 8, 5, "abc")), PICKED_INVALID);
    assert_int_equal(picked_read(&reader, record, make_part(record, 3, 0, "abcde")),
                     PICKED_INVALID);
    size_t size = make_part(record, UINT32_MAX, 0, "abcde");
    assert_int_equal(picked_read(&reader, record, size), PICKED_INVALID);
    size = make_part(record, 500, 0, "abcde");
    part->size = 500; /* more than the record has */
    assert_int_equal(picked_read(&reader, record, size), PICKED_INVALID);
    size = make_part(record, 5, 0, "abcde");
    part->input = 1;
    assert_int_equal(picked_read(&reader, record, size), PICKED_INVALID);
    size = make_part(record, 8, 0, "abcde");
    assert_int_equal(picked_read(&reader, record, size), PICKED_MORE);
    assert_int_equal(picked_read(&reader, record, size), PICKED_INVALID); /* another begins */
    assert_int_equal(picked_read(&reader, record, 8), PICKED_INVALID);
    picked_reader_fini(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_flow),
        cmocka_unit_test(test_flows_that_overlap),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
