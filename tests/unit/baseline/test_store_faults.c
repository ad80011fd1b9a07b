/* Servers that are not there, not Redis, not able or not answering: one clear line each, within the
 * time-out, told once. The servers are threads of this program on a unix socket. */
#include "../folder.h"
#include "store_case.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A server that says `reply` to whatever comes. */
struct fake {
    char folder[FOLDER_SIZE], path[128], url[160];
    int listener;
    pthread_t thread;
    const char *reply; /* NULL: says nothing at all */
    size_t size;
    bool at_once; /* before it was asked, and then closes */
};

static void serve(const struct fake *fake, int fd)
{
    char asked[4096];
    if (fake->at_once) {
        send(fd, fake->reply, fake->size, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR); /* and not close: that could take the words back */
        while (recv(fd, asked, sizeof asked, 0) > 0)
            ;
        return;
    }
    while (recv(fd, asked, sizeof asked, 0) > 0)
        if (fake->reply && send(fd, fake->reply, fake->size, MSG_NOSIGNAL) < 0)
            return;
}

static void *run_fake(void *context)
{
    const struct fake *fake = context;
    for (int fd; (fd = accept(fake->listener, NULL, NULL)) >= 0;) {
        serve(fake, fd);
        close(fd);
    }
    return NULL;
}

static void fake_folder(struct fake *fake)
{
    *fake = (struct fake){.listener = -1};
    folder_make("fake", fake->folder);
    snprintf(fake->path, sizeof fake->path, "%s/sock", fake->folder);
    snprintf(fake->url, sizeof fake->url, "unix:%s", fake->path);
}

static void fake_start(struct fake *fake, const char *reply, size_t size, bool at_once)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    fake_folder(fake);
    fake->reply = reply;
    fake->size = size;
    fake->at_once = at_once;
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 4), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, run_fake, fake), 0);
}

static void fake_stop(struct fake *fake)
{
    if (fake->listener >= 0) {
        shutdown(fake->listener, SHUT_RDWR);
        pthread_join(fake->thread, NULL);
        close(fake->listener);
    }
    folder_remove(fake->folder);
}

static struct store_config config_of(const char *url)
{
    return (struct store_config){
        .url = url, .prefix = CASE_PREFIX, .sensor = "a", .timeout_ns = 400 * NS_PER_MS};
}

/* Opens, and expects exactly one failure that says the words and the URL. */
static void expect_failure_within(const char *url, int64_t timeout_ns, const char *words)
{
    struct store_config config = config_of(url);
    config.timeout_ns = timeout_ns;
    for (int freed = 0; freed < 2; freed++) { /* the caller may free the store in the callback */
        struct client client = {.free_when_failed = freed};
        struct wtime begin = wtime_now();
        client_open(&client, &config);
        assert_int_equal(client.ready, 0);
        assert_int_equal(client.failed, 1);
        assert_int_equal(client.error.code, ERROR_RUN);
        assert_true(wtime_now().ns - begin.ns < 10 * NS_PER_S);
        if (!strstr(client.error.message, words))
            fail_msg("\"%s\" does not say \"%s\"", client.error.message, words);
        if (!strstr(client.error.message, url))
            fail_msg("\"%s\" does not name %s", client.error.message, url);
        assert_null(strchr(client.error.message, '\n'));
        for (int i = 0; i < 5; i++) /* and nothing more comes */
            poll_loop_turn(client.loop.loop);
        assert_int_equal(client.failed, 1);
        client_close(&client);
    }
}

static void expect_failure(const char *url, const char *words)
{
    expect_failure_within(url, 15 * NS_PER_S, words);
}

static void expect_said(const char *reply, size_t size, bool at_once, const char *words)
{
    struct fake fake;
    fake_start(&fake, reply, size, at_once);
    expect_failure(fake.url, words);
    fake_stop(&fake);
}

static void expect_time_out(const char *reply, size_t size)
{
    struct fake fake;
    fake_start(&fake, reply, size, false);
    expect_failure_within(fake.url, 400 * NS_PER_MS, "no answer within 0.4 s (time-out)");
    fake_stop(&fake);
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const nonsense[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x15\x03\x01\x00\x02\x02\x46", /* TLS alert */
        "$999999999999999999999\r\n",
        "*-7\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        expect_said(nonsense[i], strlen(nonsense[i]), false, "redis at unix:");
    expect_said("HTTP/1.1 400\r\n", 14, false, "does not speak Redis");
    expect_said("\0\0\0\0", 4, false, "does not speak Redis");
}

static void test_right_protocol_wrong_answer(void **state)
{
    (void)state;
    expect_said(":7\r\n", 4, false, "makes no sense");
    expect_said("*0\r\n", 4, false, "makes no sense");
    expect_said("+OK\r\n", 5, false, "makes no sense");
}

static void test_error_replies(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *words;
    } said[] = {
        {"-LOADING Redis is loading the dataset in memory\r\n", "still loading"},
        {"-READONLY You can't write against a read only replica.\r\n", "read-only replica"},
        {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "is full"},
        {"-ERR Error running script (call to f_0): @user_script:5: -OOM command not allowed\r\n",
         "is full"},
        {"-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save to its own disk"},
        {"-NOAUTH Authentication required.\r\n", "wants a password"},
        {"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
         "refuses the user or password"},
        {"-NOPERM this user has no permissions to run the 'eval' command\r\n", "NOPERM"},
        {"-MOVED 3999 127.0.0.1:6381\r\n", "cluster"},
        {"-MASTERDOWN Link with MASTER is down\r\n", "lost its primary"},
        {"-BUSY Redis is busy running a script.\r\n", "busy"},
        {"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
         "another program's data"},
        {"-ERR unknown command 'EVAL'\r\n", "lacks a command"},
        {"-SOMETHING new and \x01 strange\r\n", "answers: SOMETHING new and ? strange"},
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        expect_said(said[i].reply, strlen(said[i].reply), false, said[i].words);
}

/* What only writes are refused by can still be read. */
static void test_who_takes_no_writes(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        bool writes;
    } said[] = {
        {"-READONLY You can't write against a read only replica.\r\n", true},
        {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", true},
        {"-ERR Error running script (call to f_0): @user_script:5: -OOM command not allowed\r\n",
         true},
        {"-MISCONF Redis is configured to save RDB snapshots\r\n", true},
        {"-NOREPLICAS Not enough good replicas to write.\r\n", true},
        {"-LOADING Redis is loading the dataset in memory\r\n", false},
        {"-NOAUTH Authentication required.\r\n", false},
        {"-ERR the word READONLYISH in it\r\n", false},
        {":7\r\n", false},
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct fake fake;
        struct client client = {.free_when_failed = false};
        fake_start(&fake, said[i].reply, strlen(said[i].reply), false);
        struct store_config config = config_of(fake.url);
        client_open(&client, &config);
        assert_int_equal(client.failed, 1);
        assert_true(store_is_lost(client.store));
        assert_int_equal(store_refuses_writes(client.store), said[i].writes);
        client_close(&client);
        fake_stop(&fake);
    }
}

/* The address decides, not the URL's name; one that was not found is told at once. */
static void test_an_address_for_the_name(void **state)
{
    (void)state;
    struct client client = {.ready = 0};
    struct store_config config = config_of("redis://no-such-name.invalid:1");
    config.address = "127.0.0.1";
    client_open(&client, &config);
    assert_non_null(strstr(client.error.message, "connection refused"));
    client_close(&client);
    config.address = "";
    client_open(&client, &config);
    assert_non_null(strstr(client.error.message, "no-such-name.invalid:1: its name was not found"));
    assert_true(store_is_lost(client.store));
    client_close(&client);
}

static void test_goes_away(void **state)
{
    (void)state;
    expect_said("", 0, true, "closed the connection");
    expect_said("-ERR max number of clients reached\r\n", 36, true, "maxclients");
    expect_said("$5\r\nab", 6, true, "redis at unix:"); /* half an answer */
}

static void test_silence(void **state)
{
    (void)state;
    expect_time_out(NULL, 0);
    expect_time_out("$500\r\nab", 8); /* the beginning of an answer */
}

static void test_not_there(void **state)
{
    (void)state;
    struct fake fake;
    fake_folder(&fake);
    expect_failure(fake.url, "no such socket");
    /* The socket is there, its server is not. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fake.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    expect_failure(fake.url, "connection refused");
    fake_stop(&fake);
}

static void test_port_refused(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char url[64];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
    expect_failure(url,
                   "connection refused"); /* bound, so nobody else gets it, but not listened on */
    close(fd);
}

/* What is asked of a store that failed is dropped; freeing is all that is left. */
static void unexpected(void *context, const void *blob, size_t size)
{
    (void)context;
    (void)blob;
    (void)size;
    fail_msg("an answer from a store that failed");
}

static void test_after_failure(void **state)
{
    (void)state;
    struct fake fake;
    fake_folder(&fake);
    struct store_config config = config_of(fake.url);
    struct client client = {.ready = 0};
    client_open(&client, &config);
    assert_int_equal(client.failed, 1);
    store_load_fleet(client.store, unexpected, NULL);
    store_put_fleet(client.store, NULL, "x", 1, NULL, NULL);
    assert_int_equal(store_pending(client.store), 0);
    client_close(&client);
    fake_stop(&fake);
}

static void expect_usage(struct store_config config, const char *words)
{
    struct error error = {0};
    struct store_events events = {client_ready, client_failed};
    struct loop_ref loop = poll_loop_new();
    assert_null(store_open(&config, loop, &events, NULL, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
    free(loop.loop);
}

static void test_usage(void **state)
{
    (void)state;
    struct store_config config = config_of("unix:/x");
    expect_usage(config_of("rediss://h"), "tunnel");
    config.prefix = "we{ir";
    expect_usage(config, "prefix");
    config.prefix = "";
    expect_usage(config, "prefix");
    config = config_of("unix:/x");
    config.sensor = "a|b";
    expect_usage(config, "sensor.name");
    config.sensor = NULL;
    expect_usage(config, "sensor.name");
    config = config_of("unix:/x");
    config.vantage = "co|re";
    expect_usage(config, "vantage");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_right_protocol_wrong_answer),
        cmocka_unit_test(test_who_takes_no_writes),
        cmocka_unit_test(test_an_address_for_the_name),
        cmocka_unit_test(test_error_replies),
        cmocka_unit_test(test_goes_away),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_port_refused),
        cmocka_unit_test(test_after_failure),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
