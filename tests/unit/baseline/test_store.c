/* The store against a real redis-server of its own: what comes back is what was put, sums are the
 * fleet's, a profile has one owner, and a server that cannot says so. Skipped without redis-server.
 */
#include "store_case.h"
#include "weir/base/log.h"
#include "weir/baseline/embedded.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct embedded server; /* one for all tests; each begins with an empty one */

static redisContext *admin(void)
{
    redisContext *redis = redisConnectUnix(server.url + strlen("unix:"));
    assert_non_null(redis);
    assert_int_equal(redis->err, 0);
    return redis;
}

static redisReply *ask(const char *command, ...)
{
    va_list args;
    redisContext *redis = admin();
    va_start(args, command);
    redisReply *reply = redisvCommand(redis, command, args);
    va_end(args);
    assert_non_null(reply);
    redisFree(redis);
    return reply;
}

static void order(const char *command)
{
    redisReply *reply = ask(command);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static int setup(void **state)
{
    (void)state;
    order("FLUSHALL");
    return 0;
}

static struct store_config config_of(const char *sensor, const char *vantage)
{
    return (struct store_config){
        .url = server.url, .prefix = CASE_PREFIX, .sensor = sensor, .vantage = vantage};
}

static void must_open(struct client *client, const char *sensor, const char *vantage)
{
    struct store_config config = config_of(sensor, vantage);
    *client = (struct client){.ready = 0};
    client_open(client, &config);
    if (client->ready != 1)
        fail_msg("%s", client->error.message);
}

/* --- what callbacks were told ----------------------------------------------------------------- */

struct answer {
    struct client *client;
    char text[64]; /* the blob; "(none)" */
    size_t size;
    bool won, called;
    struct host_total *total;
};

static void told(struct answer *answer)
{
    assert_false(answer->called);
    answer->called = true;
    answer->client->answers++;
    answer->client->loop.ops->stop(answer->client->loop.loop);
}

static void on_blob(void *context, const void *blob, size_t size)
{
    struct answer *answer = context;
    told(answer);
    answer->size = size;
    if (blob)
        memcpy(answer->text, blob, size < 63 ? size : 63);
    else
        strcpy(answer->text, "(none)");
}

static void on_host_blob(void *context, const struct ip *host, const void *blob, size_t size)
{
    assert_non_null(host);
    on_blob(context, blob, size);
}

static void on_won(void *context, const struct ip *host, bool won)
{
    struct answer *answer = context;
    assert_non_null(host);
    told(answer);
    answer->won = won;
}

static void on_total(void *context, const struct ip *host, int64_t hour, struct host_total *total)
{
    struct answer *answer = context;
    assert_non_null(host);
    assert_true(!total || total->hour == hour);
    told(answer);
    answer->total = total;
}

static struct answer load(struct client *client, const char *host)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_load_profile(client->store, &ip, on_host_blob, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer;
}

static bool put_profile(struct client *client, const char *host, int64_t expected, int64_t hour,
                        const char *blob)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_put_profile(client->store, &ip, expected, hour, blob, strlen(blob), on_won, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer.won;
}

static struct host_total *sum(struct client *client, const char *host, int64_t hour)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_sum_open(client->store, &ip, hour, on_total, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer.total;
}

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
    store_put_fleet(a.store, "a\0b\r\n", 5);
    fleet = (struct answer){.client = &a};
    store_load_fleet(a.store, on_blob, &fleet);
    client_run(&a);
    assert_int_equal(fleet.size, 5);
    assert_memory_equal(fleet.text, "a\0b\r\n", 5);
    assert_int_equal(a.failed, 0);
    assert_int_equal(store_pending(a.store), 0);
    client_close(&a);
    redisReply *reply = ask("GET " CASE_PREFIX ":schema");
    assert_string_equal(reply->str, "1");
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

/* --- open totals ------------------------------------------------------------------------------ */

static struct destination domain(const char *name)
{
    struct destination destination = {ROLE_CLIENT, DESTINATION_DOMAIN, ""};
    strcpy(destination.name, name);
    return destination;
}

static struct host_total *total_of(const char *host, int64_t hour)
{
    struct ip ip = client_ip(host);
    return host_total_new(&ip, hour);
}

static void add(struct host_total *total, const char *name, uint64_t value, uint64_t in,
                uint32_t flows)
{
    struct destination destination = domain(name);
    totals_add(total, &destination, (struct volume){value, value / 2, value + 1}, in, flows);
}

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

/* One sensor's word on example.jp at hour 7, put as a total of its own. */
static void put_word(struct client *client, uint64_t value, uint64_t in, uint32_t flows)
{
    struct host_total *total = total_of("10.0.0.1", 7);
    add(total, "example.jp", value, in, flows);
    store_put_open(client->store, total);
    host_total_free(total);
}

/* Until the server has taken everything: another connection sees it from then on. */
static void settle(struct client *client)
{
    while (store_pending(client->store) > 0)
        poll_loop_turn(client->loop.loop);
    assert_int_equal(client->failed, 0);
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
                                        "v|s|client|domain|z.jp"};
    static const char *const value[] = {"1 2 3 4 5 0",  "1 2 3 4 5 0",
                                        "1 2 3 4 5 0",  "1 2 3 4 5",
                                        "1 2 3 4 5 0 ", "99999999999999999999 2 3 4 5 0"};
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

static void test_answers_in_order(void **state)
{
    (void)state;
    struct client a;
    struct ip host = client_ip("10.0.0.1");
    must_open(&a, "a", NULL);
    struct sequence sequence = {.client = &a};
    store_load_profile(a.store, &host, seq_load, &sequence);
    put_word(&a, 1, 1, 1);
    store_sum_open(a.store, &host, 7, seq_sum, &sequence);
    store_put_profile(a.store, &host, INT64_MIN, 7, "x", 1, seq_won, &sequence);
    store_load_fleet(a.store, seq_fleet, &sequence);
    assert_int_equal(store_pending(a.store), 5);
    assert_string_equal(sequence.letters, ""); /* never from within the call */
    client_run(&a);
    assert_string_equal(sequence.letters, "LSWF");
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

static long long keys(const char *pattern)
{
    redisReply *reply = ask("EVAL %s 0 %s", "return #redis.call('KEYS', ARGV[1])", pattern);
    long long count = reply->integer;
    freeReplyObject(reply);
    return count;
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

/* --- who may ---------------------------------------------------------------------------------- */

static void expect_refused(struct store_config config, const char *words)
{
    struct client client = {.ready = 0};
    client_open(&client, &config);
    assert_int_equal(client.ready, 0);
    assert_int_equal(client.failed, 1);
    if (!strstr(client.error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", client.error.message, words);
    assert_null(strstr(client.error.message, "s3cret"));
    client_close(&client);
}

static void test_schema(void **state)
{
    (void)state;
    order("SET " CASE_PREFIX ":schema 2");
    expect_refused(config_of("a", NULL), "newer Weir (schema 2");
    struct store_config config = config_of("a", NULL);
    config.read_only = true;
    expect_refused(config, "newer Weir (schema 2");
    redisReply *reply = ask("GET " CASE_PREFIX ":schema");
    assert_string_equal(reply->str, "2"); /* left alone */
    freeReplyObject(reply);
    order("SET " CASE_PREFIX ":schema elephants");
    expect_refused(config_of("a", NULL), "another program");
    order("DEL " CASE_PREFIX ":schema");
    order("LPUSH " CASE_PREFIX ":schema x");
    expect_refused(config_of("a", NULL), "another program");
}

static void test_read_only(void **state)
{
    (void)state;
    struct store_config config = config_of("a", NULL);
    struct client a;
    config.read_only = true;
    a = (struct client){.ready = 0};
    client_open(&a, &config);
    assert_int_equal(a.ready, 1);
    assert_string_equal(load(&a, "10.0.0.1").text, "(none)");
    client_close(&a);
    assert_int_equal(keys("*"), 0); /* it wrote nothing */
}

static void test_password(void **state)
{
    (void)state;
    char url[400];
    struct store_config config = config_of("a", NULL);
    struct client a = {.ready = 0};
    const char *path = server.url + strlen("unix:");
    snprintf(url, sizeof url, "unix://:s3cret@%s", path);
    config.url = url;
    expect_refused(config, "has no password set");

    order("ACL SETUSER weir on >s3cret ~* +@all");
    order("ACL SETUSER small on >s3cret ~other:* +@all");
    order("CONFIG SET requirepass open-s3cret");
    expect_refused(config_of("a", NULL), "wants a password");
    expect_refused(config, "refuses the user or password");
    snprintf(url, sizeof url, "unix://weir:s3cret@%s", path);
    client_open(&a, &config);
    assert_int_equal(a.ready, 1);
    client_close(&a);
    snprintf(url, sizeof url, "unix://small:s3cret@%s", path);
    expect_refused(config, "NOPERM");
    snprintf(url, sizeof url, "unix://:open%%2Ds3cret@%s", path);
    client_open(&a, &config);
    assert_int_equal(a.ready, 1);
    client_close(&a);
    redisContext *redis = admin();
    freeReplyObject(redisCommand(redis, "AUTH open-s3cret"));
    redisReply *reply = redisCommand(redis, "CONFIG SET requirepass %s", "");
    assert_string_equal(reply->str, "OK");
    freeReplyObject(reply);
    redisFree(redis);
    order("ACL DELUSER weir small");
}

/* --- a server that cannot --------------------------------------------------------------------- */

static void test_full(void **state)
{
    (void)state;
    struct client a;
    struct ip host = client_ip("10.0.0.1");
    must_open(&a, "a", NULL);
    order("CONFIG SET maxmemory 1");
    struct answer answer = {.client = &a};
    store_put_profile(a.store, &host, INT64_MIN, 1, "x", 1, on_won, &answer);
    client_run(&a);
    assert_int_equal(a.failed, 1);
    assert_false(answer.called);
    assert_non_null(strstr(a.error.message, "is full (OOM)"));
    put_word(&a, 1, 1, 1);
    client_run(&a);
    assert_int_equal(a.failed, 2);
    store_put_fleet(a.store, "x", 1);
    client_run(&a);
    assert_int_equal(a.failed, 3);
    expect_refused(config_of("b", NULL), "is full (OOM)"); /* said at once by a newcomer */
    order("CONFIG SET maxmemory 512mb");
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 1, "x")); /* the same connection goes on */
    client_close(&a);
}

static void test_replica(void **state)
{
    (void)state;
    struct client a;
    must_open(&a, "a", NULL);
    order("REPLICAOF 127.0.0.1 1");
    put_word(&a, 1, 1, 1);
    client_run(&a);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.error.message, "read-only replica"));
    expect_refused(config_of("b", NULL), "read-only replica");
    order("REPLICAOF NO ONE");
    client_close(&a);
}

/* A server that stops answering, and one that dies: told once, within the time-out. */
static void test_stalls(void **state)
{
    (void)state;
    struct store_config config = config_of("a", NULL);
    struct client a = {.ready = 0};
    config.timeout_ns = 400 * NS_PER_MS;
    client_open(&a, &config);
    kill(server.pid, SIGSTOP);
    struct answer first = {.client = &a}, second = {.client = &a};
    struct wtime begin = wtime_now();
    store_load_fleet(a.store, on_blob, &first);
    store_load_fleet(a.store, on_blob, &second);
    client_run(&a);
    kill(server.pid, SIGCONT);
    assert_in_range(wtime_now().ns - begin.ns, 300 * NS_PER_MS, 1500 * NS_PER_MS);
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.error.message, "time-out"));
    assert_int_equal(store_pending(a.store), 0);
    for (int i = 0; i < 50; i++)
        poll_loop_turn(a.loop.loop);
    assert_int_equal(a.failed, 1);
    assert_false(first.called || second.called);
    client_close(&a);
}

static void test_idle_is_no_stall(void **state)
{
    (void)state;
    struct store_config config = config_of("a", NULL);
    struct client a = {.ready = 0};
    config.timeout_ns = 50 * NS_PER_MS;
    client_open(&a, &config);
    for (struct wtime begin = wtime_now(); wtime_now().ns - begin.ns < 200 * NS_PER_MS;)
        poll_loop_turn(a.loop.loop);
    assert_int_equal(a.failed, 0);
    assert_string_equal(load(&a, "10.0.0.1").text, "(none)");
    client_close(&a);
}

static void test_dies(void **state)
{
    (void)state;
    struct embedded own;
    struct error error = {0};
    char folder[] = "/tmp/weir-store-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(embedded_start(&own, folder, false, &error), 0);
    struct store_config config = config_of("a", NULL);
    struct client a = {.ready = 0};
    config.url = own.url;
    client_open(&a, &config);
    assert_int_equal(a.ready, 1);
    kill(own.pid, SIGKILL);
    embedded_stop(&own);
    struct answer answer = {.client = &a};
    signal(SIGPIPE, SIG_DFL); /* would end this program */
    for (int i = 0; i < 100 && a.failed == 0; i++) {
        store_put_fleet(a.store, "x", 1);
        if (i == 0)
            store_load_fleet(a.store, on_blob, &answer);
        poll_loop_turn(a.loop.loop);
    }
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.error.message, "closed the connection"));
    assert_false(answer.called);
    client_close(&a);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* --- TCP, where the private server has no port ------------------------------------------------ */

/* A port that nobody has just now. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void test_tcp_and_database(void **state)
{
    (void)state;
    char url[64];
    int port = free_port();
    redisReply *reply = ask("CONFIG SET port %d", port);
    if (reply->type == REDIS_REPLY_ERROR) { /* before Redis 7 a port cannot be set */
        freeReplyObject(reply);
        skip();
    }
    freeReplyObject(reply);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d/3", port);
    struct store_config config = config_of("a", NULL);
    struct client a = {.ready = 0};
    config.url = url;
    client_open(&a, &config);
    if (a.ready != 1)
        fail_msg("%s", a.error.message);
    assert_true(put_profile(&a, "10.0.0.1", INT64_MIN, 1, "x"));
    client_close(&a);
    assert_int_equal(keys("*"), 0); /* nothing in database 0 */
    snprintf(url, sizeof url, "redis://127.0.0.1:%d/99", port);
    expect_refused(config, "does not have the database");
    order("CONFIG SET port 0");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    char folder[] = "/tmp/weir-store-XXXXXX", command[64];
    struct error error = {0};
    if (system("command -v redis-server >/dev/null 2>&1") != 0)
        return 77;
    log_set_level(LOG_ERROR_);
    if (!mkdtemp(folder) || embedded_start(&server, folder, false, &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        T(test_blobs),
        T(test_one_owner),
        T(test_put_and_sum),
        T(test_retries),
        T(test_exact),
        T(test_vantages),
        T(test_without_vantage),
        T(test_many_pairs),
        T(test_odd_totals),
        T(test_answers_in_order),
        T(test_free_inside_a_callback),
        T(test_free_with_answers_pending),
        T(test_each_profile),
        T(test_clear),
        T(test_schema),
        T(test_read_only),
        T(test_password),
        T(test_full),
        T(test_replica),
        T(test_stalls),
        T(test_idle_is_no_stall),
        T(test_dies),
        T(test_tcp_and_database),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    embedded_stop(&server);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? failed : 1;
}
