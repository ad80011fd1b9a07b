/* Sensors that share a Redis cluster of six nodes, or a primary behind sentinels, of which one is
 * killed while they work: profiles and tables are, to the byte, what one sensor on one server has.
 * Skipped (77) where redis-server is not installed. */
#include "../cluster_case.h"
#include "fleet_rig.h"

#include "weir/base/log.h"

#define HOSTS 12
#define HOURS 6

static int any_sensor(uint64_t flow)
{
    return (int)(flow >> 20u & 0xff);
}

static void start_all(struct fleet_rig *fleet)
{
    for (int i = 0; i < fleet->sensors; i++)
        sensor_start(&fleet->sensor[i], NULL);
    fleet_settle(fleet);
}

static void play_until(struct fleet_rig *fleet, int from, int until)
{
    fleet_push_hours(fleet, HOSTS, from, until, any_sensor);
    fleet_push_clocks(fleet, until);
    fleet_run_until(fleet, until);
}

static char *alone(void)
{
    struct fleet_rig *fleet = fleet_open(1, NULL);
    start_all(fleet);
    play_until(fleet, 0, HOURS);
    char *text = fleet_dump(fleet);
    fleet_close(fleet);
    return text;
}

/* The primary of the keys that all share, and of a third of the hosts. */
static int owner_of(const struct cluster *cluster, const char *key)
{
    char *slot = cluster_ask(&cluster->node[0], "CLUSTER KEYSLOT %s", key);
    int owner = 2;
    while (atoi(slot) < owner * CLUSTER_SLOTS / 3)
        owner--;
    free(slot);
    return owner;
}

static uint64_t absences(const struct fleet_rig *fleet)
{
    uint64_t count = 0;
    for (int i = 0; i < fleet->sensors; i++)
        count += fleet->sensor[i].engine->memory.absences;
    return count;
}

static char *expected;

/* Two sensors, and `victim` of the servers dies while two hours are open. */
static void play_and_kill(struct cluster *cluster, int victim)
{
    struct fleet_rig *fleet = fleet_open_at(cluster->url, 2, NULL);
    fleet->reaches = true;
    start_all(fleet);
    play_until(fleet, 0, 2);
    fleet_push_hours(fleet, HOSTS, 2, 4, any_sensor); /* some of it is written, none is closed */
    fleet_turn(fleet, 100 * NS_PER_MS);
    cluster_kill(&cluster->node[victim]);
    fleet_push_clocks(fleet, 4);
    fleet_run_until(fleet, 4);
    assert_true(absences(fleet) > 0);
    play_until(fleet, 4, HOURS);
    char *text = fleet_dump(fleet);
    assert_string_equal(text, expected);
    free(text);
    fleet_close(fleet);
    cluster_close(cluster);
}

static void test_a_node_is_killed(void **state)
{
    struct cluster cluster;
    (void)state;
    cluster_open(&cluster, 6);
    play_and_kill(&cluster, owner_of(&cluster, "{weir-test}:fleet"));
}

static void test_the_primary_is_killed(void **state)
{
    struct cluster cluster;
    (void)state;
    cluster_open_sentinels(&cluster);
    play_and_kill(&cluster, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_node_is_killed),
                                       cmocka_unit_test(test_the_primary_is_killed)};
    log_set_level(LOG_ERROR_);
    if (!has_program("redis-server"))
        return 77;
    expected = alone();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(expected);
    return failed;
}
