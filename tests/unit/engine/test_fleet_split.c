/* A transfer over four uplinks, each with a sensor of its own: each share is below what anybody
 * would tell, the sum is not. It is told once, by one of them, within a minute of when one sensor
 * that saw all of it would. What one of two saw alone is told, whatever the other told of the host,
 * and what waits for another to tell is not lost when that one dies or the store goes. Skipped (77)
 * where redis-server is not installed. */
#include "../folder.h"
#include "fleet_past.h"

#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/engine/noise.h"

#define STEPS 14

static struct fleet_rig *open_rig(int sensors)
{
    return fleet_open_with_past(sensors, false);
}

static void push_share(struct fleet_rig *fleet, int i, int minute, const char *to, uint64_t share)
{
    int64_t now = MONDAY_8 + minute * NS_PER_MIN;
    uint16_t port = (uint16_t)(40000 + 100 * i + minute);
    struct flow_key key = make_flow_key("10.0.0.1", port, to, 443);
    union any_record record;
    make_flow(&record, 1, now + 5 * NS_PER_S, &key, share, 100);
    if (share > 0)
        sensor_push(&fleet->sensor[i], &record);
}

/* All clocks go on to that second of the minute. */
static void go_on_to(struct fleet_rig *fleet, int minute, int second)
{
    int64_t now = MONDAY_8 + minute * NS_PER_MIN;
    for (int i = 0; i < fleet->sensors; i++)
        sensor_push_watermark(&fleet->sensor[i], now + second * NS_PER_S);
    fleet_rest(fleet);
}

/* … behind its records. */
static void end_minute(struct fleet_rig *fleet, int minute)
{
    go_on_to(fleet, minute, 55);
}

#define THERE "198.51.77.1"

/* In each minute a share for each sensor. */
static void push_minute(struct fleet_rig *fleet, int minute, uint64_t share)
{
    for (int i = 0; i < fleet->sensors; i++)
        push_share(fleet, i, minute, THERE, share);
    end_minute(fleet, minute);
}

static uint64_t told(const struct fleet_rig *fleet)
{
    uint64_t count = 0;
    for (int i = 0; i < fleet->sensors; i++)
        count += fleet->sensor[i].engine->counts.alerts;
    return count;
}

/* What one sensor tells of, of sizes that are four times as large each minute. */
static uint64_t find_size(void)
{
    static uint64_t sum;
    uint64_t size = 100000;
    if (sum > 0)
        return sum;
    struct fleet_rig *fleet = open_rig(1);
    for (int minute = 1; minute < STEPS && told(fleet) == 0; minute++, size *= 4) {
        push_minute(fleet, minute, size - sum);
        sum = size;
    }
    assert_true(told(fleet) > 0);
    fleet_close(fleet);
    return sum;
}

struct look {
    size_t sensors; /* that saw it */
    int count;
};

/* The last reason is who saw how much; what it comes to is the sum, of as many vantages. */
static void look_at_shares(void *context, const char *line, size_t size)
{
    struct look *look = context;
    struct error error = {0};
    struct json_value *record = json_parse(line, size, &error);
    const struct json_value *sensors = json_find(record, "weir.sensors");
    const struct json_value *reasons = json_find(record, "weir.reasons");
    const struct json_value *last = json_at(reasons, json_length(reasons) - 1);
    int64_t sum = 0, counted = 0, total = 0;
    for (size_t i = 0; i < json_length(sensors); i++) {
        int64_t bytes = 0;
        const char *name = json_text(json_get(json_at(sensors, i), "name"));
        assert_non_null(strstr(json_text(json_get(last, "text")), name));
        assert_true(json_whole(json_get(json_at(sensors, i), "out_bytes"), &bytes));
        sum += bytes;
    }
    if (sensors) {
        look->count++;
        assert_string_equal(json_text(json_get(last, "code")), "fleet.shares");
        assert_true(json_whole(json_get(last, "observed"), &counted));
        assert_int_equal(sum, counted);
        assert_int_equal(json_length(sensors), look->sensors);
        assert_true(json_whole(json_find(record, "weir.sensors_total"), &total));
        assert_int_equal(total, look->sensors);
    }
    json_value_free(record);
}

static int told_with_shares(const struct fleet_rig *fleet)
{
    struct look look = {.sensors = (size_t)fleet->sensors};
    struct error error = {0};
    for (int i = 0; i < fleet->sensors; i++)
        assert_int_equal(
            journal_each_since(fleet->sensor[i].journal, 0, look_at_shares, &look, &error), 0);
    return look.count;
}

static void test_split_over_four(void **state)
{
    (void)state;
    uint64_t size = find_size();
    struct fleet_rig *fleet = open_rig(1);
    push_minute(fleet, 1, size / 4);
    push_minute(fleet, 2, 0);
    push_minute(fleet, 3, 0);
    assert_int_equal(told(fleet), 0); /* a share says nothing */
    fleet_close(fleet);

    fleet = open_rig(SENSORS);
    push_minute(fleet, 1, 100); /* all have seen it, and each other */
    push_minute(fleet, 2, 0);
    push_minute(fleet, 3, size / 4);
    go_on_to(fleet, 4, 6); /* it came at 3:05: each has written since */
    assert_int_equal(told(fleet), 1);
    for (int minute = 5; minute < 9; minute++)
        push_minute(fleet, minute, 1000);
    assert_int_equal(told(fleet), 1);
    assert_int_equal(told_with_shares(fleet), 1);
    fleet_close(fleet);
}

/* A fleet does not come to the store at one moment. */
static void test_each_writes_at_its_moment(void **state)
{
    (void)state;
    struct fleet_rig *fleet = open_rig(SENSORS);
    bool apart = false;
    push_minute(fleet, 1, 100);
    for (int i = 0; i < SENSORS; i++) {
        int64_t next_ns = fleet->sensor[i].engine->next_put.ns;
        int64_t moment = next_ns % NS_PER_MIN;
        assert_int_equal(moment % (5 * NS_PER_S), 0);
        apart |= moment != fleet->sensor[0].engine->next_put.ns % NS_PER_MIN;
        assert_in_range(next_ns - (MONDAY_8 + 115 * NS_PER_S), 1, NS_PER_MIN);
    }
    assert_true(apart);
    fleet_close(fleet);
}

static uint64_t told_by(const struct fleet_rig *fleet, int i)
{
    return fleet->sensor[i].engine->counts.alerts;
}

/* Two that have seen the host, and each other. */
static struct fleet_rig *open_two(bool reaches)
{
    struct fleet_rig *fleet = fleet_open_with_past(2, reaches);
    for (int minute = 1; minute < 4; minute++)
        push_minute(fleet, minute, 100);
    return fleet;
}

/* A small alert of one sensor's does not hide what only the other sees. */
static void test_seen_by_one_alone(void **state)
{
    (void)state;
    uint64_t size = find_size();
    struct fleet_rig *fleet = open_two(false);
    push_share(fleet, 0, 4, THERE, size);
    end_minute(fleet, 4);
    end_minute(fleet, 5);
    assert_int_equal(told_by(fleet, 0), 1);
    assert_int_equal(told_by(fleet, 1), 0);
    push_share(fleet, 1, 6, "198.51.78.1", size);
    end_minute(fleet, 6);
    end_minute(fleet, 7);
    assert_int_equal(told_by(fleet, 1), 1);
    fleet_close(fleet);
}

static void silence_all(struct fleet_rig *fleet, int i)
{
    static const char body[] =
        "{\"reason\":\"r\",\"for_s\":36000,\"scope\":{\"host\":\"10.0.0.1\"}}";
    struct error error = {0};
    struct noise_outcome outcome;
    struct noise_order order = {.verb = NOISE_ADD,
                                .body = body,
                                .body_size = sizeof body - 1,
                                .peer = "alice",
                                .uid = 1000,
                                .at = {MONDAY_8}};
    if (engine_noise_order(fleet->sensor[i].engine, &order, &outcome, &error) != 0)
        fail_msg("%s", error.message);
    noise_outcome_fini(&outcome);
}

/* A silence is one sensor's own: what it covers there is told by the other. */
static void test_silenced_by_one(void **state)
{
    (void)state;
    uint64_t size = find_size();
    struct fleet_rig *fleet = open_two(false);
    silence_all(fleet, 0);
    fleet_rest(fleet);
    push_share(fleet, 0, 4, THERE, size);
    end_minute(fleet, 4);
    end_minute(fleet, 5);
    assert_int_equal(told_by(fleet, 0), 1);
    assert_int_equal(fleet->sensor[0].engine->counts.alerts_silenced, 1);
    push_share(fleet, 1, 6, THERE, size);
    for (int minute = 6; minute < 12; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told_by(fleet, 1), 1);
    assert_int_equal(fleet->sensor[1].engine->counts.alerts_silenced, 0);
    fleet_close(fleet);
}

/* Another one, which has just what is found, tells of it or (`told`) has. */
static void claim_for_other(struct fleet_rig *fleet, bool is_told)
{
    char key[DESTINATION_KEY_SIZE];
    struct ip remote = make_ip(THERE);
    struct destination destination = destination_of_prefix(ROLE_CLIENT, &remote);
    destination_key(&destination, key);
    struct store_claim claim = {.host = past_host(),
                                .day = calendar_at(fleet->calendar, (struct ptime){MONDAY_8}).day,
                                .e = 1e300,
                                .told = is_told};
    for (claim.side = 0; claim.side < EVIDENCE_SIDES; claim.side++)
        for (int whole = 0; whole < 2; whole++) {
            claim.destination = whole ? 0 : hash64(key, strlen(key), 0);
            store_claim(fleet->sensor[1].engine->config.store, &claim, NS_PER_HOUR, NULL, NULL);
        }
    fleet_rest(fleet);
}

static struct fleet_rig *find_what_other_claims(bool is_told)
{
    uint64_t size = find_size();
    struct fleet_rig *fleet = open_two(true);
    claim_for_other(fleet, is_told);
    push_share(fleet, 0, 4, THERE, size);
    end_minute(fleet, 4);
    assert_int_equal(told(fleet), 0);
    return fleet;
}

static void test_told_by_other(void **state)
{
    (void)state;
    struct fleet_rig *fleet = find_what_other_claims(true);
    for (int minute = 5; minute < 10; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told(fleet), 0);
    assert_true(fleet->sensor[0].engine->counts.told_elsewhere > 0);
    fleet_close(fleet);
}

static void test_other_never_tells(void **state)
{
    (void)state;
    struct fleet_rig *fleet = find_what_other_claims(false);
    for (int minute = 5; minute < 10; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told_by(fleet, 0), 1);
    fleet_close(fleet);
}

/* … also when its profile was let go meanwhile, and the host sends nothing more. */
static void test_profile_goes_while_it_waits(void **state)
{
    (void)state;
    struct fleet_rig *fleet = find_what_other_claims(false);
    struct engine *engine = fleet->sensor[0].engine;
    struct ip ip = past_host();
    cache_drop(engine, hosts_get(engine, &ip));
    for (int minute = 5; minute < 10; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told_by(fleet, 0), 1);
    assert_int_equal(engine->counts.findings_untold, 0);
    fleet_close(fleet);
}

/* What waits is in the checkpoint, and who else saw it. */
static void test_killed_while_it_waits(void **state)
{
    (void)state;
    struct fleet_rig *fleet = find_what_other_claims(false);
    sensor_kill(&fleet->sensor[0]);
    sensor_start(&fleet->sensor[0], NULL);
    fleet_rest(fleet);
    for (int minute = 5; minute < 10; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told_by(fleet, 0), 1);
    assert_int_equal(told_with_shares(fleet), 1);
    fleet_close(fleet);
}

static void test_store_goes_before_the_answer(void **state)
{
    (void)state;
    struct fleet_rig *fleet = find_what_other_claims(false);
    struct wtime began = wtime_now();
    embedded_stop(&fleet->redis);
    fleet->redis.pid = 0;
    while (told_by(fleet, 0) == 0) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "what waited is not told");
    }
    fleet_close(fleet);
}

static void wait_for_store(struct fleet_rig *fleet, bool here)
{
    struct wtime began = wtime_now();
    while ((fleet->sensor[0].engine->memory.state == ENGINE_STORE_HERE) != here) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "the store came or went, and the sensor did not notice");
    }
}

/* Two, of which the first may be cut off. */
static struct fleet_rig *open_two_with(struct proxy *proxy)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    fleet->reaches = true;
    proxy_open(proxy, fleet->loop, fleet->sensor[0].folder, fleet->url, UINT_MAX);
    sensor_start(&fleet->sensor[0], proxy->url);
    sensor_start(&fleet->sensor[1], NULL);
    fleet_settle(fleet);
    fleet_put_past(&fleet->sensor[1]);
    fleet_settle(fleet);
    for (int minute = 1; minute < 4; minute++)
        push_minute(fleet, minute, 100);
    return fleet;
}

/* It tells by itself, says so when it is back, and nobody tells again. */
static void test_told_while_it_was_cut_off(void **state)
{
    (void)state;
    uint64_t size = find_size();
    struct proxy proxy;
    struct fleet_rig *fleet = open_two_with(&proxy);
    struct wtime began = wtime_now();
    proxy_close(&proxy);
    wait_for_store(fleet, false);
    push_share(fleet, 0, 4, THERE, size);
    sensor_push_watermark(&fleet->sensor[0], MONDAY_8 + 5 * NS_PER_MIN);
    while (told_by(fleet, 0) == 0) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "not told without the store");
    }
    proxy_open(&proxy, fleet->loop, fleet->sensor[0].folder, fleet->url, UINT_MAX);
    wait_for_store(fleet, true);
    fleet_rest(fleet);
    push_share(fleet, 1, 6, THERE, size);
    for (int minute = 6; minute < 12; minute++)
        end_minute(fleet, minute);
    assert_int_equal(told_by(fleet, 0), 1);
    assert_int_equal(told_by(fleet, 1), 0);
    assert_true(fleet->sensor[1].engine->counts.told_elsewhere > 0);
    proxy_close(&proxy);
    fleet_close(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_over_four),
        cmocka_unit_test(test_each_writes_at_its_moment),
        cmocka_unit_test(test_seen_by_one_alone),
        cmocka_unit_test(test_silenced_by_one),
        cmocka_unit_test(test_told_by_other),
        cmocka_unit_test(test_other_never_tells),
        cmocka_unit_test(test_profile_goes_while_it_waits),
        cmocka_unit_test(test_killed_while_it_waits),
        cmocka_unit_test(test_store_goes_before_the_answer),
        cmocka_unit_test(test_told_while_it_was_cut_off),
    };
    log_set_level(LOG_ERROR_);
    if (!has_program("redis-server"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
