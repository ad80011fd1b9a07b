/* The Redis sink against a real server, started here: every line once and in order, whatever the
 * server does meanwhile. Skipped where redis-server is not installed. */
#include "bus_case.h"

#include "weir/baseline/embedded.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY "weir:alerts:span-1"

struct fixture {
    struct bus_case c;
    char folder[FOLDER_SIZE]; /* the server's */
    struct embedded server;
    const char *url[2], *other[2];
    char secret[128];
    const char *reply; /* what a status is waited for */
};

static void start_server(struct fixture *f)
{
    struct error error = {0};
    struct embedded_config config = {.folder = f->folder, .persist = true};
    if (embedded_start(&f->server, &config, &error) != 0)
        fail_msg("%s", error.message);
}

static void set_key(struct fixture *f, const char *name, const char *const *value)
{
    sink_settings_add(&f->c.sink[0], sink_key_get(sink_row_get("redis"), name), value);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    case_init(&f->c);
    folder_make("redis", f->folder);
    start_server(f);
    f->url[0] = f->server.url;
    sink_settings_init(&f->c.sink[0], sink_row_get("redis"), "redis");
    set_key(f, "url", f->url);
    f->c.config.count = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    case_fini(&f->c);
    if (f->server.pid > 0)
        embedded_stop(&f->server);
    folder_remove(f->folder);
    free(f);
    return 0;
}

/* One command as words in a line; its raw answer. */
static char *ask(const struct fixture *f, const char *command)
{
    static char reply[4 << 20];
    size_t size = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {0, 300000};
    char *line = xasprintf("%s\r\n", command);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->server.url + strlen("unix:"));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    for (ssize_t got; (got = recv(fd, reply + size, sizeof reply - 1 - size, 0)) > 0;)
        size += (size_t)got;
    reply[size] = '\0';
    close(fd);
    free(line);
    return reply;
}

static void order(const struct fixture *f, const char *command)
{
    const char *reply = ask(f, command);
    if (strcmp(reply, "+OK\r\n") != 0)
        fail_msg("%s: %s", command, reply);
}

static void publish(struct fixture *f, size_t count)
{
    case_publish(&f->c, count);
    assert_int_equal(publisher_flush(f->c.publisher, NULL), 0);
}

static bool nothing_behind(void *context)
{
    const struct fixture *f = context;
    return case_status(&f->c, 0).behind == 0;
}

static void deliver_all(struct fixture *f)
{
    assert_true(case_run(&f->c, nothing_behind, f, 20));
}

static bool said_so(void *context)
{
    const struct fixture *f = context;
    return strstr(case_status(&f->c, 0).last_error, f->reply) != NULL;
}

static void expect_trouble(struct fixture *f, const char *words)
{
    f->reply = words;
    if (!case_run(&f->c, said_so, f, 10))
        fail_msg("expected \"%s\", it says \"%s\"", words, case_status(&f->c, 0).last_error);
}

/* The stream holds the alerts first..last, each once and in order. */
static void expect_stream(const struct fixture *f, uint64_t first, uint64_t last)
{
    char expected[64];
    snprintf(expected, sizeof expected, ":%llu\r\n", (unsigned long long)last - first + 1);
    assert_string_equal(ask(f, "XLEN " KEY), expected);
    const char *text = ask(f, "XRANGE " KEY " - +");
    for (uint64_t n = first; n <= last; n++) {
        snprintf(expected, sizeof expected, "\"id\":\"%llu\",", (unsigned long long)n);
        text = strstr(text, "\"id\":\"");
        assert_non_null(text);
        assert_memory_equal(text, expected, strlen(expected));
        text += strlen(expected);
    }
}

/* --- the plain way ---------------------------------------------------------------------------- */

static void test_an_entry(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 1);
    deliver_all(f);
    const char *text = ask(f, "XRANGE " KEY " - +");
    unsigned long long epoch = 0, sequence = 0;
    assert_int_equal(sscanf(text, "*1\r\n*2\r\n$%*d\r\n%llu-%llu", &epoch, &sequence), 2);
    assert_true(epoch > 1700000000000ull);
    assert_int_equal(sequence, 1);
    assert_non_null(strstr(text,
                           "*4\r\n$4\r\nline\r\n$89\r\n{\"@timestamp\":\"2026-03-02T01:00:"
                           "00.001Z\",\"event\":{\"kind\":\"alert\",\"id\":\"1\",\"severity\":"
                           "50}}\r\n$6\r\nsensor\r\n$6\r\nspan-1\r\n"));
}

static void test_many(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 3000);
    deliver_all(f);
    expect_stream(f, 1, 3000);
    publish(f, 1);
    deliver_all(f);
    expect_stream(f, 1, 3001);
    assert_int_equal(case_status(&f->c, 0).failures, 0);
    assert_int_equal(case_status(&f->c, 0).delivered, 3001);
}

static void test_bounded(void **state)
{
    struct fixture *f = *state;
    static const char *const few[] = {"500", NULL};
    set_key(f, "max_entries", few);
    case_open_bus(&f->c);
    publish(f, 3000);
    deliver_all(f);
    int entries = 0;
    assert_int_equal(sscanf(ask(f, "XLEN " KEY), ":%d", &entries), 1);
    assert_in_range(entries, 500, 700); /* about: Redis drops whole nodes of 100 */
    assert_int_equal(case_status(&f->c, 0).delivered, 3000);
}

/* --- again ------------------------------------------------------------------------------------ */

/* What came before its place was kept comes again, and is known. */
static void test_told_again(void **state)
{
    struct fixture *f = *state;
    char path[128], place[80];
    snprintf(path, sizeof path, "%s/sink-redis.position", f->c.folder);
    case_open_bus(&f->c);
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(place, sizeof place, file));
    fclose(file);
    publish(f, 400);
    deliver_all(f);
    case_close_bus(&f->c);
    file = fopen(path, "w");
    fputs(place, file); /* it says 0 again, of the same epoch */
    fclose(file);
    case_open_bus(&f->c);
    publish(f, 10);
    deliver_all(f);
    expect_stream(f, 1, 410);
    assert_int_equal(case_status(&f->c, 0).delivered, 410);
    assert_int_equal(case_status(&f->c, 0).failures, 0);
}

/* The server is killed again and again while it is told. */
static void test_killed_server(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    for (int i = 0; i < 6; i++) {
        publish(f, 2000);
        struct wtime until = {wtime_now().ns + (5 + 7 * i) * NS_PER_MS};
        while (wtime_now().ns < until.ns) {
            event_loop_soon(f->c.loop, (void (*)(void *))f->c.loop.ops->stop, f->c.loop.loop);
            f->c.loop.ops->run(f->c.loop.loop);
        }
        kill(f->server.pid, SIGKILL);
        embedded_stop(&f->server);
        case_run(&f->c, case_never, NULL, 0);
        start_server(f);
    }
    deliver_all(f);
    expect_stream(f, 1, 12000);
    assert_true(case_status(&f->c, 0).failures > 0);
}

static void test_away_and_back(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 5);
    deliver_all(f);
    embedded_stop(&f->server);
    case_run(&f->c, case_never, NULL, 1);
    assert_int_equal(case_status(&f->c, 0).failures, 0); /* it had nothing to do */
    publish(f, 5);
    expect_trouble(f, "no such socket");
    start_server(f);
    deliver_all(f);
    expect_stream(f, 1, 10);
}

/* Something listens there and says nothing; then the server is back. */
static void test_silent(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    f->c.sink[0].timeout_s = 1;
    embedded_stop(&f->server);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->server.url + strlen("unix:"));
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    case_open_bus(&f->c);
    publish(f, 5);
    expect_trouble(f, "no answer within 1 s (time-out)");
    close(fd);
    unlink(address.sun_path);
    start_server(f);
    deliver_all(f);
    expect_stream(f, 1, 5);
}

/* Stopped in the middle of a transaction: the outlet's own time-out ends it. */
static void test_stopped(void **state)
{
    struct fixture *f = *state;
    f->c.sink[0].timeout_s = 1;
    case_open_bus(&f->c);
    publish(f, 5);
    deliver_all(f);
    kill(f->server.pid, SIGSTOP);
    publish(f, 5);
    expect_trouble(f, "took nothing for 1 s");
    kill(f->server.pid, SIGCONT);
    deliver_all(f);
    expect_stream(f, 1, 10);
}

/* --- where it is ------------------------------------------------------------------------------ */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void test_a_host_by_name(void **state)
{
    struct fixture *f = *state;
    uint16_t port = free_port();
    char *url = xasprintf("redis://localhost:%u", port);
    char *command = xasprintf("CONFIG SET port %u", port);
    f->other[0] = url;
    f->c.sink[0].count = 0;
    set_key(f, "url", f->other);
    order(f, "CONFIG SET bind 127.0.0.1");
    case_open_bus(&f->c);
    publish(f, 5);
    expect_trouble(f, "refused");
    order(f, command); /* now it listens; the name is looked up again */
    deliver_all(f);
    expect_stream(f, 1, 5);
    free(command);
    free(url);
}

static void test_a_name_that_nobody_has(void **state)
{
    struct fixture *f = *state;
    f->other[0] = "redis://a..b";
    f->c.sink[0].count = 0;
    set_key(f, "url", f->other);
    case_open_bus(&f->c);
    publish(f, 1);
    expect_trouble(f, "redis at a..b: Name or service not known");
}

/* --- by name ---------------------------------------------------------------------------------- */

static void test_full(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 300);
    deliver_all(f);
    order(f, "CONFIG SET maxmemory 1");
    publish(f, 600);
    expect_trouble(f, "is full (OOM)");
    expect_stream(f, 1, 300);
    order(f, "CONFIG SET maxmemory 0");
    deliver_all(f);
    expect_stream(f, 1, 900);
}

static void test_read_only(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 3);
    deliver_all(f);
    order(f, "REPLICAOF 127.0.0.1 1");
    publish(f, 3);
    expect_trouble(f, "(READONLY)");
    order(f, "REPLICAOF NO ONE");
    deliver_all(f);
    expect_stream(f, 1, 6);
}

/* Something answers at the server's place for a while, to each command as `turn` has it: what
 * begins with a command's name is its answer, of two the first that fits; else "+OK". */
static pid_t pretend(const struct fixture *f, const char *turn)
{
    const char *source = getenv("WEIR_SOURCE");
    char *script = xasprintf("%s/tests/unit/bus/redis_server.py", source ? source : ".");
    const char *path = f->server.url + strlen("unix:");
    pid_t pid = fork();
    if (pid == 0) {
        execl("/usr/bin/python3", "python3", script, path, turn, (char *)NULL);
        _exit(127);
    }
    free(script);
    return pid;
}

/* However far it lets us come, what it says is said by name, nobody else is asked, and once the
 * server is itself again every line is there once. */
static void expect_pretender(struct fixture *f, const char *turn, const char *words)
{
    embedded_stop(&f->server);
    unlink(f->server.url + strlen("unix:"));
    pid_t pid = pretend(f, turn);
    uint64_t before = case_status(&f->c, 0).delivered;
    publish(f, 5);
    expect_trouble(f, words);
    assert_int_equal(case_status(&f->c, 0).delivered, before);
    assert_int_equal(case_status(&f->c, 0).refused, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(f->server.url + strlen("unix:"));
    start_server(f);
    deliver_all(f);
}

static void test_by_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *turn, *words;
    } row[] = {
        {"*:-LOADING Redis is loading the dataset in memory", "(LOADING)"},
        {"XINFO:-MOVED 3999 127.0.0.1:6381", "is one node of a cluster (MOVED)"},
        {"XINFO:-ERR no such key;XADD:-MOVED 3999 127.0.0.1:6381;EXEC:-EXECABORT discarded",
         "is one node of a cluster (MOVED)"},
        {"XINFO:-ERR no such key;XADD:-READONLY You can't write against a read only replica.;"
         "EXEC:-EXECABORT discarded",
         "is a read-only replica (READONLY)"},
        {"XINFO:-ERR no such key;XADD:+QUEUED;EXEC:-LOADING Redis is loading", "(LOADING)"},
        {"XINFO:-MASTERDOWN Link with MASTER is down", "(MASTERDOWN)"},
        {"XINFO:-ERR no such key;XADD:+QUEUED;EXEC:*0", "an answer to EXEC that makes no sense"},
        {"XINFO::7", "an answer to XINFO that makes no sense"},
        {"*:HTTP/1.1 400 Bad Request", "does not speak Redis"},
    };
    size_t rows = sizeof row / sizeof *row;
    case_open_bus(&f->c);
    for (size_t i = 0; i < rows; i++)
        expect_pretender(f, row[i].turn, row[i].words);
    expect_stream(f, 1, 5 * rows);
}

static void test_another_writer(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    publish(f, 3);
    deliver_all(f);
    ask(f, "XADD " KEY " 9999999999999-1 a b");
    publish(f, 3);
    expect_trouble(f, "somebody else writes to it");
    expect_trouble(f, "holds entries of another writer");
    assert_int_equal(case_status(&f->c, 0).delivered, 3);
    ask(f, "DEL " KEY);
    deliver_all(f);
    expect_stream(f, 4, 6);
}

static void test_another_program_s_key(void **state)
{
    struct fixture *f = *state;
    order(f, "SET " KEY " mine");
    case_open_bus(&f->c);
    publish(f, 3);
    expect_trouble(f, "(WRONGTYPE)");
    ask(f, "DEL " KEY);
    deliver_all(f);
    expect_stream(f, 1, 3);
}

static void write_secret(struct fixture *f, const char *text)
{
    snprintf(f->secret, sizeof f->secret, "%s/secret", f->folder);
    f->other[0] = f->secret;
    FILE *file = fopen(f->secret, "w");
    fputs(text, file);
    fclose(file);
}

static void test_password(void **state)
{
    struct fixture *f = *state;
    case_open_bus(&f->c);
    order(f, "CONFIG SET requirepass swordfish");
    publish(f, 3);
    expect_trouble(f, "wants a password (NOAUTH)");
    case_close_bus(&f->c);
    write_secret(f, "trout\n");
    set_key(f, "password_file", f->other);
    case_open_bus(&f->c);
    expect_trouble(f, "refuses the user or password (WRONGPASS)");
    assert_null(strstr(case_status(&f->c, 0).last_error, "trout"));
    case_close_bus(&f->c);
    write_secret(f, "swordfish\r\nand a second line\n");
    case_open_bus(&f->c);
    deliver_all(f);
    assert_int_equal(case_status(&f->c, 0).delivered, 3);
}

static void expect_refused(struct fixture *f, const char *url, const char *words)
{
    struct error error = {0};
    f->url[0] = url;
    f->c.config.folder = f->c.folder;
    f->c.config.sinks = f->c.sink;
    assert_null(bus_new(f->c.loop, &f->c.config, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    if (!strstr(error.message, words))
        fail_msg("%s", error.message);
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    static const char *const nowhere[] = {"/nonexistent", NULL};
    expect_refused(f, "redis://:secret@127.0.0.1", "password_file");
    expect_refused(f, "redis://user:secret@127.0.0.1", "password_file");
    expect_refused(f, "rediss://127.0.0.1", "tunnel");
    expect_refused(f, "http://127.0.0.1", "not a store");
    set_key(f, "password_file", nowhere);
    expect_refused(f, "redis://127.0.0.1", "/nonexistent: No such file");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    if (!has_program("redis-server")) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        T(test_an_entry),
        T(test_many),
        T(test_bounded),
        T(test_told_again),
        T(test_killed_server),
        T(test_away_and_back),
        T(test_silent),
        T(test_stopped),
        T(test_a_host_by_name),
        T(test_a_name_that_nobody_has),
        T(test_full),
        T(test_read_only),
        T(test_by_name),
        T(test_another_writer),
        T(test_another_program_s_key),
        T(test_password),
        T(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
