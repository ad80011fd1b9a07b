/* The store against a real redis-server: what comes back is what was put, a profile has one owner,
 * answers come in order, walks see everything of theirs and nothing else. */
#include "store_server.h"

/* --- profiles and fleet ----------------------------------------------------------------------- */

static void test_blobs(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    assert_string_equal(load(&a, "10.0.0.1").text, "(none)");
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 490000, "first"));
    assert_string_equal(load(&a, "10.0.0.1").text, "first");
    assert_string_equal(load(&a, "10.0.0.2").text, "(none)");
    assert_true(put_profile(&a, "fd00::7", INT64_MIN, -5, ""));
    assert_int_equal(load(&a, "fd00::7").size, 0);
    assert_string_not_equal(load(&a, "fd00::7").text, "(none)"); /* empty is not absent */

    struct answer fleet = {.client = &a};
    store_load_fleet(a.store, on_blob, &fleet);
    client_run(&a);
    assert_string_equal(fleet.text, "(none)");
    store_put_fleet(a.store, NULL, "a\0b\r\n", 5, NULL, NULL);
    fleet = (struct answer){.client = &a};
    store_load_fleet(a.store, on_blob, &fleet);
    client_run(&a);
    assert_int_equal(fleet.size, 5);
    assert_memory_equal(fleet.text, "a\0b\r\n", 5);
    assert_int_equal(a.failed, 0);
    assert_int_equal(store_pending(a.store), 0);
    client_close(&a);
    redisReply *reply = ask("GET " CASE_PREFIX ":schema");
    assert_string_equal(reply->str, "2");
    freeReplyObject(reply);
}

static void test_one_owner(void **state)
{
    (void)state;
    struct client a, b;
    must_open(&a, "a", NULL);
    must_open(&b, "b", NULL);
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 100, "a100"));
    assert_false(put_profile(&b, "10.0.0.1", INT64_MIN, 100, "b100")); /* b was late */
    assert_string_equal(load(&b, "10.0.0.1").text, "a100");
    assert_true(put_profile(&b, "10.0.0.1", 100, 101, "b101"));
    assert_false(put_profile(&a, "10.0.0.1", 100, 101, "a101"));
    assert_false(put_profile(&a, "10.0.0.1", 99, 102, "a102"));
    assert_string_equal(load(&a, "10.0.0.1").text, "b101");
    store_put_profile(a.store, &(struct ip){{1}}, 7, 8, "x", 1, NULL, NULL); /* nobody asks */
    assert_false(put_profile(&a, "100::", INT64_MIN + 1, 102, "x"));
    client_close(&a);
    client_close(&b);
}

/* --- order and ends --------------------------------------------------------------------------- */

struct sequence {
    struct client *client;
    char letters[8];
    struct answer answer;
};

static void letter(struct sequence *sequence, char letter)
{
    size_t at = strlen(sequence->letters);
    sequence->letters[at] = letter;
    if (at + 1 == 4)
        sequence->client->loop.ops->stop(sequence->client->loop.loop);
}

static void seq_load(void *context, const struct ip *host, const void *blob, size_t size)
{
    (void)host;
    (void)blob;
    (void)size;
    letter(context, 'L');
}

static void seq_sum(void *context, const struct ip *host, int64_t hour, struct host_total *total)
{
    (void)host;
    (void)hour;
    assert_non_null(total); /* put just before: it must be seen */
    host_total_free(total);
    letter(context, 'S');
}

static void seq_won(void *context, const struct ip *host, bool won)
{
    (void)host;
    assert_true(won);
    letter(context, 'W');
}

static void seq_fleet(void *context, const void *blob, size_t size)
{
    (void)blob;
    (void)size;
    letter(context, 'F');
}

static uint64_t answers_of(const struct store *store)
{
    uint64_t answers = 0;
    for (size_t i = 0; i <= STORE_WAITS; i++)
        answers += store_waits_of(store)->answers[i];
    return answers;
}

static void test_answers_in_order(void **state)
{
    (void)state;
    struct client a;
    struct ip host = client_ip("10.0.0.1");
    must_open(&a, "a", NULL);
    struct sequence sequence = {.client = &a};
    uint64_t before = answers_of(a.store), sum_ns = store_waits_of(a.store)->sum_ns;
    store_load_profile(a.store, &host, seq_load, &sequence);
    put_word(&a, 1, 1, 1);
    store_sum_open(a.store, &host, 7, seq_sum, &sequence);
    store_put_profile(a.store, &host, INT64_MIN, 7, "x", 1, seq_won, &sequence);
    store_load_fleet(a.store, seq_fleet, &sequence);
    assert_int_equal(store_pending(a.store), 5);
    assert_string_equal(sequence.letters, ""); /* never from within the call */
    client_run(&a);
    assert_string_equal(sequence.letters, "LSWF");
    assert_int_equal(answers_of(a.store), before + 5);
    assert_true(store_waits_of(a.store)->sum_ns > sum_ns);
    client_close(&a);
}

static void free_store(void *context, const void *blob, size_t size)
{
    struct client *client = context;
    (void)blob;
    (void)size;
    client->answers++;
    store_free(client->store);
    client->store = NULL;
    client->loop.ops->stop(client->loop.loop);
}

static void test_free_inside_a_callback(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    for (int i = 0; i < 5; i++)
        store_load_fleet(a.store, free_store, &a); /* the first answer ends it */
    client_run(&a);
    assert_int_equal(a.answers, 1);
    for (int i = 0; i < 5; i++)
        poll_loop_turn(a.loop.loop);
    assert_int_equal(a.answers, 1);
    assert_int_equal(a.failed, 0);
    client_close(&a);
}

static void test_free_with_answers_pending(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    put_word(&a, 1, 1, 1);
    store_load_fleet(a.store, free_store, &a);
    store_each_profile(a.store, seq_load, NULL);
    client_close(&a);
    assert_int_equal(a.answers, 0);
}

/* --- walking ---------------------------------------------------------------------------------- */

struct walked {
    struct client *client;
    struct ip last;
    size_t count;
    bool ended, free_at_once;
    void (*next)(struct walked *walked);
};

static void on_each(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct walked *walked = context;
    char text[IP_TEXT_SIZE];
    assert_false(walked->ended);
    if (!host) {
        walked->ended = true;
        walked->client->loop.ops->stop(walked->client->loop.loop);
        return;
    }
    if (walked->count > 0)
        assert_true(ip_compare(&walked->last, host) < 0);
    walked->last = *host;
    walked->count++;
    ip_text(host, text);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(blob, text, size);
    if (walked->free_at_once) {
        store_free(walked->client->store);
        walked->client->store = NULL;
        walked->client->loop.ops->stop(walked->client->loop.loop);
    }
}

static void put_many(struct client *client, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[IP_TEXT_SIZE];
        uint8_t v4[4] = {10, (uint8_t)(i * 37), (uint8_t)(i >> 8), (uint8_t)i};
        struct ip ip = ip_from_v4(v4);
        if (i % 3 == 0)
            ip.byte[0] = 0xfd;
        ip_text(&ip, text);
        store_put_profile(client->store, &ip, INT64_MIN, 1, text, strlen(text), NULL, NULL);
    }
}

static struct walked walk(struct client *client, bool free_at_once)
{
    struct walked walked = {.client = client, .free_at_once = free_at_once};
    store_each_profile(client->store, on_each, &walked);
    client_run(client);
    return walked;
}

static void test_each_profile(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    struct walked walked = walk(&a, false);
    assert_true(walked.ended);
    assert_int_equal(walked.count, 0);
    put_many(&a, 3000);
    put_word(&a, 1, 1, 1);
    order("HSET weir-tes:{10.9.9.9}:profile closed 1 blob x"); /* other prefixes, other keys */
    order("HSET " CASE_PREFIX "2:{10.9.9.8}:profile closed 1 blob x");
    order("HSET " CASE_PREFIX ":{nonsense}:profile closed 1 blob x");
    walked = walk(&a, false);
    assert_true(walked.ended);
    assert_int_equal(walked.count, 3000);
    walked = walk(&a, true);
    assert_false(walked.ended);
    assert_int_equal(walked.count, 1);
    client_close(&a);
}

static void on_cleared(void *context)
{
    struct answer *answer = context;
    told(answer);
}

static void test_clear(void **state)
{
    (void)state;
    struct client a, live;
    struct store_config config = config_of("live", NULL);
    config.prefix = "weir";
    live = (struct client){.ready = 0};
    client_open(&live, &config);
    must_open(&a, "a", NULL);
    put_many(&a, 2500);
    put_many(&live, 10);
    settle(&live);
    struct answer answer = {.client = &a};
    store_clear(a.store, on_cleared, &answer);
    client_run(&a);
    assert_true(answer.called);
    assert_int_equal(keys(CASE_PREFIX ":*"), 0);
    assert_int_equal(keys("weir:*"), 11);
    answer = (struct answer){.client = &live};
    store_clear(live.store, on_cleared, &answer); /* refused, whoever asks */
    client_run(&live);
    assert_true(answer.called);
    assert_int_equal(keys("weir:*"), 11);
    client_close(&a);
    client_close(&live);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_blobs),
        T(test_one_owner),
        T(test_answers_in_order),
        T(test_free_inside_a_callback),
        T(test_free_with_answers_pending),
        T(test_each_profile),
        T(test_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
