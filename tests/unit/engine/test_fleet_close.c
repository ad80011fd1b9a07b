/* Sensors that share a store: whoever sees which flow, the profiles and the fleet's tables are the
 * same, to the byte; nobody is waited for without end; whoever closes may die behind any command.
 * Skipped (77) where redis-server is not installed. */
#include "fleet_rig.h"

#include "../../../sensor/engine/checkpoint.h"

#define HOSTS 12
#define HOURS 30 /* over a midnight, so that days are learned */
#define STEPS 7

static int any_sensor(uint64_t flow)
{
    return (int)(flow >> 20u & 0xff);
}

static int by_parity(uint64_t flow)
{
    return (int)(flow >> 3u & 1);
}

static int every_sensor(uint64_t flow)
{
    (void)flow;
    return -1;
}

static int last_sensor(uint64_t flow)
{
    (void)flow;
    return SENSORS * 2 - 1; /* of one, two or four */
}

/* All are there, and have said so. */
static void start_all(struct fleet_rig *fleet)
{
    for (int i = 0; i < fleet->sensors; i++)
        sensor_start(&fleet->sensor[i], NULL);
    fleet_settle(fleet);
}

/* All the traffic at once: the sensors run ahead of each other as they like. */
static char *play(int sensors, const char *vantage, int hosts, int hours,
                  int (*whose)(uint64_t flow))
{
    struct fleet_rig *fleet = fleet_open(sensors, vantage);
    start_all(fleet);
    fleet_push_hours(fleet, hosts, 0, hours, whose);
    fleet_push_clocks(fleet, hours);
    fleet_run_until(fleet, hours);
    char *text = fleet_dump(fleet);
    fleet_close(fleet);
    return text;
}

static const char *alone(void)
{
    static char *kept;
    if (!kept)
        kept = play(1, NULL, HOSTS, HOURS, any_sensor);
    return kept;
}

static void expect_alone(char *text)
{
    assert_string_equal(text, alone());
    free(text);
}

/* --- who sees what ---------------------------------------------------------------------------- */

static void test_alone_there_is_something(void **state)
{
    (void)state;
    assert_non_null(strstr(alone(), "fleet: through 29, 12 hosts, 7 destinations"));
    assert_non_null(strstr(alone(), "10.0.0.12: through "));
    assert_null(strstr(alone(), "10.0.0.200")); /* it only receives */
}

static void test_split_over_two(void **state)
{
    (void)state;
    expect_alone(play(2, NULL, HOSTS, HOURS, any_sensor));
    expect_alone(play(2, NULL, HOSTS, HOURS, by_parity));
    expect_alone(play(2, NULL, HOSTS, HOURS, last_sensor)); /* one sees nothing at all */
}

static void test_split_over_four(void **state)
{
    (void)state;
    expect_alone(play(4, NULL, HOSTS, HOURS, any_sensor));
}

static void test_two_taps_of_the_same(void **state)
{
    (void)state;
    expect_alone(play(2, "core", HOSTS, HOURS, every_sensor));
}

/* Hour by hour, with everybody waiting for the slowest one, which is another one each time. */
static void test_in_step(void **state)
{
    struct fleet_rig *fleet = fleet_open(3, NULL);
    (void)state;
    start_all(fleet);
    for (int hour = 0; hour < STEPS; hour++) {
        int slow = hour % 3;
        fleet_push_hours(fleet, HOSTS, hour, hour + 1, any_sensor);
        for (int i = 0; i < 3; i++)
            if (i != slow)
                sensor_push_watermark(&fleet->sensor[i],
                                      MONDAY_8 + (hour + 1) * NS_PER_HOUR + 3 * NS_PER_MIN);
        fleet_settle(fleet);
        for (int i = 0; i < 3; i++)
            assert_false(sensor_is_through(&fleet->sensor[i], hour + 1));
        sensor_push_watermark(&fleet->sensor[slow],
                              MONDAY_8 + (hour + 1) * NS_PER_HOUR + 3 * NS_PER_MIN);
        fleet_run_until(fleet, hour + 1);
    }
    char *text = fleet_dump(fleet), *want = play(1, NULL, HOSTS, STEPS, any_sensor);
    assert_string_equal(text, want);
    free(text);
    free(want);
    for (int i = 0; i < 3; i++) {
        const struct engine_counts *counts = engine_counts_of(fleet->sensor[i].engine);
        assert_int_equal(counts->totals_late, 0);
        assert_int_equal(counts->sensors_passed, 0);
        assert_int_equal(totals_count(fleet->sensor[i].engine->totals), 0);
    }
    fleet_close(fleet);
}

/* One host's blob is damaged: it is left out, the others are as they would be. */
static void test_a_damaged_profile_is_left_out(void **state)
{
    struct fleet_rig *fleet = fleet_open(1, NULL);
    struct sensor *sensor = &fleet->sensor[0];
    struct ip ip = make_ip("10.0.0.250"); /* in the list, but nobody's */
    (void)state;
    start_all(fleet);
    store_put_profile(sensor->store, &ip, INT64_MIN, HOUR_8 - 9, "no profile", 10, NULL, NULL);
    struct host_total *total = host_total_new(&ip, HOUR_8);
    struct destination destination = destination_of_prefix(ROLE_CLIENT, &ip);
    totals_add(total, &destination, (struct volume){1, 1, 1}, 1, 1);
    store_put_open(sensor->store, total);
    host_total_free(total);
    fleet_push_hours(fleet, HOSTS, 0, 1, any_sensor);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    assert_int_equal(engine_counts_of(sensor->engine)->profiles_damaged, 1);
    assert_true(engine_counts_of(sensor->engine)->host_hours_closed >= HOSTS / 2);
    fleet_close(fleet);
}

/* Forgotten between its last totals and the close: all that is left is its name in the list. */
static void test_a_forgotten_host_stays_away(void **state)
{
    struct fleet_rig *fleet = fleet_open(1, NULL);
    (void)state;
    start_all(fleet);
    char *order = xasprintf("redis-cli -s %s SADD weir-test:hour:%" PRId64 " 10.0.0.250 >/dev/null",
                            fleet->url + strlen("unix:"), HOUR_8);
    assert_int_equal(system(order), 0);
    free(order);
    fleet_push_hours(fleet, HOSTS, 0, 1, any_sensor);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    char *text = fleet_dump(fleet);
    assert_non_null(strstr(text, "10.0.0.1"));
    assert_null(strstr(text, "10.0.0.250"));
    free(text);
    fleet_close(fleet);
}

/* --- who is waited for ------------------------------------------------------------------------ */

/* While others are waited for, judging goes on. */
static void test_waiting_stops_nobody(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *fast = &fleet->sensor[0];
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, HOSTS, 0, 1, any_sensor);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_settle(fleet);
    assert_non_null(fast->engine->closing);
    uint64_t before = engine_counts_of(fast->engine)->records[RECORD_FLOW];
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    make_flow(&record, 1, MONDAY_8 + NS_PER_HOUR + 4 * NS_PER_MIN, &key, 5000, 10);
    sensor_push(fast, &record);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 5 * NS_PER_MIN);
    fleet_settle(fleet);
    assert_non_null(fast->engine->closing);
    assert_int_equal(engine_counts_of(fast->engine)->records[RECORD_FLOW], before + 1);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    fleet_close(fleet);
}

/* Killed while it waits, with more judged meanwhile: it waits again from the same record on, and
 * judges the rest as it did, by what was known then. */
static void test_killed_while_it_waits(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *fast = &fleet->sensor[0];
    union any_record record;
    struct flow_key key = make_flow_key("10.0.0.1", 40000, "198.51.100.1", 443);
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, HOSTS, 0, 1, any_sensor);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_settle(fleet);
    make_flow(&record, 1, MONDAY_8 + NS_PER_HOUR + 4 * NS_PER_MIN, &key, 5000, 10);
    sensor_push(fast, &record);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 5 * NS_PER_MIN);
    fleet_settle(fleet);
    struct engine_counts before = *engine_counts_of(fast->engine);
    int64_t fleet_hour = fast->engine->fleet_hour;
    sensor_kill(fast);
    sensor_start(fast, NULL);
    assert_true(fast->engine->checkpoint->replaying || fast->engine->closing);
    fleet_settle(fleet);
    assert_false(fast->engine->checkpoint->replaying);
    assert_non_null(fast->engine->closing);
    assert_false(fast->engine->closing->paused);
    assert_int_equal(fast->engine->fleet_hour, fleet_hour);
    assert_memory_equal(engine_counts_of(fast->engine), &before, sizeof before);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    char *text = fleet_dump(fleet), *want = play(1, NULL, HOSTS, 1, any_sensor);
    assert_string_equal(text, want);
    free(text);
    free(want);
    fleet_close(fleet);
}

/* Dead while it waits, behind a checkpoint: when it comes up the hour is closed by the other one.
 * Its totals of that hour, which a start means to put again, are gone before they are. */
static void test_closed_while_it_was_dead(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *fast = &fleet->sensor[0], *slow = &fleet->sensor[1];
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, HOSTS, 0, 1, any_sensor);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_settle(fleet);
    assert_int_equal(engine_checkpoint(fast->engine, &fast->error), 0);
    assert_true(totals_count(fast->engine->totals) > 0);
    sensor_kill(fast);
    sensor_push_watermark(slow, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    sensor_run_until(slow, 1);
    sensor_start(fast, NULL);
    sensor_run_until(fast, 1);
    assert_int_equal(totals_count(fast->engine->totals), 0);
    assert_int_equal(fast->engine->changed_count, 0);
    char *text = fleet_dump(fleet), *want = play(1, NULL, HOSTS, 1, any_sensor);
    assert_string_equal(text, want);
    free(text);
    free(want);
    fleet_push_clocks(fleet, 2); /* it publishes what there is */
    fleet_run_until(fleet, 2);
    fleet_close(fleet);
}

/* One that has gone is waited for as long as it could come back; what it had written counts. */
static void test_a_dead_sensor_is_waited_for_only_so_long(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *living = &fleet->sensor[0], *dead = &fleet->sensor[1];
    (void)state;
    fleet->silent_ns = NS_PER_S;
    start_all(fleet);
    fleet_push_hours(fleet, HOSTS, 0, 1, by_parity);
    sensor_push_watermark(dead, MONDAY_8 + NS_PER_HOUR - NS_PER_S); /* all its minutes are told */
    fleet_settle(fleet);
    sensor_kill(dead);
    fleet_push_clocks(fleet, 1);
    fleet_turn(fleet, 500 * NS_PER_MS);
    assert_false(sensor_is_through(living, 1));
    fleet_run_until(fleet, 1);
    assert_int_equal(engine_counts_of(living->engine)->sensors_passed, 1);
    char *text = fleet_dump(fleet), *want = play(1, NULL, HOSTS, 1, any_sensor);
    assert_string_equal(text, want);
    free(text);
    free(want);
    fleet_close(fleet);
}

/* One that lives but does not get on is not waited for without end; what it says then is late. */
static void test_a_slow_sensor_is_late(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *fast = &fleet->sensor[0], *slow = &fleet->sensor[1];
    (void)state;
    fleet->wait_ns = NS_PER_S;
    start_all(fleet);
    fleet_push_hours(fleet, HOSTS, 0, 1, by_parity);
    sensor_push_watermark(slow, MONDAY_8 + 2 * NS_PER_MIN);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_turn(fleet, 500 * NS_PER_MS);
    assert_false(sensor_is_through(fast, 1));
    sensor_run_until(fast, 1);
    assert_int_equal(engine_counts_of(fast->engine)->totals_late, 0);
    sensor_push_watermark(slow, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_run_until(fleet, 1);
    assert_true(engine_counts_of(slow->engine)->totals_late > 0);
    assert_int_equal(totals_count(slow->engine->totals), 0);
    /* the next hour is everybody's again */
    fleet_push_hours(fleet, HOSTS, 1, 2, by_parity);
    fleet_push_clocks(fleet, 2);
    uint64_t late = engine_counts_of(slow->engine)->totals_late;
    fleet_run_until(fleet, 2);
    assert_int_equal(engine_counts_of(slow->engine)->totals_late, late);
    fleet_close(fleet);
}

/* --- who dies when ---------------------------------------------------------------------------- */

#define FEW_HOSTS 2
#define FEW_HOURS 2

static const char *few(void)
{
    static char *kept;
    if (!kept)
        kept = play(1, NULL, FEW_HOSTS, FEW_HOURS, any_sensor);
    return kept;
}

static void expect_few(struct fleet_rig *fleet, unsigned limit)
{
    char *text = fleet_dump(fleet);
    if (strcmp(text, few()) != 0)
        fail_msg("cut behind command %u:\n%s\nwanted:\n%s", limit, text, few());
    free(text);
}

/* Everybody is there; then sensor 0's connection is cut behind `limit` commands. False: it needed
 * no more. */
static bool play_cut(struct fleet_rig *fleet, unsigned limit, int (*whose)(uint64_t flow))
{
    struct sensor *cut = &fleet->sensor[0];
    struct proxy proxy;
    start_all(fleet);
    sensor_kill(cut);
    fleet_push_hours(fleet, FEW_HOSTS, 0, FEW_HOURS, whose);
    fleet_push_clocks(fleet, FEW_HOURS);
    proxy_open(&proxy, fleet->loop, fleet->folder, fleet->url, limit);
    sensor_start(cut, proxy.url);
    struct wtime began = wtime_now();
    while (cut->error.code == ERROR_NONE && !sensor_is_through(cut, FEW_HOURS)) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "neither cut nor through");
    }
    bool was_cut = cut->error.code != ERROR_NONE;
    sensor_kill(cut);
    proxy_close(&proxy);
    return was_cut;
}

/* Alone; it comes back with its checkpoint and goes on. */
static void test_cut_behind_every_command(void **state)
{
    bool cut = true;
    unsigned limit = 1;
    (void)state;
    for (; cut; limit++) {
        struct fleet_rig *fleet = fleet_open(1, NULL);
        cut = play_cut(fleet, limit, any_sensor);
        sensor_start(&fleet->sensor[0], NULL);
        fleet_run_until(fleet, FEW_HOURS);
        expect_few(fleet, limit);
        fleet_close(fleet);
    }
    assert_true(limit > 10);
}

/* One of two; it comes back, or the other one waited, took over, and it finds all done. */
static void test_one_of_two_is_cut(void **state)
{
    bool cut = true;
    unsigned limit = 1;
    (void)state;
    for (; cut; limit++) {
        struct fleet_rig *fleet = fleet_open(2, NULL);
        cut = play_cut(fleet, limit, any_sensor);
        sensor_start(&fleet->sensor[0], NULL);
        fleet_run_until(fleet, FEW_HOURS);
        expect_few(fleet, limit);
        fleet_close(fleet);
    }
    assert_true(limit > 10);
}

/* It saw nothing itself, and never comes back. */
static void test_a_closer_is_cut_for_good(void **state)
{
    bool cut = true;
    unsigned limit = 1;
    (void)state;
    for (; cut; limit++) {
        struct fleet_rig *fleet = fleet_open(2, NULL);
        fleet->silent_ns = 300 * NS_PER_MS;
        fleet->lease_ns = 200 * NS_PER_MS;
        cut = play_cut(fleet, limit, last_sensor);
        fleet_run_until(fleet, FEW_HOURS);
        expect_few(fleet, limit);
        fleet_close(fleet);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_there_is_something),
        cmocka_unit_test(test_split_over_two),
        cmocka_unit_test(test_split_over_four),
        cmocka_unit_test(test_two_taps_of_the_same),
        cmocka_unit_test(test_in_step),
        cmocka_unit_test(test_a_damaged_profile_is_left_out),
        cmocka_unit_test(test_a_forgotten_host_stays_away),
        cmocka_unit_test(test_waiting_stops_nobody),
        cmocka_unit_test(test_killed_while_it_waits),
        cmocka_unit_test(test_closed_while_it_was_dead),
        cmocka_unit_test(test_a_dead_sensor_is_waited_for_only_so_long),
        cmocka_unit_test(test_a_slow_sensor_is_late),
        cmocka_unit_test(test_cut_behind_every_command),
        cmocka_unit_test(test_one_of_two_is_cut),
        cmocka_unit_test(test_a_closer_is_cut_for_good),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
