/* How all stand, as the store has it: bounded, in order, and whatever somebody wrote there. Skipped
 * (77) where redis-server is not installed. */
#include "store_server.h"

#include "weir/baseline/store_overview.h"

#define MANY (STORE_SENSORS_MAX + 4)

struct seen {
    struct client *client;
    bool called;
    struct store_overview all; /* without its lists, but for these: */
    struct store_sensor first, last;
    char first_name[32], last_name[32];
    struct store_hour hour;
    bool sorted;
};

static void on_overview(void *context, const struct store_overview *overview)
{
    struct seen *seen = context;
    seen->called = seen->sorted = true;
    seen->all = *overview;
    for (size_t i = 1; i < overview->sensors; i++)
        seen->sorted &= strcmp(overview->sensor[i - 1].name, overview->sensor[i].name) < 0;
    if (overview->sensors > 0) {
        seen->first = overview->sensor[0];
        seen->last = overview->sensor[overview->sensors - 1];
        snprintf(seen->first_name, sizeof seen->first_name, "%s", seen->first.name);
        snprintf(seen->last_name, sizeof seen->last_name, "%s", seen->last.name);
    }
    if (overview->hours > 0)
        seen->hour = overview->hour[0];
}

static struct seen look(void)
{
    struct client client = {.ready = 0};
    struct seen seen = {.client = &client};
    struct store_config config = config_of("reader", NULL);
    config.read_only = true;
    client_open(&client, &config);
    assert_int_equal(client.ready, 1);
    store_read_overview(client.store, on_overview, &seen);
    settle(&client);
    assert_true(seen.called);
    client_close(&client);
    return seen;
}

static int64_t server_ms(void)
{
    redisReply *reply = ask("TIME");
    int64_t ms = strtoll(reply->element[0]->str, NULL, 10) * 1000;
    freeReplyObject(reply);
    return ms;
}

static void put_sensor(const char *name, const char *entry)
{
    freeReplyObject(ask("HSET " CASE_PREFIX ":sensors %s %s", name, entry));
}

static void test_nothing(void **state)
{
    (void)state;
    struct seen seen = look();
    assert_int_equal(seen.all.sensors + seen.all.hours + seen.all.edits + seen.all.forgotten, 0);
    assert_true(seen.all.closed == STORE_NO_HOUR);
    assert_null(seen.all.closer);
}

static void test_sensors_say_so_themselves(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    store_say_alive(a.store, 9);
    settle(&a);
    struct seen seen = look();
    assert_int_equal(seen.all.sensors, 1);
    assert_string_equal(seen.first_name, "a");
    assert_int_equal(seen.first.complete, 9);
    assert_true(seen.first.silent_ms < 60000 && seen.first.since_ms < 60000);
    assert_true(seen.first.clock_known && seen.first.ahead_ms <= 0);
    assert_false(seen.first.forgets);
    client_close(&a);
}

static void test_what_others_wrote(void **state)
{
    (void)state;
    char entry[128];
    int64_t now = server_ms(), hour = now / 3600000;
    put_sensor("no entry", "");
    put_sensor("minus", "- 1 1 x");
    put_sensor("a year", "99999999999 1 1 x");
    put_sensor("never", " 1 1 x");
    snprintf(entry, sizeof entry, "%lld %lld000 99999999999999999999999999999999 x",
             (long long)hour, (long long)now);
    put_sensor("tomorrow", entry);
    freeReplyObject(ask("HSET " CASE_PREFIX ":clocks never %s", "half past"));
    freeReplyObject(ask("HSET " CASE_PREFIX ":fleet edits %s", "some"));
    freeReplyObject(ask("SET " CASE_PREFIX ":closer %s", "me"));
    snprintf(entry, sizeof entry, "%lld", (long long)hour);
    freeReplyObject(ask("SADD %s%s %s", CASE_PREFIX ":hour:", entry, "10.0.0.1"));
    struct seen seen = look();
    assert_int_equal(seen.all.sensors, 2);
    assert_string_equal(seen.first_name, "never");
    assert_true(seen.first.complete == STORE_NO_HOUR);
    assert_false(seen.first.clock_known);
    assert_string_equal(seen.last_name, "tomorrow");
    assert_int_equal(seen.last.silent_ms + seen.last.since_ms, 0);
    assert_int_equal(seen.all.edits, 0);
    assert_null(seen.all.closer);
    assert_int_equal(seen.all.hours, 1);
    assert_int_equal(seen.hour.hour, hour);
    assert_int_equal(seen.hour.hosts, 1);
}

static void test_many(void **state)
{
    (void)state;
    char many[16];
    snprintf(many, sizeof many, "%d", MANY);
    freeReplyObject(ask("EVAL %s 1 %s %s",
                        "for i = 1, ARGV[1] do\n"
                        "  redis.call('HSET', KEYS[1], 's' .. i, '7 1 1 x')\n"
                        "end",
                        CASE_PREFIX ":sensors", many));
    struct seen seen = look();
    assert_int_equal(seen.all.sensors, STORE_SENSORS_MAX);
    assert_int_equal(seen.all.more, MANY - STORE_SENSORS_MAX);
    assert_true(seen.sorted);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_nothing),
        T(test_sensors_say_so_themselves),
        T(test_what_others_wrote),
        T(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
