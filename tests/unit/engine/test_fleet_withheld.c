/* Hours that a change window withholds are counted once each, wherever the closer loses its store.
 * Skipped (77) where redis-server is not installed. */
#include "../folder.h"
#include "fleet_rig.h"

#include "weir/base/log.h"

#define HOSTS 6
#define STEP  5 /* commands: each host takes several */

static struct zones *plant(void)
{
    struct error error = {0};
    struct zones *zones = zones_new();
    struct zone *zone = zones_add(zones, "plant", &error);
    struct prefix all;
    assert_int_equal(prefix_parse("10.0.0.0/8", &all, &error), 0);
    assert_int_equal(zones_add_net(zones, zone, &all, &error), 0);
    return zones;
}

static struct noise *window_of_always(void)
{
    struct noise *book = noise_new();
    book->silence = xcalloc(1, sizeof *book->silence);
    book->silence_count = book->silence_room = 1;
    *book->silence = (struct noise_silence){
        .number = 1, .ticket = "CHG 7", .scope = {.zone = "plant"}, .expires = {INT64_MAX}};
    return book;
}

static int the_one(uint64_t flow)
{
    (void)flow;
    return 0;
}

/* How many were counted when an hour is closed over a connection that is cut behind `limit`
 * commands, and is there again; `passed`: how many commands came before that, or in all. */
static uint64_t withheld(unsigned limit, unsigned *passed)
{
    struct zones *zones = plant();
    struct proxy proxy;
    struct fleet_rig *fleet = fleet_open(1, NULL);
    struct sensor *sensor = &fleet->sensor[0];
    fleet->reaches = true;
    proxy_open(&proxy, fleet->loop, fleet->folder, fleet->url, UINT_MAX);
    sensor_start(sensor, proxy.url);
    sensor->engine->zoned.zones = zones;
    noise_free(sensor->engine->noise.book);
    sensor->engine->noise.book = window_of_always();
    fleet_settle(fleet);
    proxy.passed = 0;
    proxy.limit = limit;
    fleet_push_hours(fleet, HOSTS, 0, 1, the_one);
    fleet_push_clocks(fleet, 1);
    for (struct wtime began = wtime_now(); !sensor_is_through(sensor, 1);) {
        fleet_turn(fleet, 2 * NS_PER_MS);
        if (proxy.passed > limit && proxy.limit == limit) {
            *passed = limit;
            proxy.limit = UINT_MAX;
        }
        fleet_give_up(began, "the hour is not closed");
    }
    if (proxy.limit == limit)
        *passed = proxy.passed;
    uint64_t count = engine_counts_of(sensor->engine)->hours_withheld;
    proxy_close(&proxy);
    fleet_close(fleet);
    zones_free(zones);
    return count;
}

static void test_counted_once(void **state)
{
    unsigned all, passed = 0;
    uint64_t undisturbed = withheld(UINT_MAX, &all);
    (void)state;
    assert_true(undisturbed >= HOSTS);
    assert_true(all > 3 * HOSTS);
    for (unsigned limit = HOSTS; limit < all; limit += STEP) {
        uint64_t count = withheld(limit, &passed);
        if (count != undisturbed)
            fail_msg("cut behind %u of %u commands: %lu instead of %lu", passed, all,
                     (unsigned long)count, (unsigned long)undisturbed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counted_once)};
    log_set_level(LOG_ERROR_);
    if (!has_program("redis-server"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
