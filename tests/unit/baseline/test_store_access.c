/* Who may use the store, and a real redis-server that cannot go on: full, a replica, stopped, dead.
 */
#include "store_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

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
    order("SET " CASE_PREFIX ":schema 3");
    expect_refused(config_of("a", NULL), "newer Weir (schema 3");
    struct store_config config = config_of("a", NULL);
    config.read_only = true;
    expect_refused(config, "newer Weir (schema 3");
    redisReply *reply = ask("GET " CASE_PREFIX ":schema");
    assert_string_equal(reply->str, "3"); /* left alone */
    freeReplyObject(reply);
    order("SET " CASE_PREFIX ":schema elephants");
    expect_refused(config_of("a", NULL), "another program");
    order("DEL " CASE_PREFIX ":schema");
    order("LPUSH " CASE_PREFIX ":schema x");
    expect_refused(config_of("a", NULL), "another program");
}

/* Schema 1 had the fleet's tables as a key of its own. A reader finds them there; the first sensor
 * makes a field of them. */
static void test_from_schema_1(void **state)
{
    (void)state;
    struct client a = {.ready = 0};
    struct answer fleet = {.client = &a};
    struct store_config config = config_of("a", NULL);
    order("SET " CASE_PREFIX ":schema 1");
    order("SET " CASE_PREFIX ":fleet tables");
    config.read_only = true;
    client_open(&a, &config);
    store_load_fleet(a.store, on_blob, &fleet);
    client_run(&a);
    assert_string_equal(fleet.text, "tables");
    client_close(&a);
    must_open(&a, "a", NULL);
    fleet = (struct answer){.client = &a};
    store_load_fleet(a.store, on_blob, &fleet);
    client_run(&a);
    assert_string_equal(fleet.text, "tables");
    assert_int_equal(a.failed, 0);
    client_close(&a);
    redisReply *reply = ask("HGET " CASE_PREFIX ":fleet blob");
    assert_string_equal(reply->str, "tables");
    freeReplyObject(reply);
    reply = ask("GET " CASE_PREFIX ":schema");
    assert_string_equal(reply->str, "2");
    freeReplyObject(reply);
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
    store_put_fleet(a.store, NULL, "x", 1, NULL, NULL);
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
    assert_in_range(wtime_now().ns - begin.ns, 300 * NS_PER_MS, 10 * NS_PER_S);
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
    config.timeout_ns = 500 * NS_PER_MS;
    client_open(&a, &config);
    for (struct wtime begin = wtime_now(); wtime_now().ns - begin.ns < NS_PER_S;)
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
    char folder[FOLDER_SIZE];
    folder_make("store", folder);
    assert_int_equal(
        embedded_start(&own, &(struct embedded_config){.folder = folder, .persist = false}, &error),
        0);
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
        store_put_fleet(a.store, NULL, "x", 1, NULL, NULL);
        if (i == 0)
            store_load_fleet(a.store, on_blob, &answer);
        poll_loop_turn(a.loop.loop);
    }
    assert_int_equal(a.failed, 1);
    assert_non_null(strstr(a.error.message, "closed the connection"));
    assert_false(answer.called);
    client_close(&a);
    folder_remove(folder);
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

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(test_schema), T(test_from_schema_1),    T(test_read_only), T(test_password),
        T(test_full),   T(test_replica),          T(test_stalls),    T(test_idle_is_no_stall),
        T(test_dies),   T(test_tcp_and_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return with_server(run);
}
