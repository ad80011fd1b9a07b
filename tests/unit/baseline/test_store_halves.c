/* A flow in two halves: who sees the other one, and nobody who sees the same. Skipped (77) where
 * redis-server is not installed. */
#include "store_pair.h"

#include "weir/baseline/store_close.h"

#define KEY CASE_PREFIX ":{10.0.0.1}:half:0000000000000007"

static char other[64];

static void on_half(void *context, const struct store_half *half, const char *who)
{
    (void)context;
    assert_int_equal(half->flow, 7);
    snprintf(other, sizeof other, "%s", who);
}

static const char *say(struct client *client, bool out)
{
    struct store_half half = {.host = client_ip("10.0.0.1"), .flow = 7, .out = out};
    strcpy(other, "no answer");
    store_put_half(client->store, &half, NS_PER_MIN, on_half, NULL);
    settle(client);
    return other;
}

static void test_each_finds_the_other(void **state)
{
    (void)state;
    open_both();
    assert_string_equal(say(&a, true), "");
    assert_string_equal(say(&a, true), "");
    assert_string_equal(say(&b, true), ""); /* it sees the same */
    assert_string_equal(say(&b, false), "a");
    assert_string_equal(say(&a, true), "b");
    assert_int_equal(keys(KEY), 1);
    close_both();
}

/* Of several the first by name; of more than are kept nothing is written, but they are told. */
static void test_so_many_sensors(void **state)
{
    (void)state;
    open_both();
    for (int i = 0; i < STORE_HALF_SENSORS; i++)
        freeReplyObject(ask("HSET %s z%d out", KEY, i));
    assert_string_equal(say(&a, false), "z0");
    redisReply *reply = ask("HLEN %s", KEY);
    assert_int_equal(reply->integer, STORE_HALF_SENSORS);
    freeReplyObject(reply);
    close_both();
}

static void test_of_a_forgotten_host_nothing_is_written(void **state)
{
    (void)state;
    struct ip host = client_ip("10.0.0.1");
    bool removed = false;
    open_both();
    store_say_alive(b.store, 1);
    settle(&b);
    say(&a, true);
    store_remove_host(a.store, &host, true, on_removed, &removed);
    settle(&a);
    assert_true(removed);
    assert_int_equal(keys(KEY), 0);
    assert_string_equal(say(&b, false), "");
    assert_int_equal(keys(KEY), 0);
    close_both();
}

/* Of more bytes than a sensor's name may have: nothing is taken of that. */
static void test_no_name(void **state)
{
    (void)state;
    struct store_half half = {.host = client_ip("10.0.0.1"), .flow = 7};
    char name[202] = "";
    memset(name, 'z', sizeof name - 1);
    open_both();
    freeReplyObject(ask("HSET %s %s out", KEY, name));
    strcpy(other, "no answer");
    store_put_half(a.store, &half, NS_PER_MIN, on_half, NULL);
    client_run(&a);
    assert_int_equal(a.failed, 1);
    assert_string_equal(other, "no answer");
    close_both();
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_each_finds_the_other),
        T(test_so_many_sensors),
        T(test_of_a_forgotten_host_nothing_is_written),
        T(test_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
