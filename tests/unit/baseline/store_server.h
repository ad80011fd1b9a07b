/* A redis-server of their own for the tests of the store, and what its answers were. One for all
 * tests of a program; each test begins with an empty one. Skipped where redis-server is not
 * installed. */
#ifndef TESTS_UNIT_BASELINE_STORE_SERVER_H
#define TESTS_UNIT_BASELINE_STORE_SERVER_H

#include "../folder.h"
#include "store_case.h"
#include "weir/base/log.h"
#include "weir/baseline/embedded.h"

#include <hiredis/hiredis.h>
#include <unistd.h>

static struct embedded server;

static inline redisContext *admin(void)
{
    redisContext *redis = redisConnectUnix(server.url + strlen("unix:"));
    assert_non_null(redis);
    assert_int_equal(redis->err, 0);
    return redis;
}

static inline redisReply *ask(const char *command, ...)
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

static inline void order(const char *command)
{
    redisReply *reply = ask(command);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static inline int setup(void **state)
{
    (void)state;
    order("FLUSHALL");
    return 0;
}

static inline struct store_config config_of(const char *sensor, const char *vantage)
{
    return (struct store_config){
        .url = server.url, .prefix = CASE_PREFIX, .sensor = sensor, .vantage = vantage};
}

static inline void must_open(struct client *client, const char *sensor, const char *vantage)
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

static inline void told(struct answer *answer)
{
    assert_false(answer->called);
    answer->called = true;
    answer->client->answers++;
    answer->client->loop.ops->stop(answer->client->loop.loop);
}

static inline void on_blob(void *context, const void *blob, size_t size)
{
    struct answer *answer = context;
    told(answer);
    answer->size = size;
    if (blob)
        memcpy(answer->text, blob, size < 63 ? size : 63);
    else
        memcpy(answer->text, "(none)", 7);
}

static inline void on_host_blob(void *context, const struct ip *host, const void *blob, size_t size)
{
    assert_non_null(host);
    on_blob(context, blob, size);
}

static inline void on_won(void *context, const struct ip *host, bool won)
{
    struct answer *answer = context;
    assert_non_null(host);
    told(answer);
    answer->won = won;
}

static inline void on_total(void *context, const struct ip *host, int64_t hour,
                            struct host_total *total)
{
    struct answer *answer = context;
    assert_non_null(host);
    assert_true(!total || total->hour == hour);
    told(answer);
    answer->total = total;
}

static inline struct answer load(struct client *client, const char *host)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_load_profile(client->store, &ip, on_host_blob, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer;
}

static inline bool put_profile(struct client *client, const char *host, int64_t expected,
                               int64_t hour, const char *blob)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_put_profile(client->store, &ip, expected, hour, blob, strlen(blob), on_won, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer.won;
}

static inline struct host_total *sum(struct client *client, const char *host, int64_t hour)
{
    struct answer answer = {.client = client};
    struct ip ip = client_ip(host);
    store_sum_open(client->store, &ip, hour, on_total, &answer);
    client_run(client);
    assert_true(answer.called);
    return answer.total;
}

static inline struct destination domain(const char *name)
{
    struct destination destination = {ROLE_CLIENT, DESTINATION_DOMAIN, ""};
    snprintf(destination.name, sizeof destination.name, "%s", name);
    return destination;
}

static inline struct host_total *total_of(const char *host, int64_t hour)
{
    struct ip ip = client_ip(host);
    return host_total_new(&ip, hour);
}

static inline void add(struct host_total *total, const char *name, uint64_t value, uint64_t in,
                       uint32_t flows)
{
    struct destination destination = domain(name);
    totals_add(total, &destination, (struct volume){value, value / 2, value + 1}, in, flows);
}

/* One sensor's word on example.jp at hour 7, put as a total of its own. */
static inline void put_word(struct client *client, uint64_t value, uint64_t in, uint32_t flows)
{
    struct host_total *total = total_of("10.0.0.1", 7);
    add(total, "example.jp", value, in, flows);
    store_put_open(client->store, total);
    host_total_free(total);
}

/* Until the server has taken everything: another connection sees it from then on. */
static inline void settle(struct client *client)
{
    while (store_pending(client->store) > 0)
        poll_loop_turn(client->loop.loop);
    assert_int_equal(client->failed, 0);
}

static inline long long keys(const char *pattern)
{
    redisReply *reply = ask("EVAL %s 0 %s", "return #redis.call('KEYS', ARGV[1])", pattern);
    long long count = reply->integer;
    freeReplyObject(reply);
    return count;
}

/* 77 without redis-server; else what the tests say. */
static inline int with_server(int (*tests)(void))
{
    char folder[FOLDER_SIZE];
    struct error error = {0};
    if (!has_program("redis-server"))
        return 77;
    log_set_level(LOG_ERROR_);
    if (embedded_start(
            &server,
            &(struct embedded_config){.folder = folder_make("store", folder), .persist = false},
            &error) != 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int failed = tests();
    embedded_stop(&server);
    folder_remove(folder);
    return failed;
}

#define T(name) cmocka_unit_test_setup(name, setup)

#endif
