/* What people change of a memory that sensors are at work on: what is forgotten does not come back
 * out of what another sensor holds, what is imported is what they go on from. Skipped (77) where
 * redis-server is not installed. */
#include "fleet_rig.h"

static int any_sensor(uint64_t flow)
{
    return (int)(flow >> 20u & 0xff);
}

static int first_sensor(uint64_t flow)
{
    (void)flow;
    return 0;
}

static int last_sensor(uint64_t flow)
{
    (void)flow;
    return SENSORS * 2 - 1; /* of one, two or four */
}

static void start_all(struct fleet_rig *fleet)
{
    for (int i = 0; i < fleet->sensors; i++)
        sensor_start(&fleet->sensor[i], NULL);
    fleet_settle(fleet);
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct taken_out {
    struct fleet_rig *fleet;
    struct ip host;
    struct fleet_forgotten forgotten;
    bool put, done;
};

static void on_taken_out(void *context, bool won)
{
    struct taken_out *taken = context;
    assert_true(won);
    taken->done = true;
    fleet_stop(taken->fleet);
}

static void take_out(void *context, const struct store_fleet *read)
{
    struct taken_out *taken = context;
    struct buffer blob = {0};
    struct fleet *tables = fleet_unpack(read->blob, read->size, NULL);
    assert_non_null(tables);
    taken->forgotten = fleet_forget_host(tables, &taken->host);
    fleet_pack(tables, &blob);
    if (taken->put)
        store_put_fleet(taken->fleet->sensor[0].store, read, blob.data, blob.size, on_taken_out,
                        taken);
    else
        on_taken_out(taken, true);
    buffer_fini(&blob);
    fleet_free(tables);
}

/* In how many sets of the stored tables a host is; it is taken out when `put`. */
static uint32_t sets_with(struct fleet_rig *fleet, const char *host, bool put)
{
    struct taken_out taken = {.fleet = fleet, .host = make_ip(host), .put = put};
    struct wtime began = wtime_now();
    store_read_fleet(fleet->sensor[0].store, take_out, &taken);
    while (!taken.done) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "the tables are not read");
    }
    return taken.forgotten.sets;
}

/* What a sensor holds of the tables when people change them is not written back with the next hour,
 * though nobody told it. */
static void test_forgotten_in_the_tables_stays_away(void **state)
{
    struct fleet_rig *fleet = fleet_open(1, NULL);
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, 2, 0, 1, any_sensor);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    assert_true(sets_with(fleet, "10.0.0.2", true) > 0);
    for (int hour = 1; hour < 4; hour++) { /* of the other host only; in 1 it is silent */
        fleet_push_hours(fleet, 1, hour, hour + 1, any_sensor);
        fleet_push_clocks(fleet, hour + 1);
        fleet_run_until(fleet, hour + 1);
        assert_int_equal(sets_with(fleet, "10.0.0.2", false), 0);
    }
    fleet_close(fleet);
}

static void on_removed(void *context, bool removed)
{
    struct taken_out *taken = context;
    assert_true(removed);
    taken->done = true;
    fleet_stop(taken->fleet);
}

/* Forgotten on the side of one sensor: the other one, which has it in memory and in an open hour,
 * and is killed besides, drops it, and does not bring it back. */
static void test_forgotten_by_the_other_one(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *other = &fleet->sensor[1];
    struct taken_out taken = {.fleet = fleet, .host = make_ip("10.0.0.2")};
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, 2, 0, 1, last_sensor);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    fleet_push_hours(fleet, 2, 2, 3, last_sensor);
    fleet_settle(fleet);
    assert_non_null(hosts_get(other->engine, &taken.host)->blob);
    store_remove_host(fleet->sensor[0].store, &taken.host, true, on_removed, &taken);
    while (!taken.done)
        fleet_turn(fleet, NS_PER_MS);
    sensor_kill(other);
    sensor_start(other, NULL);
    for (int i = 0; i < 2; i++) /* the next minute */
        sensor_push_watermark(&fleet->sensor[i], MONDAY_8 + 3 * NS_PER_HOUR + NS_PER_MIN);
    fleet_settle(fleet);
    assert_null(hosts_get(other->engine, &taken.host)->blob);
    sensor_kill(other);
    sensor_start(other, NULL);
    fleet_push_clocks(fleet, 3);
    fleet_run_until(fleet, 3);
    char *text = fleet_dump(fleet);
    assert_non_null(strstr(text, "10.0.0.1:"));
    assert_null(strstr(text, "10.0.0.2:"));
    free(text);
    fleet_close(fleet);
}

/* An hour that is due waits for another sensor, for minutes perhaps: what people change is taken
 * meanwhile, and is so after a restart. */
static void test_forgotten_while_it_waits(void **state)
{
    struct fleet_rig *fleet = fleet_open(2, NULL);
    struct sensor *fast = &fleet->sensor[0];
    struct taken_out taken = {.fleet = fleet, .host = make_ip("10.0.0.2")};
    (void)state;
    start_all(fleet);
    fleet_push_hours(fleet, 2, 0, 1, first_sensor);
    sensor_push_watermark(fast, MONDAY_8 + NS_PER_HOUR + 3 * NS_PER_MIN);
    fleet_settle(fleet);
    assert_non_null(fast->engine->closing);
    assert_non_null(totals_get(fast->engine->totals, &taken.host, HOUR_8));
    store_remove_host(fleet->sensor[1].store, &taken.host, true, on_removed, &taken);
    while (!taken.done)
        fleet_turn(fleet, NS_PER_MS);
    assert_int_equal(engine_memory_changed(fast->engine, &taken.host, true), ENGINE_CHANGED);
    assert_null(totals_get(fast->engine->totals, &taken.host, HOUR_8));
    fleet_settle(fleet);
    sensor_kill(fast);
    sensor_start(fast, NULL);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    char *text = fleet_dump(fleet);
    assert_non_null(strstr(text, "10.0.0.1:"));
    assert_null(strstr(text, "10.0.0.2:"));
    free(text);
    fleet_close(fleet);
}

/* --- importing -------------------------------------------------------------------------------- */

struct read {
    struct fleet_rig *fleet;
    struct buffer blob;
    bool done;
};

static void on_read(struct read *read, const void *blob, size_t size)
{
    assert_non_null(blob);
    buffer_put(&read->blob, blob, size);
    read->done = true;
    fleet_stop(read->fleet);
}

static void on_read_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    (void)host;
    on_read(context, blob, size);
}

static void on_read_fleet(void *context, const struct store_fleet *fleet)
{
    on_read(context, fleet->blob, fleet->size);
}

/* What is stored of a host; NULL: the tables. */
static struct buffer read_stored(struct fleet_rig *fleet, const char *host)
{
    struct read read = {.fleet = fleet};
    struct wtime began = wtime_now();
    struct store *store = fleet->sensor[0].store;
    struct ip ip = make_ip(host ? host : "10.0.0.1");
    if (host)
        store_load_profile(store, &ip, on_read_profile, &read);
    else
        store_read_fleet(store, on_read_fleet, &read);
    while (!read.done) {
        fleet_turn(fleet, NS_PER_MS);
        fleet_give_up(began, "nothing is read");
    }
    return read.blob;
}

static void expect_stored(struct fleet_rig *fleet, const char *host, struct buffer *expected)
{
    struct buffer stored = read_stored(fleet, host);
    assert_int_equal(stored.size, expected->size);
    assert_memory_equal(stored.data, expected->data, stored.size);
    buffer_fini(&stored);
    buffer_fini(expected);
}

static void import_profile(struct fleet_rig *fleet, const char *host, const struct buffer *blob)
{
    struct ip ip = make_ip(host);
    struct profile *profile = profile_unpack(blob->data, blob->size, NULL);
    store_replace_profile(fleet->sensor[0].store, &ip, NULL, 0, profile->last_closed_hour,
                          blob->data, blob->size, NULL, NULL);
    profile_free(profile);
}

/* What 10.0.0.1 and the tables are when they learn the open hour from the given ones. */
static void learn_open(struct fleet_rig *fleet, int hour, struct buffer *blob,
                       struct buffer *tables)
{
    struct ip ip = make_ip("10.0.0.1");
    struct civil civil =
        calendar_at(fleet->calendar, (struct ptime){MONDAY_8 + hour * NS_PER_HOUR});
    const struct host_total *total =
        totals_get(fleet->sensor[0].engine->totals, &ip, HOUR_8 + hour);
    struct profile *profile = profile_unpack(blob->data, blob->size, NULL);
    struct fleet *all = fleet_unpack(tables->data, tables->size, NULL);
    assert_non_null(total);
    blob->size = tables->size = 0;
    profile_catch_up(profile, civil.hour - 1, fleet->calendar, NULL, NULL);
    profile_close_hour(profile, total, &civil, all);
    profile_pack(profile, blob);
    fleet_apply(all);
    fleet_pack(all, tables);
    profile_free(profile);
    fleet_free(all);
}

/* An older memory is put in the place of what a sensor has learned, while it runs: it goes on from
 * that, its own tables and profiles are not written again. */
static void test_imported_while_it_runs(void **state)
{
    struct fleet_rig *fleet = fleet_open(1, NULL);
    struct engine *engine;
    struct ip second = make_ip("10.0.0.2");
    (void)state;
    start_all(fleet);
    engine = fleet->sensor[0].engine;
    fleet_push_hours(fleet, 2, 0, 1, any_sensor);
    fleet_push_clocks(fleet, 1);
    fleet_run_until(fleet, 1);
    struct buffer one = read_stored(fleet, "10.0.0.1"), two = read_stored(fleet, "10.0.0.2"),
                  tables = read_stored(fleet, NULL);
    fleet_push_hours(fleet, 2, 1, 3, any_sensor);
    fleet_push_clocks(fleet, 3);
    fleet_run_until(fleet, 3);
    fleet_settle(fleet);
    assert_non_null(hosts_get(engine, &second)->blob);

    store_put_fleet(fleet->sensor[0].store, NULL, tables.data, tables.size, NULL, NULL);
    import_profile(fleet, "10.0.0.1", &one);
    import_profile(fleet, "10.0.0.2", &two);
    fleet_settle(fleet);
    assert_int_equal(engine_memory_changed(engine, NULL, false), ENGINE_CHANGED);
    assert_null(hosts_get(engine, &second)->blob);
    fleet_push_hours(fleet, 1, 4, 5, any_sensor);
    sensor_push_watermark(&fleet->sensor[0], MONDAY_8 + 5 * NS_PER_HOUR);
    fleet_settle(fleet);
    learn_open(fleet, 4, &one, &tables);
    fleet_push_clocks(fleet, 5);
    fleet_run_until(fleet, 5);
    expect_stored(fleet, "10.0.0.1", &one);
    expect_stored(fleet, "10.0.0.2", &two);
    expect_stored(fleet, NULL, &tables);
    fleet_close(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forgotten_in_the_tables_stays_away),
        cmocka_unit_test(test_forgotten_by_the_other_one),
        cmocka_unit_test(test_forgotten_while_it_waits),
        cmocka_unit_test(test_imported_while_it_runs),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
