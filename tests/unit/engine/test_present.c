/* What hosts send now, as whoever looks is told: sums of the open hour in order, what is usual for
 * each, and that looking moves nothing. Skipped (77) where redis-server is not installed. */
#include "rig.h"

#include "weir/engine/present.h"

#include "../../../sensor/engine/internal.h"

#define DAYS 14

static void learn_hour(struct rig *rig, struct profile *profile, int64_t time_ns, uint64_t bytes)
{
    struct civil civil = calendar_at(rig->calendar, (struct ptime){time_ns});
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    struct destination to = {ROLE_CLIENT, DESTINATION_PREFIX, "198.51.100.0/24"};
    if (bytes > 0)
        totals_add(total, &to, (struct volume){bytes, bytes, bytes}, 500, 1);
    profile_close_hour(profile, total, &civil, NULL);
    host_total_free(total);
}

/* A past of office hours: 200 to 300 kB in each hour from 08:00 to 18:00. */
static void put_past(struct rig *rig, const struct ip *ip)
{
    struct buffer blob = {0};
    int64_t first_ns = MONDAY_8 - DAYS * NS_PER_DAY;
    struct profile *profile =
        profile_new(ip, calendar_at(rig->calendar, (struct ptime){first_ns}).hour);
    for (int hour = 0; hour < DAYS * 24; hour++)
        learn_hour(rig, profile, first_ns + hour * NS_PER_HOUR,
                   hour % 24 < 10 ? 200000 + (uint64_t)(hour * 3700 % 100000) : 0);
    profile_pack(profile, &blob);
    store_put_profile(rig->store, ip, INT64_MIN, profile->last_closed_hour, blob.data, blob.size,
                      NULL, NULL);
    buffer_fini(&blob);
    profile_free(profile);
}

static void push(struct rig *rig, int seconds, const char *host, const char *to, uint64_t up,
                 uint64_t down)
{
    struct flow_key key = make_flow_key(host, (uint16_t)(40000 + seconds), to, 443);
    rig_push_flow(rig, MONDAY_8 + seconds * NS_PER_S, &key, up, down);
}

/* 10.0.0.1, with a past, sends far more than usual to two places; 10.0.0.2 is new; 10.0.0.30 takes
 * a lot. */
static int set_up(void **state)
{
    struct rig *rig = rig_open(1, 1000);
    struct ip known = make_ip("10.0.0.1");
    engine_free(rig->engine);
    put_past(rig, &known);
    while (store_pending(rig->store) > 0)
        rig_turn(rig, NS_PER_MS);
    rig_new_engine(rig);
    push(rig, 10, "10.0.0.1", "198.51.100.7", 9000000, 100);
    push(rig, 11, "10.0.0.2", "203.0.113.9", 1000, 200);
    push(rig, 12, "10.0.0.1", "203.0.113.9", 70000, 50);
    push(rig, 13, "10.0.0.30", "203.0.113.9", 900, 5000000);
    rig_push_watermark(rig, 0, MONDAY_8 + 60 * NS_PER_S);
    engine_begin(rig->engine, NULL);
    while (rig->flows < 4)
        rig_turn(rig, NS_PER_MS);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_close(*state);
    return 0;
}

static struct fleet_band band_of(struct rig *rig, const char *zone, const char *name)
{
    struct civil civil = calendar_at(rig->calendar, (struct ptime){MONDAY_8});
    struct destination to = {.role = ROLE_CLIENT, .kind = DESTINATION_PREFIX};
    snprintf(to.name, sizeof to.name, "%s", name ? name : "");
    return zone ? fleet_zone_band(rig->engine->fleet, zone, &civil)
                : fleet_place_band(rig->engine->fleet, &to, &civil);
}

static void learn_sums(struct rig *rig)
{
    struct destination to = {ROLE_CLIENT, DESTINATION_PREFIX, "198.51.100.0/24"};
    for (int n = 0; n < FLEET_BAND_HOURS; n++) {
        int64_t time_ns = MONDAY_8 + n % 10 * NS_PER_HOUR - 7 * (1 + n / 10) * NS_PER_DAY;
        struct civil civil = calendar_at(rig->calendar, (struct ptime){time_ns});
        fleet_note_zone(rig->engine->fleet, "lab", &civil, 500000, true);
        fleet_note_place(rig->engine->fleet, &to, &civil, 200000, true);
        fleet_apply(rig->engine->fleet);
    }
}

static void assert_same_band(const struct fleet_band *a, struct fleet_band b)
{
    assert_int_equal(a->known, b.known);
    assert_int_equal(a->hours, b.hours);
    assert_int_equal(a->expected[0], b.expected[0]);
    assert_int_equal(a->expected[1], b.expected[1]);
}

static void assert_host(const struct present_host *row, const char *host)
{
    struct ip ip = make_ip(host);
    assert_int_equal(ip_compare(&row->host, &ip), 0);
}

static size_t ask(struct rig *rig, enum present_order order, struct present_host row[8],
                  struct present *present)
{
    struct present_asked asked = {.order = order, .room = 8};
    return engine_present_hosts(rig->engine, &asked, row, present);
}

static void test_in_order(void **state)
{
    struct rig *rig = *state;
    struct present_host row[8];
    struct present present;
    assert_int_equal(ask(rig, PRESENT_OUT, row, &present), 3);
    assert_true(present.known);
    assert_int_equal(present.total, 3);
    assert_int_equal(present.hour.starts.ns, MONDAY_8);
    assert_host(&row[0], "10.0.0.1");
    assert_host(&row[1], "10.0.0.2");
    assert_host(&row[2], "10.0.0.30");
    assert_int_equal(row[0].out_bytes, 9070000);
    assert_int_equal(row[0].in_bytes, 150);
    assert_int_equal(row[0].day_out_bytes, 9070000);
    assert_int_equal(row[0].destinations, 2);
    assert_int_equal(ask(rig, PRESENT_IN, row, &present), 3);
    assert_host(&row[0], "10.0.0.30");
    assert_int_equal(ask(rig, PRESENT_HOST, row, &present), 3);
    assert_host(&row[2], "10.0.0.30");
}

static void test_against_what_is_usual(void **state)
{
    struct rig *rig = *state;
    struct present_host row[8];
    struct present present;
    ask(rig, PRESENT_OUT, row, &present);
    assert_true(row[0].past_known);
    assert_int_equal(row[0].state, BASELINE_READY);
    assert_int_equal(row[0].hours, DAYS * 24);
    assert_in_range(row[0].hour.expected[0], 150000, 250000);
    assert_in_range(row[0].hour.expected[1], 250000, 350000);
    assert_true(row[0].hour.p > 0 && row[0].hour.p < 0.01);
    assert_false(row[1].past_known);
    assert_true(row[0].state_known && row[1].state_known); /* the store has none of that one */
    assert_int_equal(row[1].state, BASELINE_LEARNING);
    assert_true(row[1].hour.p == 0);
}

/* It sends from 08:00 to 18:00 of each day. */
static void test_its_week(void **state)
{
    struct rig *rig = *state;
    struct present_week week;
    struct ip known = make_ip("10.0.0.1"), unknown = make_ip("10.0.0.2"),
              none = make_ip("10.9.9.9");
    assert_true(engine_present_week(rig->engine, &known, &week));
    assert_int_equal(week.hours, DAYS * 24);
    for (int i = 0; i < PRESENT_WEEK; i++) {
        bool at_work = i % 24 >= 8 && i % 24 < 18;
        if (!(at_work ? week.share[i] > 0.5 : week.share[i] < 0.3))
            fail_msg("hour %d: %f", i, week.share[i]);
    }
    assert_in_range(week.day_expected[0], 1500000, 2500000);
    assert_in_range(week.day_expected[1], 2400000, 3500000);
    assert_false(engine_present_week(rig->engine, &unknown, &week));
    assert_false(engine_present_week(rig->engine, &none, &week));
}

static bool is_small(const void *context, const struct ip *host)
{
    return host->byte[15] < *(const int *)context;
}

static void test_some_of_them(void **state)
{
    struct rig *rig = *state;
    struct present_host row[8];
    struct present present;
    int below = 5;
    struct present_asked asked = {
        .filter = {is_small, &below}, .offset = 1, .room = 8, .order = PRESENT_OUT};
    assert_int_equal(engine_present_hosts(rig->engine, &asked, row, &present), 1);
    assert_int_equal(present.total, 2);
    assert_host(&row[0], "10.0.0.2");
    asked.offset = 7;
    assert_int_equal(engine_present_hosts(rig->engine, &asked, row, &present), 0);
}

static void test_where_to(void **state)
{
    struct rig *rig = *state;
    struct present_host host;
    struct present_pair pair[8];
    struct present present;
    struct ip ip = make_ip("10.0.0.1"), nobody = make_ip("10.9.9.9");
    assert_true(engine_present_host(rig->engine, &ip, &host, &present));
    assert_int_equal(host.out_bytes, 9070000);
    assert_int_equal(engine_present_pairs(rig->engine, &ip, pair, 8, &present), 2);
    assert_string_equal(pair[0].destination.name, "198.51.100.0/24");
    assert_int_equal(pair[0].out_bytes, 9000000);
    assert_int_equal(pair[0].flows, 1);
    assert_true(pair[0].met);
    assert_int_equal(pair[0].first.ns, MONDAY_8 - DAYS * NS_PER_DAY);
    assert_true(pair[0].hour.p > 0 && pair[0].hour.expected[1] < 400000);
    assert_string_equal(pair[1].destination.name, "203.0.113.0/24");
    assert_false(pair[1].met);
    assert_int_equal(pair[1].first.ns, PTIME_MIN.ns);
    assert_true(pair[1].hour.p == 0);
    assert_int_equal(engine_present_pairs(rig->engine, &ip, pair, 1, &present), 1);
    assert_int_equal(present.total, 2);
    assert_false(engine_present_host(rig->engine, &nobody, &host, &present));
    assert_int_equal(engine_present_pairs(rig->engine, &nobody, pair, 8, &present), 0);
}

/* A profile that was unpacked for a look does not stay so. */
static void test_looking_moves_nothing(void **state)
{
    struct rig *rig = *state;
    struct engine *engine = rig->engine;
    struct present_host row[8];
    struct present present;
    struct ip ip = make_ip("10.0.0.1");
    struct host *host = hosts_get(engine, &ip);
    profile_free(cache_take_unpacked(engine, host));
    struct cache before = engine->cache;
    ask(rig, PRESENT_OUT, row, &present);
    assert_true(row[0].past_known && row[0].hour.expected[1] > 0);
    assert_null(host->profile);
    assert_memory_equal(&before, &engine->cache, sizeof before);
}

/* What was let go may say anything: it is not told to be new, and of no state. */
static void test_a_past_that_is_not_in_memory(void **state)
{
    struct rig *rig = *state;
    struct present_host row[8];
    struct present_pair pair[8];
    struct present present;
    struct ip ip = make_ip("10.0.0.1");
    engine_present_pairs(rig->engine, &ip, pair, 8, &present);
    assert_true(pair[1].met_known && !pair[1].met);
    cache_drop(rig->engine, hosts_get(rig->engine, &ip));
    ask(rig, PRESENT_OUT, row, &present);
    assert_false(row[0].state_known);
    engine_present_pairs(rig->engine, &ip, pair, 8, &present);
    assert_false(pair[0].met_known);
    assert_false(pair[1].met_known);
}

/* Zones and destinations beside what whole hours like this one had. */
static void test_sums_have_bands(void **state)
{
    struct rig *rig = *state;
    struct error error = {0};
    struct present present;
    struct present_sums sums;
    struct present_place place[4];
    struct zones *zones = zones_new();
    struct prefix net;
    assert_int_equal(prefix_parse("10.0.0.0/30", &net, &error), 0);
    assert_int_equal(zones_add_net(zones, zones_add(zones, "lab", &error), &net, &error), 0);
    rig->engine->zoned.zones = zones;
    learn_sums(rig);
    engine_present_sums(rig->engine, place, 4, &sums, &present);
    assert_int_equal(sums.zone[0].out_bytes, 9071000);
    assert_true(sums.zone[0].band.known);
    assert_in_range(sums.zone[0].band.expected[0], 420000, 500000);
    assert_in_range(sums.zone[0].band.expected[1], 500001, 600000);
    assert_same_band(&sums.zone[0].band, band_of(rig, "lab", NULL));
    assert_int_equal(sums.zone[ZONE_INSIDE].hosts, 1); /* 10.0.0.30 */
    assert_false(sums.zone[ZONE_INSIDE].band.known);
    assert_int_equal(sums.places, 2);
    assert_true(place[0].band.known);
    assert_same_band(&place[0].band, band_of(rig, NULL, "198.51.100.0/24"));
    assert_false(place[1].band.known);
    rig->engine->zoned.zones = NULL;
    zones_free(zones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_against_what_is_usual, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_its_week, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_some_of_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_where_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sums_have_bands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looking_moves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_past_that_is_not_in_memory, set_up, tear_down),
    };
    if (system("command -v redis-server >/dev/null") != 0) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
