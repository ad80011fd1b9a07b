/* One flow, of which one sensor sees what its host sends and another one what it is answered: who
 * sees the bytes tells of them as one sensor would that saw both, and neither is blind for it. What
 * nobody answers makes no host, however large it is. Skipped (77) where redis-server is not
 * installed. */
#include "../folder.h"
#include "fleet_past.h"

#include "weir/base/json.h"
#include "weir/base/log.h"

#define THERE "198.51.77.1"
#define LARGE UINT64_C(4000000000)

static int64_t minute_ns(int minute)
{
    return MONDAY_8 + minute * NS_PER_MIN + 5 * NS_PER_S;
}

/* What leaves: by whom it was opened, and what each side sent. */
struct talk {
    struct flow_key key;
    uint64_t bytes[SIDES];
};

static struct talk uploaded(void)
{
    return (struct talk){make_flow_key("10.0.0.1", 40000, THERE, 443), {LARGE, 100}};
}

static struct talk served(void)
{
    return (struct talk){make_flow_key(THERE, 40000, "10.0.0.1", 443), {100, LARGE}};
}

/* Of a whole flow what one side sent; of that of the other TCP says what was acknowledged. */
static void push_part(struct fleet_rig *fleet, int i, int minute, const struct talk *talk,
                      enum flow_side side)
{
    union any_record record;
    make_flow(&record, 1, minute_ns(minute), &talk->key, talk->bytes[SIDE_ORIG],
              talk->bytes[SIDE_RESP]);
    struct record_flow *flow = &record.flow;
    uint64_t unseen = flow->total[!side].payload_bytes;
    memset(&flow->total[!side], 0, sizeof flow->total[!side]);
    memset(&flow->fresh[!side], 0, sizeof flow->fresh[!side]);
    flow->total[!side].missing_bytes = unseen;
    flow->fresh[!side].missing_bytes = (int64_t)unseen;
    flow->total[side].acked_bytes = 0;
    flow->fresh[side].acked_bytes = 0;
    flow->flags = FLOW_ONE_SIDED | FLOW_ORIG_BY_SYN;
    flow->end = FLOW_END_IDLE;
    sensor_push(&fleet->sensor[i], &record);
}

/* … of what is uploaded. */
static void push_half(struct fleet_rig *fleet, int i, int minute, enum flow_side side)
{
    struct talk talk = uploaded();
    push_part(fleet, i, minute, &talk, side);
}

static void push_whole(struct fleet_rig *fleet, int i, int minute, const struct talk *talk)
{
    union any_record record;
    make_flow(&record, 1, minute_ns(minute), &talk->key, talk->bytes[SIDE_ORIG],
              talk->bytes[SIDE_RESP]);
    sensor_push(&fleet->sensor[i], &record);
}

static void end_minutes(struct fleet_rig *fleet, int first, int last)
{
    for (int minute = first; minute <= last; minute++) {
        for (int i = 0; i < fleet->sensors; i++)
            sensor_push_watermark(&fleet->sensor[i], minute_ns(minute) + 50 * NS_PER_S);
        fleet_rest(fleet);
    }
}

static struct fleet_rig *open_rig(int sensors)
{
    struct fleet_rig *fleet = fleet_open_with_past(sensors, false);
    end_minutes(fleet, 1, 2); /* each has heard of the others */
    return fleet;
}

static const struct engine_counts *counts(const struct fleet_rig *fleet, int i)
{
    return &fleet->sensor[i].engine->counts;
}

static bool has_host(const struct fleet_rig *fleet, int i)
{
    struct ip ip = past_host();
    return hosts_get(fleet->sensor[i].engine, &ip) != NULL;
}

/* --- what is told ------------------------------------------------------------------------------
 */

struct alert_seen {
    int count, halves;
    int64_t out_bytes;
    char initiator[16], by[64];
};

static void look_at(void *context, const char *line, size_t size)
{
    struct alert_seen *seen = context;
    struct error error = {0};
    struct json_value *record = json_parse(line, size, &error);
    const struct json_value *reasons = json_find(record, "weir.reasons");
    const char *initiator = json_text(json_find(record, "weir.initiator"));
    if (json_find(record, "weir.out_bytes.value")) {
        seen->count++;
        assert_true(json_whole(json_find(record, "weir.out_bytes.value"), &seen->out_bytes));
        snprintf(seen->initiator, sizeof seen->initiator, "%s", initiator);
    }
    for (size_t i = 0; i < json_length(reasons); i++) {
        const struct json_value *reason = json_at(reasons, i);
        if (strcmp(json_text(json_get(reason, "code")), "fleet.halves") != 0)
            continue;
        seen->halves++;
        const char *by = strstr(json_text(json_get(reason, "text")), "seen by ");
        assert_non_null(by);
        snprintf(seen->by, sizeof seen->by, "%s", by + strlen("seen by "));
    }
    json_value_free(record);
}

static struct alert_seen told_by(const struct fleet_rig *fleet, int i)
{
    struct alert_seen seen = {.count = 0};
    struct error error = {0};
    assert_int_equal(journal_each_since(fleet->sensor[i].journal, 0, look_at, &seen, &error), 0);
    return seen;
}

static struct alert_seen tell_whole(const struct talk *talk)
{
    struct fleet_rig *fleet = open_rig(1);
    push_whole(fleet, 0, 3, talk);
    end_minutes(fleet, 3, 6);
    struct alert_seen seen = told_by(fleet, 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.halves, 0);
    assert_int_equal(seen.out_bytes, LARGE);
    fleet_close(fleet);
    return seen;
}

static void expect_told_as_by_one(const struct talk *talk, enum flow_side out)
{
    struct alert_seen whole = tell_whole(talk);
    struct fleet_rig *fleet = open_rig(2);
    push_part(fleet, 0, 3, talk, out);
    push_part(fleet, 1, 3, talk, !out);
    end_minutes(fleet, 3, 6);
    struct alert_seen seen = told_by(fleet, 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.out_bytes, whole.out_bytes);
    assert_string_equal(seen.initiator, whole.initiator);
    assert_int_equal(seen.halves, 1);
    assert_string_equal(seen.by, "sensor-1");
    assert_int_equal(told_by(fleet, 1).count, 0); /* it saw no byte of it */
    assert_int_equal(counts(fleet, 0)->unestablished_bytes, 0);
    assert_int_equal(counts(fleet, 0)->unestablished_high, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(counts(fleet, i)->halves_joined, 1);
        assert_int_equal(counts(fleet, i)->flows_rejoined, 1);
        assert_int_equal(counts(fleet, i)->halves_unasked, 0);
    }
    fleet_close(fleet);
}

static void test_told_as_by_one(void **state)
{
    (void)state;
    struct talk talk = uploaded();
    expect_told_as_by_one(&talk, SIDE_ORIG);
}

/* … and what leaves as a server's answers. */
static void test_served_told_as_by_one(void **state)
{
    (void)state;
    struct talk talk = served();
    expect_told_as_by_one(&talk, SIDE_RESP);
}

/* … and when the answers are seen minutes later. */
static void test_other_comes_late(void **state)
{
    (void)state;
    struct fleet_rig *fleet = open_rig(2);
    push_half(fleet, 0, 3, SIDE_ORIG);
    end_minutes(fleet, 3, 7);
    assert_false(has_host(fleet, 0));
    assert_int_equal(counts(fleet, 0)->unestablished_bytes, LARGE);
    push_half(fleet, 1, 8, SIDE_RESP);
    end_minutes(fleet, 8, 10);
    assert_true(has_host(fleet, 0));
    assert_int_equal(told_by(fleet, 0).count, 1);
    fleet_close(fleet);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    struct fleet_rig *fleet = open_rig(2);
    push_half(fleet, 0, 3, SIDE_ORIG);
    push_half(fleet, 1, 3, SIDE_ORIG); /* two that see the same direction */
    end_minutes(fleet, 3, 16);
    for (int i = 0; i < 2; i++) {
        assert_false(has_host(fleet, i));
        assert_int_equal(told_by(fleet, i).count, 0);
        assert_int_equal(counts(fleet, i)->unestablished_bytes, LARGE);
        assert_int_equal(counts(fleet, i)->halves_joined, 0);
        assert_int_equal(fleet->sensor[i].engine->halves.hosts.count, 0); /* it is over */
    }
    fleet_close(fleet);
}

/* What was held, and what was found, is there after a restart. */
static void test_killed_in_between(void **state)
{
    (void)state;
    struct fleet_rig *fleet = open_rig(2);
    push_half(fleet, 0, 3, SIDE_ORIG);
    end_minutes(fleet, 3, 4);
    sensor_kill(&fleet->sensor[0]);
    sensor_start(&fleet->sensor[0], NULL);
    fleet_rest(fleet);
    push_half(fleet, 1, 5, SIDE_RESP);
    end_minutes(fleet, 5, 7);
    assert_int_equal(told_by(fleet, 0).count, 1);
    sensor_kill(&fleet->sensor[0]);
    sensor_start(&fleet->sensor[0], NULL);
    fleet_rest(fleet);
    end_minutes(fleet, 8, 9);
    assert_int_equal(told_by(fleet, 0).count, 1);
    assert_int_equal(counts(fleet, 0)->halves_joined, 1);
    fleet_close(fleet);
}

/* --- bounds ------------------------------------------------------------------------------------
 */

static void push_small(struct fleet_rig *fleet, int flow, uint64_t bytes)
{
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", (uint16_t)(41000 + flow), THERE, 443);
    make_flow(&record, 1, minute_ns(3) + flow, &key, bytes, 0);
    memset(&record.flow.total[SIDE_RESP], 0, sizeof record.flow.total[SIDE_RESP]);
    memset(&record.flow.fresh[SIDE_RESP], 0, sizeof record.flow.fresh[SIDE_RESP]);
    record.flow.flags = FLOW_ONE_SIDED;
    record.flow.end = FLOW_END_IDLE;
    sensor_push(&fleet->sensor[0], &record);
}

static void test_four_of_a_host(void **state)
{
    (void)state;
    struct fleet_rig *fleet = open_rig(1);
    for (int flow = 0; flow < 6; flow++)
        push_small(fleet, flow, 1000);
    end_minutes(fleet, 3, 3);
    assert_int_equal(counts(fleet, 0)->halves_unasked, 2);
    assert_int_equal(fleet->sensor[0].engine->halves.hosts.count, 1);
    fleet_close(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_as_by_one),    cmocka_unit_test(test_served_told_as_by_one),
        cmocka_unit_test(test_other_comes_late),  cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_killed_in_between), cmocka_unit_test(test_four_of_a_host),
    };
    log_set_level(LOG_ERROR_);
    if (!has_program("redis-server"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
