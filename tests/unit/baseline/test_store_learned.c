/* What is learned, as the store sees it: what a second closer finds, what people change meanwhile,
 * what is forgotten and what is held. */
#include "store_asks.h"

/* --- profiles --------------------------------------------------------------------------------- */

/* Until the hour is closed a second closer finds what the first one found. */
static void test_from_the_profile_before(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_word(&a, 100, 1, 1); /* hour 7 */
    assert_true(ask_turn(&a, 7, true).granted);
    struct said first = gather(&a, 7, STORE_NO_HOUR, 0);
    assert_int_equal(first.closed, STORE_NO_HOUR);
    assert_string_equal(first.text, "(none)");
    assert_int_equal(first.sum_bytes, 100);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    first = gather(&a, 7, STORE_NO_HOUR, 0);
    assert_int_equal(first.closed, STORE_NO_HOUR); /* as before it */
    assert_string_equal(first.text, "(none)");
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_string_equal(load(&a, "10.0.0.1").text, "seven"); /* readers see the newest */
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "tables"), STORE_PUT);

    struct ip ip = client_ip("10.0.0.1");
    store_clean_hour(a.store, &ip, 7, NULL, NULL);
    settle(&a);
    assert_int_equal(keys("*:open:*"), 0);
    assert_true(ask_turn(&a, 8, true).granted);
    struct said next = gather(&a, 8, STORE_NO_HOUR, 0);
    assert_int_equal(next.closed, 7);
    assert_string_equal(next.text, "seven");
    assert_true(gather(&a, 8, 7, 0).same);
    assert_false(gather(&a, 8, 6, 0).same);
    assert_int_equal(put_learned(&a, 7, 8, "eight"), STORE_PUT);
    next = gather(&a, 8, STORE_NO_HOUR, 0);
    assert_int_equal(next.closed, 7);
    assert_string_equal(next.text, "seven");
    assert_int_equal(put_learned(&a, 6, 8, "x"), STORE_PUT_CHANGED); /* from another past */
    store_clean_hour(a.store, &ip, 7, NULL, NULL); /* late: of hour 8 nothing goes */
    assert_string_equal(gather(&a, 8, STORE_NO_HOUR, 0).text, "seven");
    assert_int_equal(gather(&a, STORE_NO_HOUR, STORE_NO_HOUR, 0).closed, 8); /* as it is */
    client_close(&a);
}

/* Of two questions that belong together one is refused: that is said once, and nothing is handed
 * out, whichever it is. */
static void test_half_an_answer_is_none(void **state)
{
    (void)state;
    static const char *const odd[2] = {"SET " CASE_PREFIX ":{10.0.0.1}:profile x",
                                       "SET " CASE_PREFIX ":{10.0.0.1}:open:7 x"};
    struct client a;
    must_open(&a, "a", NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct said said = {.client = &a};
        struct ip ip = client_ip("10.0.0.1");
        order("FLUSHALL");
        order(odd[i]);
        store_gather(a.store, &ip, 7, STORE_NO_HOUR, 0, on_gathered, &said);
        client_run(&a);
        assert_int_equal(a.failed, 1);
        a.failed = 0;
        settle(&a);
        assert_false(said.called);
        assert_non_null(strstr(a.error.message, "WRONGTYPE"));
    }
    client_close(&a);
}

/* An operator changed it between gathering and putting: his word stands. */
static void test_an_edit_stands(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    order("HSET " CASE_PREFIX ":{10.0.0.1}:profile closed 6 blob six");
    assert_true(ask_turn(&a, 7, true).granted);
    assert_true(gather(&a, 7, 6, 0).same);
    order("HSET " CASE_PREFIX ":{10.0.0.1}:profile blob frozen edits 1");
    assert_int_equal(put_learned(&a, 6, 7, "seven"), STORE_PUT_CHANGED);
    struct said said = gather(&a, 7, 6, 0);
    assert_false(said.same);
    assert_int_equal(said.edits, 1);
    assert_string_equal(said.text, "frozen");
    client_close(&a);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void test_tables(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_string_equal(read_fleet(&a).text, "(none)");
    assert_true(ask_turn(&a, 7, true).granted);
    assert_int_equal(close_it(&a, 6, 7, "x"), STORE_PUT_CHANGED); /* nothing is closed yet */
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_int_equal(close_it(&a, 7, 8, "x"), STORE_PUT_LOST); /* the lease went with the hour */
    assert_true(ask_turn(&a, 8, true).granted);
    assert_int_equal(close_it(&a, 7, 8, ""), STORE_PUT); /* nobody was there */
    struct said fleet = read_fleet(&a);
    assert_int_equal(fleet.closed, 8);
    assert_string_equal(fleet.text, "seven");
    client_close(&a);
}

static void test_hosts_of_an_hour(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    static const char *const host[] = {"fd00::1", "10.0.0.9", "10.0.0.1"};
    for (size_t i = 0; i < 3; i++) {
        struct host_total *total = total_of(host[i], 7);
        add(total, "example.jp", 1, 1, 1);
        store_put_open(a.store, total);
        host_total_free(total);
    }
    settle(&a);
    order("SADD " CASE_PREFIX ":hour:7 elephants");
    struct said said = list_hour(&a, 7);
    assert_int_equal(said.count, 3);
    for (size_t i = 1; i < said.count; i++)
        assert_true(ip_compare(&said.host[i - 1], &said.host[i]) < 0);
    assert_int_equal(list_hour(&a, 6).count, 0);
    client_close(&a);
}

static void on_removed(void *context, bool removed)
{
    struct said *said = context;
    told_so(said);
    said->same = removed;
}

static bool remove_host(struct client *client, bool forget)
{
    struct said said = {.client = client};
    struct ip ip = client_ip("10.0.0.1");
    store_remove_host(client->store, &ip, forget, on_removed, &said);
    client_run(client);
    assert_true(said.called);
    return said.same;
}

/* Also out of the lists: an hour's close would make a profile of it again. */
static void test_a_host_is_removed(void **state)
{
    (void)state;
    struct client a;
    struct said said;
    must_open(&a, "a", NULL);
    for (int i = 0; i < 2; i++) {
        struct host_total *total = total_of(i ? "10.0.0.1" : "10.0.0.11", 7);
        add(total, "example.jp", 1, 1, 1);
        store_put_open(a.store, total);
        host_total_free(total);
    }
    settle(&a);
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 6, "six"));
    assert_true(remove_host(&a, false));
    said = list_hour(&a, 7);
    assert_int_equal(said.count, 1);
    assert_int_equal(said.host[0].byte[15], 11);
    said = gather(&a, 7, STORE_NO_HOUR, 0);
    assert_int_equal(said.closed, STORE_NO_HOUR);
    assert_int_equal(said.sum_bytes, 0);
    client_close(&a);
}

/* A hold that came between the question and the removal. */
static void test_a_held_host_is_not_removed(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_word(&a, 100, 1, 1);
    settle(&a);
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 6, "six"));
    order("SET " CASE_PREFIX ":{10.0.0.1}:hold case");
    assert_false(remove_host(&a, true));
    assert_int_equal(keys("*{10.0.0.1}*"), 3);
    order("DEL " CASE_PREFIX ":{10.0.0.1}:hold");
    assert_true(remove_host(&a, true));
    assert_int_equal(keys("*{10.0.0.1}*"), 0);
    assert_int_equal(keys(CASE_PREFIX ":forg*"), 0); /* no sensor has anything of it */
    client_close(&a);
}

static void on_forgotten(void *context, const struct store_forgotten *forgotten)
{
    struct said *said = context;
    told_so(said);
    said->edits = forgotten->number;
    said->count = forgotten->count;
    if (forgotten->count == 1)
        said->host[0] = forgotten->host[0];
}

static struct said read_forgotten(struct client *client)
{
    struct said said = {.client = client};
    store_read_forgotten(client->store, on_forgotten, &said);
    client_run(client);
    assert_true(said.called);
    return said;
}

/* Another sensor goes on saying what it has of the host: not before it has dropped it. */
static void test_a_forgotten_host_is_not_brought_back(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", NULL);
    must_open(&b, "b", NULL);
    assert_false(ask_turn(&a, 7, false).forgets);
    ask_turn(&b, 7, false);
    assert_true(remove_host(&a, true));
    put_word(&b, 100, 1, 1);
    settle(&b);
    assert_int_equal(keys("*{10.0.0.1}*"), 0);
    assert_true(ask_turn(&b, 7, true).granted);
    assert_int_equal(put_learned(&b, STORE_NO_HOUR, 7, "new"), STORE_PUT_CHANGED);
    assert_int_equal(keys("*{10.0.0.1}*"), 0);

    assert_true(ask_turn(&b, 7, false).forgets);
    struct said said = read_forgotten(&b);
    assert_int_equal(said.count, 1);
    assert_int_equal(said.host[0].byte[15], 1);
    store_took_forgotten(b.store, said.edits);
    settle(&b);
    assert_false(ask_turn(&b, 7, false).forgets);
    put_word(&b, 7, 1, 1);
    settle(&b);
    assert_int_equal(gather(&b, 7, STORE_NO_HOUR, 0).sum_bytes, 7);
    assert_int_equal(read_forgotten(&b).count, 0);
    assert_int_equal(keys(CASE_PREFIX ":forgotten"), 1); /* a has not yet */
    store_took_forgotten(a.store, read_forgotten(&a).edits);
    settle(&a);
    assert_int_equal(keys(CASE_PREFIX ":forgotten"), 0); /* nobody has to know of it any more */
    assert_false(ask_turn(&a, 7, false).forgets);

    assert_true(remove_host(&a, true));
    order("DEL " CASE_PREFIX ":forgotten"); /* as after 7 days: there is nothing left to take */
    assert_true(ask_turn(&a, 7, false).forgets);
    said = read_forgotten(&a);
    assert_int_equal(said.count, 0);
    store_took_forgotten(a.store, said.edits);
    assert_false(ask_turn(&a, 7, false).forgets);
    client_close(&a);
    client_close(&b);
}

static bool replace(struct client *client, const char *read, int64_t closed, const char *blob)
{
    struct said said = {.client = client};
    struct ip ip = client_ip("10.0.0.1");
    store_replace_profile(client->store, &ip, read, read ? strlen(read) : 0, closed, blob,
                          strlen(blob), on_replaced, &said);
    client_run(client);
    assert_true(said.called);
    return said.put == STORE_PUT;
}

/* A change by hand stands only on what was read, and what a closer kept does not undo it. */
static void test_a_change_by_hand(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_true(ask_turn(&a, 7, true).granted);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_false(replace(&a, "six", 6, "frozen at six"));
    assert_true(replace(&a, "seven", 7, "frozen"));
    assert_false(replace(&a, "seven", 7, "benign")); /* another one's word stands, too */
    struct said said = gather(&a, 7, STORE_NO_HOUR, 0);
    assert_int_equal(said.closed, 7);
    assert_int_equal(said.edits, 1);
    assert_string_equal(said.text, "frozen");
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven again"), STORE_PUT_CHANGED);
    assert_true(replace(&a, NULL, 3, "imported"));
    assert_int_equal(gather(&a, STORE_NO_HOUR, STORE_NO_HOUR, 0).closed, 3);
    order("SET " CASE_PREFIX ":{10.0.0.1}:hold case");
    assert_false(replace(&a, NULL, 4, "imported")); /* it would remove what is held */
    assert_true(replace(&a, "imported", 3, "frozen"));
    client_close(&a);
}

static void on_whole(void *context, bool won)
{
    struct said *said = context;
    told_so(said);
    said->put = won ? STORE_PUT : STORE_PUT_CHANGED;
}

static enum store_put put_fleet(struct client *client, const struct said *read, const char *blob)
{
    struct said said = {.client = client};
    struct store_fleet fleet = {.closed = read ? read->closed : 0, .edits = read ? read->edits : 0};
    store_put_fleet(client->store, read ? &fleet : NULL, blob, strlen(blob), on_whole, &said);
    client_run(client);
    assert_true(said.called);
    return said.put;
}

/* Tables that people changed are not written over by a closer that had read them before, nor does
 * who changes them undo an hour. */
static void test_tables_changed_by_hand(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_true(ask_turn(&a, 7, true).granted);
    struct said before = read_fleet(&a);
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_int_equal(put_fleet(&a, &before, "without somebody"), STORE_PUT_CHANGED);
    assert_string_equal(read_fleet(&a).text, "seven");
    struct store_turn turn = ask_turn(&a, 8, true);
    assert_true(turn.granted);
    assert_int_equal(turn.edits, 0);
    before = read_fleet(&a);
    assert_int_equal(put_fleet(&a, &before, "without somebody"), STORE_PUT);
    assert_int_equal(close_it(&a, 7, 8, "with everybody"), STORE_PUT_CHANGED);
    struct said now = read_fleet(&a);
    assert_string_equal(now.text, "without somebody");
    assert_int_equal(now.closed, 7);
    assert_int_equal(ask_turn(&a, 8, true).edits, 1);
    a.edits = now.edits;
    assert_int_equal(close_it(&a, 7, 8, "eight"), STORE_PUT);
    assert_int_equal(put_fleet(&a, NULL, "imported"), STORE_PUT); /* whatever is there */
    assert_string_equal(read_fleet(&a).text, "imported");
    client_close(&a);
}

/* Taken away and imported again, with the same hour: it is not what a sensor holds of before. */
static void test_a_change_is_never_an_earlier_one(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_true(replace(&a, NULL, 7, "seven"));
    assert_true(replace(&a, "seven", 7, "frozen"));
    struct said held = gather(&a, 8, STORE_NO_HOUR, 0);
    assert_true(gather(&a, 8, held.closed, held.edits).same);
    assert_true(remove_host(&a, false));
    assert_string_equal(load(&a, "10.0.0.1").text, "(none)");
    assert_false(gather(&a, 8, held.closed, held.edits).same);
    assert_true(replace(&a, NULL, 7, "imported"));
    assert_true(replace(&a, "imported", 7, "benign"));
    struct said now = gather(&a, 8, held.closed, held.edits);
    assert_false(now.same);
    assert_string_equal(now.text, "benign");
    client_close(&a);
}

static long long profile_lives(void)
{
    redisReply *reply = ask("TTL " CASE_PREFIX ":{10.0.0.1}:profile");
    long long seconds = reply->integer;
    freeReplyObject(reply);
    return seconds;
}

/* Nor does what is held expire, whoever writes it meanwhile. */
static void test_what_is_held_does_not_expire(void **state)
{
    (void)state;
    struct client a;
    struct ip ip = client_ip("10.0.0.1");
    must_open(&a, "a", NULL);
    assert_true(replace(&a, NULL, 6, "six"));
    assert_true(profile_lives() > 0);
    store_put_hold(a.store, &ip, "case");
    settle(&a);
    assert_int_equal(profile_lives(), -1);
    assert_true(replace(&a, "six", 6, "frozen"));
    assert_int_equal(profile_lives(), -1);
    a.put_edits = 2;
    assert_true(ask_turn(&a, 7, true).granted);
    assert_int_equal(put_learned(&a, 6, 7, "seven"), STORE_PUT);
    assert_int_equal(profile_lives(), -1);
    store_put_hold(a.store, &ip, NULL);
    settle(&a);
    assert_in_range(profile_lives(), 399 * 86400, 400 * 86400);
    client_close(&a);
}

/* Hours that no clock shows: sums with them would overflow. The connection is given up. */
static void test_hours_that_no_clock_shows(void **state)
{
    static const char *const hour[] = {"9223372036854775807", "-9223372036854775807",
                                       "99999999999999999999", "7x", "2500000"};
    (void)state;
    for (size_t i = 0; i < sizeof hour / sizeof *hour; i++) {
        struct client a;
        struct said said = {.client = &a};
        struct ip ip = client_ip("10.0.0.1");
        must_open(&a, "a", NULL);
        freeReplyObject(ask("HSET " CASE_PREFIX ":fleet closed %s", hour[i]));
        freeReplyObject(ask("HSET " CASE_PREFIX ":{10.0.0.1}:profile closed %s blob x", hour[i]));
        store_gather(a.store, &ip, 8, STORE_NO_HOUR, 0, on_gathered, &said);
        client_run(&a);
        assert_false(said.called);
        client_close(&a);
        must_open(&a, "a", NULL);
        store_ask_turn(a.store, 7, false, on_turn, &said);
        client_run(&a);
        assert_false(said.called);
        assert_non_null(strstr(a.error.message, "makes no sense"));
        client_close(&a);
    }
}

/* What is kept, and for how long. */
static void test_times_to_live(void **state)
{
    (void)state;
    struct client a;
    struct store_config config = config_of("a", NULL);
    config.retention_s = 1000;
    a = (struct client){.ready = 0};
    client_open(&a, &config);
    put_word(&a, 100, 1, 1);
    ask_turn(&a, 7, true);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    static const struct {
        const char *key;
        long long least, most;
    } expected[] = {{":{10.0.0.1}:profile", 990, 1000},
                    {":{10.0.0.1}:open:7", 604790, 604800},
                    {":hour:7", 604790, 604800},
                    {":sensors", 2591990, 2592000},
                    {":closer", 5, 15},
                    {":schema", -1, -1}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        redisReply *reply = ask("TTL %s%s", CASE_PREFIX, expected[i].key);
        assert_in_range(reply->integer + 10, expected[i].least + 10, expected[i].most + 10);
        freeReplyObject(reply);
    }
    assert_int_equal(close_it(&a, STORE_NO_HOUR, 7, "tables"), STORE_PUT);
    redisReply *reply = ask("TTL " CASE_PREFIX ":hour:7");
    assert_in_range(reply->integer, 6 * 3600 - 10, 6 * 3600);
    freeReplyObject(reply);
    client_close(&a);
}

/* What is put by others than closers: of an hour that is being closed nothing stays. */
static void test_an_import_stands(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_true(ask_turn(&a, 7, true).granted);
    assert_int_equal(put_learned(&a, STORE_NO_HOUR, 7, "seven"), STORE_PUT);
    assert_true(put_profile(&a, "10.0.0.1", 7, 7, "imported"));
    struct said said = gather(&a, 7, STORE_NO_HOUR, 0);
    assert_int_equal(said.closed, 7); /* through: it is not learned again */
    assert_int_equal(said.edits, 1);
    assert_string_equal(said.text, "imported");
    client_close(&a);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_from_the_profile_before),
        T(test_half_an_answer_is_none),
        T(test_an_edit_stands),
        T(test_an_import_stands),
        T(test_tables),
        T(test_hosts_of_an_hour),
        T(test_a_host_is_removed),
        T(test_a_held_host_is_not_removed),
        T(test_a_forgotten_host_is_not_brought_back),
        T(test_a_change_is_never_an_earlier_one),
        T(test_what_is_held_does_not_expire),
        T(test_hours_that_no_clock_shows),
        T(test_a_change_by_hand),
        T(test_tables_changed_by_hand),
        T(test_times_to_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
