/* Closing hours, as the store sees it: who is waited for, who has the lease, what the dead may not
 * write. */
#include "store_asks.h"

/* What must happen within a time does on a busy machine too. */
#define SHORT_NS  NS_PER_S
#define BEHIND_US 1200000

/* --- whose turn ------------------------------------------------------------------------------- */

static void test_alone(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    struct store_turn turn = ask_turn(&a, STORE_NO_HOUR, true);
    assert_false(turn.granted); /* nothing is complete */
    assert_int_equal(turn.closed, STORE_NO_HOUR);
    turn = ask_turn(&a, 7, false);
    assert_false(turn.granted); /* it did not want to */
    turn = ask_turn(&a, 7, true);
    assert_true(turn.granted);
    assert_int_equal(turn.hour, 7);
    assert_int_equal(turn.before, 7);
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    turn = ask_turn(&a, 8, true);
    assert_int_equal(turn.closed, 7);
    assert_int_equal(turn.before, 7);
    assert_int_equal(turn.hour, 8);
    assert_true(turn.granted);
    client_close(&a);
}

/* The oldest hour with a list comes first, also when somebody else left it. */
static void test_the_oldest_hour_first(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_word(&a, 100, 1, 1); /* hour 7 */
    settle(&a);
    assert_int_equal(ask_turn(&a, 7 + STORE_HOURS_KEPT, true).hour, 7 + STORE_HOURS_KEPT);
    assert_int_equal(ask_turn(&a, 6 + STORE_HOURS_KEPT, true).hour, 7);
    assert_int_equal(ask_turn(&a, 20, true).hour, 7);
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_int_equal(ask_turn(&a, 20, true).hour, 20);
    assert_int_equal(list_hour(&a, 7).count, 1);
    assert_int_equal(list_hour(&a, 20).count, 0);
    client_close(&a);
}

static void test_waits_for_others(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", NULL);
    must_open(&b, "b", NULL);
    ask_turn(&b, STORE_NO_HOUR, false);
    struct store_turn turn = ask_turn(&a, 7, true);
    assert_false(turn.granted);
    assert_int_equal(turn.waited, 1);
    ask_turn(&b, 5, false);
    turn = ask_turn(&a, 7, true); /* both are complete through 5 */
    assert_true(turn.granted);
    assert_int_equal(turn.hour, 5);
    assert_int_equal(turn.waited, 1);
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 5, "five"), STORE_PUT);
    assert_false(ask_turn(&a, 7, true).granted);
    turn = ask_turn(&b, 9, false);
    assert_int_equal(turn.before, 5);
    /* a is at 7 */
    assert_int_equal(turn.waited, 1);
    turn = ask_turn(&a, 7, true);
    assert_true(turn.granted);
    assert_int_equal(turn.hour, 7);
    assert_false(ask_turn(&b, 9, true).granted); /* a has the lease */
    client_close(&a);
    client_close(&b);
}

static void test_the_silent_and_the_slow(void **state)
{
    (void)state;
    struct client a, b;
    open_with(&b, "b", 0, 0, 0);
    ask_turn(&b, 3, false);
    open_with(&a, "a", 50 * NS_PER_MS, 0, 0);
    usleep(100000);
    struct store_turn turn = ask_turn(&a, 7, true);
    assert_true(turn.granted); /* b was silent for too long */
    assert_int_equal(turn.hour, 7);
    assert_int_equal(turn.passed, 1);
    client_close(&a);
    order("DEL " CASE_PREFIX ":closer");
    open_with(&a, "a", 0, SHORT_NS, 0);
    store_say_alive(b.store, 3);
    settle(&b);
    assert_int_equal(ask_turn(&a, 8, true).hour, 3); /* a says 8 for the first time */
    usleep(BEHIND_US);
    store_say_alive(b.store, 3);
    settle(&b);
    turn = ask_turn(&a, 8, true);
    assert_true(turn.granted);
    assert_int_equal(turn.hour, 8); /* b lives, and did not get on */
    assert_int_equal(turn.passed, 1);
    client_close(&a);
    client_close(&b);
}

/* What somebody else wrote there as an hour is no sensor's: it goes, and hours are closed. */
static void test_what_is_no_hour(void **state)
{
    (void)state;
    static const char *const hour[] = {"-", "99999999999", "-2500001"};
    struct client a;
    must_open(&a, "a", NULL);
    redisReply *reply = ask("TIME");
    for (size_t i = 0; i < sizeof hour / sizeof *hour; i++) {
        char name[8], entry[80];
        snprintf(name, sizeof name, "odd%zu", i);
        snprintf(entry, sizeof entry, "%s %s000 %s000 x", hour[i], reply->element[0]->str,
                 reply->element[0]->str);
        freeReplyObject(ask("HSET " CASE_PREFIX ":sensors %s %s", name, entry));
    }
    freeReplyObject(reply);
    struct store_turn turn = ask_turn(&a, 7, true);
    assert_true(turn.granted);
    assert_int_equal(turn.hour, 7);
    assert_int_equal(turn.waited + turn.passed + turn.others, 0);
    reply = ask("HLEN " CASE_PREFIX ":sensors");
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);
    client_close(&a);
}

/* How far each clock is from the server's is there for all to see: here it is one clock. */
static void test_clocks_are_compared(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    store_say_alive(a.store, 3);
    settle(&a);
    redisReply *reply = ask("HGET " CASE_PREFIX ":clocks a");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    long long ahead_ms = strtoll(reply->str, NULL, 10);
    assert_true(ahead_ms <= 0 && ahead_ms > -60000); /* less what the way took */
    freeReplyObject(reply);
    client_close(&a);
}

/* One whose clock is ahead passes nobody over: the hours that it closed would be lost for all. */
static void test_a_clock_that_is_ahead(void **state)
{
    (void)state;
    struct client a, b;
    redisReply *reply = ask("TIME");
    int64_t hour = strtoll(reply->element[0]->str, NULL, 10) / 3600;
    freeReplyObject(reply);
    open_with(&a, "a", 0, SHORT_NS, 0);
    open_with(&b, "b", 0, 0, 0);
    ask_turn(&b, hour - 2, false);
    assert_int_equal(ask_turn(&a, hour + 24, true).hour, hour - 2);
    usleep(BEHIND_US);
    struct store_turn turn = ask_turn(&a, hour + 24, true);
    assert_int_equal(turn.waited, 1);
    assert_int_equal(turn.passed, 0);
    assert_int_equal(turn.hour, hour - 2); /* what both have */
    ask_turn(&a, hour - 1, true);          /* its clock was set right */
    usleep(BEHIND_US);
    turn = ask_turn(&a, hour - 1, true);
    assert_int_equal(turn.passed, 1);
    assert_int_equal(turn.hour, hour - 1);
    client_close(&a);
    client_close(&b);
}

static void test_words_that_no_sensor_said(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    order("HSET " CASE_PREFIX ":sensors x elephants y {7}");
    assert_true(ask_turn(&a, 7, true).granted); /* they are removed */
    redisReply *reply = ask("HLEN " CASE_PREFIX ":sensors");
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);
    client_close(&a);
}

/* Each finds that the other one speaks in its name. */
static void test_two_of_one_name(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", NULL);
    ask_turn(&a, 7, false);
    ask_turn(&a, 7, false);
    assert_false(a.store->namesake);
    must_open(&b, "a", NULL);
    ask_turn(&b, 7, false);
    assert_false(b.store->namesake); /* it could be the next run of the same */
    ask_turn(&a, 7, false);
    assert_true(a.store->namesake);
    ask_turn(&b, 7, false);
    assert_true(b.store->namesake);
    client_close(&a);
    client_close(&b);
}

static void open_instance(struct client *client, const char *instance, int64_t silent_ns)
{
    struct store_config config = config_of("a", NULL);
    config.instance = instance;
    config.silent_ns = silent_ns;
    *client = (struct client){.ready = 0};
    client_open(client, &config);
}

/* A name is one installation's, through its restarts; another one's words are not taken. */
static void test_a_name_is_claimed(void **state)
{
    (void)state;
    struct client a, other, again;
    open_instance(&a, "here", 0);
    assert_int_equal(a.ready, 1);
    ask_turn(&a, 7, false);
    open_instance(&other, "there", 0);
    assert_int_equal(other.ready, 0);
    assert_non_null(strstr(other.error.message, "another sensor of this name"));
    assert_true(store_refuses_writes(other.store)); /* reading is open to it */
    client_close(&other);
    open_instance(&again, "here", 0);
    assert_int_equal(again.ready, 1);
    assert_true(ask_turn(&again, 8, true).granted);
    client_close(&again);
    client_close(&a);
}

/* Until it was silent for so long; who had it and comes back then finds it taken, and says no more
 * in its name. */
static void test_a_name_is_taken_over(void **state)
{
    (void)state;
    struct client a, other;
    open_instance(&a, "here", 100 * NS_PER_MS);
    ask_turn(&a, 7, false);
    usleep(200000);
    open_instance(&other, "there", 0);
    assert_int_equal(other.ready, 1);
    store_say_alive(a.store, 9);
    client_run(&a);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.error.message, "another sensor of this name"));
    assert_int_equal(ask_turn(&other, 8, false).before, 7);
    client_close(&other);
    client_close(&a);
}

/* --- the lease -------------------------------------------------------------------------------- */

static void test_the_dead_write_nothing(void **state)
{
    (void)state;
    struct client a, b;
    open_with(&a, "a", 0, 0, SHORT_NS);
    open_with(&b, "b", 0, 0, 0);
    ask_turn(&b, 7, false);
    assert_true(ask_turn(&a, 7, true).granted);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "a7"), STORE_PUT);
    usleep(BEHIND_US); /* its lease is over */
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "late"), STORE_PUT_LOST);
    assert_true(ask_turn(&b, 7, true).granted);
    store_keep_lease(a.store);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "late"), STORE_PUT_LOST);
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "late"), STORE_PUT_LOST);
    assert_string_equal(gather(&b, STORE_NO_HOUR, STORE_NO_HOUR, 0).text, "a7");
    assert_int_equal(read_fleet(&b).closed, STORE_NO_HOUR);
    client_close(&a);
    client_close(&b);
}

/* Of the same name: the run before it is over. */
static void test_a_restart_takes_its_own_lease(void **state)
{
    (void)state;
    struct client a, again;
    must_open(&a, "a", NULL);
    assert_true(ask_turn(&a, 7, true).granted);
    must_open(&again, "a", NULL);
    assert_true(ask_turn(&again, 7, true).granted);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "old"), STORE_PUT_LOST);
    assert_int_equal(put_learned(&again, STORE_NO_HOUR, 7, "new"), STORE_PUT);
    client_close(&a);
    client_close(&again);
}

/* … but not the lease of one whose name begins like its own. */
static void test_a_name_within_a_name(void **state)
{
    (void)state;
    struct client longer, a;
    must_open(&longer, "a 2", NULL);
    ask_turn(&longer, 7, false);
    must_open(&a, "a", NULL);
    ask_turn(&a, 7, false);
    assert_true(ask_turn(&longer, 7, true).granted);
    assert_false(ask_turn(&a, 7, true).granted);
    assert_int_equal(put_learned(&longer, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    client_close(&longer);
    client_close(&a);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_alone),
        T(test_the_oldest_hour_first),
        T(test_waits_for_others),
        T(test_the_silent_and_the_slow),
        T(test_words_that_no_sensor_said),
        T(test_two_of_one_name),
        T(test_the_dead_write_nothing),
        T(test_a_restart_takes_its_own_lease),
        T(test_clocks_are_compared),
        T(test_what_is_no_hour),
        T(test_a_clock_that_is_ahead),
        T(test_a_name_within_a_name),
        T(test_a_name_is_claimed),
        T(test_a_name_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
