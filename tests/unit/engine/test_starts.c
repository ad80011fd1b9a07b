/* When flows began, as it is kept of an open hour: in the hour and second of their first packet,
 * with what left in that hour. Skipped (77) where redis-server is not installed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "rig.h"

#include "../../../sensor/engine/internal.h"

#define HOUR_8 (MONDAY_8 / NS_PER_HOUR)

static int setup(void **state)
{
    *state = rig_open_live(1, 1000, 0);
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return 0;
}

/* A record of a flow that began at `start_s` of 08:00, told at `told_s`; fresh since the first or
 * the record before. */
static void push(struct rig *rig, const char *host, uint16_t port, int64_t start_s, int64_t told_s,
                 uint64_t bytes, bool first)
{
    union any_record record;
    struct flow_key key = make_flow_key(host, port, "198.51.100.1", 443);
    make_flow(&record, 1, MONDAY_8 + told_s * NS_PER_S, &key, bytes, 10);
    record.flow.start_ns = MONDAY_8 + start_s * NS_PER_S + 999;
    record.flow.fresh_since_ns = first ? record.flow.start_ns : record.header.time_ns - NS_PER_S;
    if (!first) {
        record.flow.total[SIDE_ORIG].packets += 100;
        record.flow.total[SIDE_ORIG].payload_bytes += 100000;
    }
    record.flow.end = FLOW_OPEN;
    rig_push(rig, 0, &record);
}

static void expect(struct rig *rig, const char *host, int64_t hour, const char *expected)
{
    struct ip ip = make_ip(host);
    const struct host_total *total = totals_get(rig->engine->totals, &ip, hour);
    struct buffer text = {0};
    size_t position = 0;
    assert_non_null(total);
    assert_int_equal(total->pairs.count, 1);
    const struct pair_total *pair = map_next(&total->pairs, &position)->value;
    starts_text(&pair->starts, &text);
    buffer_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buffer_fini(&text);
}

static void test_starts(void **state)
{
    struct rig *rig = *state;
    push(rig, "10.0.0.1", 1, 0, 1, 500, true);
    push(rig, "10.0.0.2", 5, -5, 6, 9, false); /* began before this hour */
    push(rig, "10.0.0.1", 2, 300, 310, 40, true);
    push(rig, "10.0.0.1", 3, 300, 311, 2, true); /* in the same second */
    push(rig, "10.0.0.1", 2, 300, 320, 1000, false);
    push(rig, "10.0.0.1", 4, 3599, 3599 + 5, 7, true);
    push(rig, "10.0.0.1", 2, 300, 3610, 50, false); /* goes on in the next hour: no start of it */
    rig_push_watermark(rig, 0, MONDAY_8 + 3620 * NS_PER_S);
    engine_begin(rig->engine, NULL);
    for (int i = 0; i < 500 && rig->flows < 7; i++)
        rig_turn(rig, 10 * NS_PER_MS);
    assert_string_equal(rig->error.message, "");
    assert_int_equal(rig->damaged[0], 0);
    assert_int_equal(rig->flows, 7);
    expect(rig, "10.0.0.1", HOUR_8, ";0:500;300:1042;3599:7");
    expect(rig, "10.0.0.1", HOUR_8 + 1, "");
    expect(rig, "10.0.0.2", HOUR_8, "");
    assert_int_equal(rig->engine->counts.starts_refused, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_starts, setup, teardown),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
