/* Open totals against a real redis-server: the fleet's sum, whatever is retried, late or not ours.
 */
#include "store_server.h"

#include "weir/baseline/store_close.h"

static const struct pair_total *pair_of(const struct host_total *total, const char *name)
{
    struct destination destination = domain(name);
    char key[DESTINATION_KEY_SIZE];
    destination_key(&destination, key);
    return map_get(&total->pairs, key, strlen(key));
}

static void expect_pair(const struct host_total *total, const char *name, uint64_t value,
                        uint64_t in, uint32_t flows)
{
    const struct pair_total *pair = pair_of(total, name);
    assert_non_null(pair);
    assert_string_equal(pair->destination.name, name);
    assert_int_equal(pair->out.value, value);
    assert_int_equal(pair->in_bytes, in);
    assert_int_equal(pair->flows, flows);
}

static void test_put_and_sum(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_null(sum(&a, "10.0.0.1", 7));
    struct host_total *total = total_of("10.0.0.1", 7);
    add(total, "example.jp", 1000, 30, 2);
    add(total, "example.com", 5, 6, 7);
    store_put_open(a.store, total);
    assert_false(pair_of(total, "example.jp")->changed);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    assert_int_equal(back->pairs.count, 2);
    expect_pair(back, "example.jp", 1000, 30, 2);
    expect_pair(back, "example.com", 5, 6, 7);
    assert_int_equal(pair_of(back, "example.jp")->out.low, 500);
    assert_int_equal(pair_of(back, "example.jp")->out.high, 1001);
    assert_int_equal(back->out.value, 1005);
    assert_int_equal(back->in_bytes, 36);
    host_total_free(back);
    assert_null(sum(&a, "10.0.0.1", 8)); /* another hour, another host */
    assert_null(sum(&a, "10.0.0.2", 7));
    store_put_open(a.store, total); /* nothing changed: nothing is sent */
    assert_int_equal(store_pending(a.store), 0);
    host_total_free(total);
    client_close(&a);
    redisReply *reply = ask("TTL " CASE_PREFIX ":{10.0.0.1}:open:7");
    assert_in_range(reply->integer, 604700, 604800);
    freeReplyObject(reply);
}

/* A retry changes nothing, and neither does an older total that comes late. */
static void test_retries(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    for (int i = 0; i < 3; i++)
        put_word(&a, 1000, 30, 2);
    put_word(&a, 900, 31, 1);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    expect_pair(back, "example.jp", 1000, 31, 2);
    host_total_free(back);
    put_word(&a, 99999, 31, 2); /* more digits, smaller first digit than 9 */
    put_word(&a, 100000, 31, 2);
    put_word(&a, 99999, 31, 2);
    back = sum(&a, "10.0.0.1", 7);
    expect_pair(back, "example.jp", 100000, 31, 2);
    host_total_free(back);
    client_close(&a);
}

static void put_inside(struct client *client, uint64_t inside)
{
    struct host_total *total = total_of("10.0.0.1", 7);
    total->inside_bytes = inside;
    total->inside_changed = true;
    store_put_open(client->store, total);
    assert_false(total->inside_changed);
    host_total_free(total);
    settle(client);
}

/* One number a host: the largest of a sensor and vantage, summed over vantages, with or without
 * destinations. Totals of sensors that do not know it are read as ever. */
static void test_inside(void **state)
{
    (void)state;
    struct client a, b, c;
    must_open(&a, "a", "core");
    must_open(&b, "b", "core");
    must_open(&c, "c", "branch");
    put_word(&a, 1000, 30, 9);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    assert_int_equal(back->inside_bytes, 0);
    host_total_free(back);
    put_inside(&a, 5000);
    put_inside(&a, 999); /* late */
    put_inside(&b, 6000);
    put_inside(&c, 70);
    back = sum(&b, "10.0.0.1", 7);
    assert_int_equal(back->inside_bytes, 6070);
    assert_int_equal(back->pairs.count, 1);
    expect_pair(back, "example.jp", 1000, 30, 9);
    host_total_free(back);
    order("DEL " CASE_PREFIX ":{10.0.0.1}:open:7");
    put_inside(&c, 70);
    back = sum(&a, "10.0.0.1", 7);
    assert_int_equal(back->inside_bytes, 70);
    assert_int_equal(back->pairs.count, 0);
    host_total_free(back);
    client_close(&a);
    client_close(&b);
    client_close(&c);
}

/* Beyond what a double holds. */
static void test_exact(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_word(&a, (UINT64_C(1) << 62) + 1, 1, UINT32_MAX);
    put_word(&a, (UINT64_C(1) << 62) + 3, 0, 1);
    put_word(&a, (UINT64_C(1) << 62) + 2, 0, 1);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    expect_pair(back, "example.jp", (UINT64_C(1) << 62) + 3, 1, UINT32_MAX);
    host_total_free(back);
    client_close(&a);
}

static void test_vantages(void **state)
{
    (void)state;
    struct client a, b, c;
    must_open(&a, "a", "core"); /* a and b see the same traffic, c another part of it */
    must_open(&b, "b", "core");
    must_open(&c, "c", "branch");
    put_word(&a, 1000, 30, 9);
    settle(&a);
    put_word(&b, 1500, 20, 3);
    struct host_total *back = sum(&b, "10.0.0.1", 7);
    expect_pair(back, "example.jp", 1500, 30, 9); /* the larger of each */
    host_total_free(back);
    put_word(&c, 400, 5, 1);
    back = sum(&c, "10.0.0.1", 7);
    expect_pair(back, "example.jp", 1900, 35, 10);
    assert_int_equal(back->out.value, 1900);
    host_total_free(back);
    client_close(&a);
    client_close(&b);
    client_close(&c);
}

static void test_without_vantage(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", NULL);
    must_open(&b, "b", "");
    put_word(&a, 1000, 30, 9);
    settle(&a);
    put_word(&b, 1500, 20, 3);
    struct host_total *back = sum(&b, "10.0.0.1", 7);
    expect_pair(back, "example.jp", 2500, 50, 12);
    host_total_free(back);
    client_close(&a);
    client_close(&b);
}

static void test_many_pairs(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    struct host_total *total = total_of("10.0.0.1", 7);
    for (uint32_t i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%u.example", i);
        add(total, name, i, 1, 1);
    }
    store_put_open(a.store, total);
    host_total_free(total);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    assert_int_equal(back->pairs.count, 1000);
    expect_pair(back, "d999.example", 999, 1, 1);
    assert_int_equal(back->out.value, 999 * 1000 / 2);
    host_total_free(back);
    client_close(&a);
}

/* What another program put there is not counted. */
static void test_odd_totals(void **state)
{
    (void)state;
    static const char *const field[] = {"nonsense",
                                        "v|s",
                                        "v|s|nonsense",
                                        "v|s|client|domain|x.jp",
                                        "v|s|client|domain|y.jp",
                                        "v|s|client|domain|z.jp",
                                        "v|s|client|domain|w.jp"};
    static const char *const value[] = {"1 2 3 4 5 0",        "1 2 3 4 5 0",
                                        "1 2 3 4 5 0",        "1 2 3 4 5",
                                        "1 2 3 4 5 0 ",       "99999999999999999999 2 3 4 5 0",
                                        "1 2 3 4 5 0;7:1;7:2"};
    struct client a;
    must_open(&a, "a", NULL);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", field[i], value[i]));
    assert_null(sum(&a, "10.0.0.1", 7));
    put_word(&a, 1000, 30, 9);
    struct host_total *back = sum(&a, "10.0.0.1", 7);
    assert_int_equal(back->pairs.count, 1);
    expect_pair(back, "example.jp", 1000, 30, 9);
    host_total_free(back);
    assert_int_equal(a.failed, 0);
    client_close(&a);
}

static struct elsewhere heard;
static char heard_who[256], heard_share[256];

static void on_heard(void *context, const struct store_elsewhere *elsewhere)
{
    struct client *client = context;
    heard = elsewhere->all;
    snprintf(heard_who, sizeof heard_who, "%s", elsewhere->seen_by);
    *heard_share = '\0';
    if (elsewhere->count == 1)
        snprintf(heard_share, sizeof heard_share, "%s", elsewhere->share[0].seen_by);
    client->answers++;
}

/* Names that no sensor has, of what is written and of something else. */
static void put_odd_names(void)
{
    static const char *const of[] = {"client|domain|example.jp", "client|domain|x.jp"};
    char field[600];
    for (size_t i = 0; i < 2; i++) {
        freeReplyObject(
            ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 v||%s %s", of[i], "70 2 3 4 5 0"));
        freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %b|s|%s %s", "v\0v", (size_t)3,
                            of[i], "70 2 3 4 5 0"));
        freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 v|%b|%s %s", "s\0s", (size_t)3,
                            of[i], "70 2 3 4 5 0"));
        for (int sensor = 0; sensor < 2; sensor++) {
            snprintf(field, sizeof field, sensor ? "v|%0400d|%s" : "%0400d|s|%s", 7, of[i]);
            freeReplyObject(
                ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", field, "70 2 3 4 5 0"));
        }
    }
}

/* … nor does it make an answer of what others see that no sensor understands. */
static void test_odd_elsewhere(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", "core");
    must_open(&b, "b", "core");
    store_say_alive(b.store, STORE_NO_HOUR);
    settle(&b);
    store_ask_turn(a.store, 7, false, NULL, NULL);
    settle(&a);
    store_hear_elsewhere(a.store, on_heard, &a);
    put_word(&b, 500, 30, 9);
    settle(&b);
    freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", "v|s|client|domain|x.jp",
                        "99999999999999999999999999999 2 3 4 5 0"));
    freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", "v|s|client|domain|y.jp",
                        "9007199254740991 2 3 4 5 0"));
    freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", "v|s|client|domain|z.jp",
                        "9007199254740991 2 3 4 5 0"));
    put_odd_names();
    put_word(&a, 1000, 30, 9);
    settle(&a);
    assert_int_equal(a.failed, 0);
    assert_int_equal(a.answers, 1);
    assert_int_equal(heard.alike, 500);
    assert_int_equal(heard.across, UINT64_C(9007199254740991));
    assert_string_equal(heard_who, "2|9007199254740991|9007199254740991|v|s|500|core|b|");
    assert_string_equal(heard_share, "1|500|500|core|b|"); /* of what was written now */
    client_close(&a);
    client_close(&b);
}

/* Who saw how much: the four that saw most by name, of equals by vantage and sensor; all as a sum.
 */
static void test_who_else(void **state)
{
    static const char *const others[][2] = {{"v|s1|", "10"}, {"u|s2|", "10"}, {"core|c|", "700"},
                                            {"v|s3|", "30"}, {"v|s4|", "20"}, {"v|s5|", "0"}};
    struct client a, b;
    char field[64], value[64];
    (void)state;
    must_open(&a, "a", "core");
    must_open(&b, "b", "core");
    store_say_alive(b.store, STORE_NO_HOUR);
    settle(&b);
    store_hear_elsewhere(a.store, on_heard, &a);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(field, sizeof field, "%sclient|domain|example.jp", others[i][0]);
        snprintf(value, sizeof value, "%s 1 1 1 1 1", others[i][1]);
        freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s", field, value));
    }
    store_ask_turn(a.store, 7, false, NULL, NULL);
    settle(&a);
    put_word(&a, 1000, 30, 9);
    settle(&a);
    assert_string_equal(heard_share, "5|770|700|core|c|30|v|s3|20|v|s4|10|u|s2|");
    assert_string_equal(heard_who, heard_share);
    client_close(&a);
    client_close(&b);
}

/* --- starts ----------------------------------------------------------------------------------- */

static void put_starts(struct client *client, const char *text)
{
    struct host_total *total = total_of("10.0.0.1", 7);
    struct starts starts = {0};
    add(total, "example.jp", 1000, 30, 2);
    struct destination d = domain("example.jp");
    assert_true(starts_parse(&starts, text, strlen(text)));
    totals_starts(total, totals_add(total, &d, (struct volume){0, 0, 0}, 0, 0), &starts);
    store_put_open(client->store, total);
    settle(client);
    starts_fini(&starts);
    host_total_free(total);
}

static void expect_starts(struct client *client, const char *expected)
{
    struct host_total *back = sum(client, "10.0.0.1", 7);
    struct buffer text = {0};
    starts_text(&pair_of(back, "example.jp")->starts, &text);
    buffer_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    assert_int_equal(back->starts, pair_of(back, "example.jp")->starts.count);
    buffer_fini(&text);
    host_total_free(back);
}

/* A retry, an older word that comes late, one that lacks what an earlier run had seen: the union,
 * and the larger of each. */
static void test_starts_are_a_union(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_starts(&a, "");
    expect_starts(&a, "");
    put_starts(&a, ";12:500");
    put_starts(&a, ";12:5000;75:4294967295");
    put_starts(&a, ";12:5000;75:4294967295");
    put_starts(&a, ";12:900;40:1");
    put_starts(&a, "");
    expect_starts(&a, ";12:5000;40:1;75:4294967295");
    client_close(&a);
}

static void test_starts_of_vantages(void **state)
{
    (void)state;
    struct client a, b, c;
    must_open(&a, "a", "core"); /* a and b see the same traffic, c another part of it */
    must_open(&b, "b", "core");
    must_open(&c, "c", "branch");
    put_starts(&a, ";10:100;30:5");
    put_starts(&b, ";10:90;20:7");
    put_starts(&c, ";10:1;3599:2");
    expect_starts(&a, ";10:101;20:7;30:5;3599:2");
    client_close(&a);
    client_close(&b);
    client_close(&c);
}

static void put_age(struct client *client, uint32_t seconds)
{
    struct host_total *total = total_of("10.0.0.1", 7);
    struct destination d = domain("example.jp");
    totals_lasts(totals_add(total, &d, (struct volume){1000, 500, 1001}, 30, 2), seconds);
    store_put_open(client->store, total);
    settle(client);
    host_total_free(total);
}

static void expect_age(struct client *client, uint32_t seconds)
{
    struct host_total *back = sum(client, "10.0.0.1", 7);
    assert_int_equal(pair_of(back, "example.jp")->longest_s, seconds);
    host_total_free(back);
}

/* The longest is the longest of all: it is no sum over vantages, whoever says it when. */
static void test_longest_of_all(void **state)
{
    (void)state;
    struct client a, b, c;
    must_open(&a, "a", "core"); /* a and b see the same traffic, c another part of it */
    must_open(&b, "b", "core");
    must_open(&c, "c", "branch");
    put_age(&a, 4000);
    put_age(&b, 5000);
    put_age(&b, 100);
    expect_age(&a, 5000);
    put_age(&c, 3000);
    expect_age(&b, 5000);
    put_age(&c, 7000);
    expect_age(&c, 7000);
    freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:open:7 %s %s",
                        "branch|d|client|domain|example.jp", "1 2 3 4 5 99999999999"));
    expect_age(&a, UINT32_MAX);
    client_close(&a);
    client_close(&b);
    client_close(&c);
}

/* The earliest of all, in the server as in memory. */
static void test_starts_are_bounded(void **state)
{
    (void)state;
    struct client a;
    struct buffer odd = {0}, even = {0}, expected = {0};
    must_open(&a, "a", NULL);
    for (unsigned i = 0; i < STARTS_MAX; i++) {
        buffer_text(&odd, ";%u:3", 2 * i + 1);
        buffer_text(&even, ";%u:2", 2 * i);
        buffer_text(&expected, ";%u:%u", i, 2 + i % 2);
    }
    buffer_u8(&odd, 0);
    buffer_u8(&even, 0);
    buffer_u8(&expected, 0);
    put_starts(&a, (const char *)odd.data);
    put_starts(&a, (const char *)even.data);
    expect_starts(&a, (const char *)expected.data);
    buffer_fini(&odd);
    buffer_fini(&even);
    buffer_fini(&expected);
    client_close(&a);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_put_and_sum),
        T(test_retries),
        T(test_exact),
        T(test_vantages),
        T(test_inside),
        T(test_without_vantage),
        T(test_many_pairs),
        T(test_odd_totals),
        T(test_odd_elsewhere),
        T(test_who_else),
        T(test_starts_are_a_union),
        T(test_starts_of_vantages),
        T(test_longest_of_all),
        T(test_starts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
