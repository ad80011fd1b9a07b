/* Who of several sensors tells: the first who asks, until it dies; what was told stays told.
 * Skipped (77) where redis-server is not installed. */
#include "store_pair.h"

#include "weir/baseline/store_close.h"

#define CLAIM_KEY CASE_PREFIX ":{10.0.0.1}:claim:20000:0:0000000000000007"
#define TOLD_KEY  CASE_PREFIX ":{10.0.0.1}:told:20000:0:0000000000000007"

struct word {
    int claimed; /* -1: none came */
    double e;
};

static void on_answer(void *context, const struct store_claim *claim, enum store_claimed claimed)
{
    struct word *word = context;
    word->claimed = (int)claimed;
    word->e = claim->e;
}

static struct word say(struct client *client, double e, bool told)
{
    struct word word = {.claimed = -1};
    struct store_claim claim = {
        .host = client_ip("10.0.0.1"), .day = 20000, .destination = 7, .e = e, .told = told};
    store_claim(client->store, &claim, told ? NS_PER_HOUR : NS_PER_MIN, on_answer, &word);
    settle(client);
    return word;
}

static int asks(struct client *client, double e)
{
    return say(client, e, false).claimed;
}

static long long lives_ms(const char *key)
{
    redisReply *reply = ask("EVAL %s 1 %s", "return redis.call('PTTL', KEYS[1])", key);
    long long ms = reply->integer;
    freeReplyObject(reply);
    return ms;
}

static void let_run_out(const char *key)
{
    freeReplyObject(ask("DEL %s", key));
}

static void test_the_first_tells(void **state)
{
    (void)state;
    open_both();
    assert_int_equal(asks(&a, 10), STORE_CLAIM_MINE);
    assert_int_equal(asks(&b, 12.9), STORE_CLAIM_OTHERS);
    assert_int_equal(asks(&a, 11), STORE_CLAIM_MINE); /* its own, renewed */
    assert_int_equal(asks(&b, 14), STORE_CLAIM_OTHERS);
    assert_int_equal(asks(&b, 14.4), STORE_CLAIM_MINE); /* 1.3 times as much */
    assert_int_equal(asks(&a, 15), STORE_CLAIM_OTHERS);
    let_run_out(CLAIM_KEY);
    assert_int_equal(asks(&a, 15), STORE_CLAIM_MINE);
    close_both();
}

static void test_what_was_told_stays_told(void **state)
{
    (void)state;
    open_both();
    assert_int_equal(asks(&a, 10), STORE_CLAIM_MINE);
    say(&a, 10, true);
    assert_int_equal(keys(CLAIM_KEY), 0);
    struct word word = say(&b, 11, false);
    assert_int_equal(word.claimed, STORE_CLAIM_TOLD);
    assert_true(word.e == 10); /* below 13 it need not ask again */
    /* It asks for more, and dies before it tells that: what it told is still told. */
    assert_int_equal(asks(&a, 20), STORE_CLAIM_MINE);
    assert_true(lives_ms(TOLD_KEY) > 2 * 60 * 1000);
    assert_true(lives_ms(CLAIM_KEY) <= 60 * 1000);
    assert_int_equal(asks(&b, 12), STORE_CLAIM_TOLD);
    assert_int_equal(asks(&b, 14), STORE_CLAIM_OTHERS);
    let_run_out(CLAIM_KEY);
    assert_int_equal(asks(&b, 12), STORE_CLAIM_TOLD);
    assert_int_equal(asks(&b, 14), STORE_CLAIM_MINE);
    close_both();
}

/* Who did not know of each other told both: who knew most counts, whoever comes last. */
static void test_told_twice(void **state)
{
    (void)state;
    open_both();
    say(&a, 30, true);
    say(&b, 10, true);
    assert_int_equal(asks(&b, 38), STORE_CLAIM_TOLD);
    assert_int_equal(asks(&b, 40), STORE_CLAIM_MINE);
    say(&b, 40, true);
    assert_int_equal(asks(&a, 50), STORE_CLAIM_TOLD);
    close_both();
}

static void test_what_is_no_claim_is_nobodys(void **state)
{
    (void)state;
    open_both();
    freeReplyObject(ask("SET %s %s", CLAIM_KEY, "rubbish"));
    freeReplyObject(ask("SET %s %s", TOLD_KEY, "a lot b"));
    assert_int_equal(asks(&a, 10), STORE_CLAIM_MINE);
    freeReplyObject(ask("SET %s %s", TOLD_KEY, "inf b"));
    let_run_out(CLAIM_KEY);
    struct word word = say(&a, 10, false);
    assert_true(word.claimed >= 0 && word.e == 10);
    close_both();
}

static void test_forgotten_with_its_host(void **state)
{
    (void)state;
    struct ip host = client_ip("10.0.0.1");
    bool removed = false;
    open_both();
    say(&a, 10, true);
    asks(&a, 20);
    assert_int_equal(keys(CASE_PREFIX ":{10.0.0.1}:*"), 2);
    store_remove_host(a.store, &host, true, on_removed, &removed);
    settle(&a);
    assert_true(removed);
    assert_int_equal(keys(CASE_PREFIX ":{10.0.0.1}:*"), 0);
    close_both();
}

static uint64_t forgets;

static void on_forgotten(void *context, const struct store_forgotten *told)
{
    (void)context;
    forgets = told->number;
}

/* Until this sensor has dropped it, too: what it says of it is from before. */
static void test_forgotten_stays_so(void **state)
{
    (void)state;
    struct ip host = client_ip("10.0.0.1");
    bool removed = false;
    open_both();
    store_say_alive(b.store, 1);
    settle(&b);
    store_remove_host(a.store, &host, true, on_removed, &removed);
    settle(&a);
    assert_int_equal(asks(&b, 10), STORE_CLAIM_OTHERS);
    say(&b, 10, true);
    assert_int_equal(keys(CASE_PREFIX ":{10.0.0.1}:*"), 0);
    store_read_forgotten(b.store, on_forgotten, NULL);
    settle(&b);
    store_took_forgotten(b.store, forgets);
    settle(&b);
    assert_int_equal(asks(&b, 10), STORE_CLAIM_MINE);
    close_both();
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_first_tells),
        T(test_what_was_told_stays_told),
        T(test_told_twice),
        T(test_what_is_no_claim_is_nobodys),
        T(test_forgotten_with_its_host),
        T(test_forgotten_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
