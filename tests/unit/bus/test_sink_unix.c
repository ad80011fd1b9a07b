/* The unix socket sink with real clients, those that mean harm too. A thread of its own asks for
 * nothing: everything happens in turns of one loop, so clients here never wait. */
#include "bus_case.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS 200

struct client {
    int fd;
    char *text;
    size_t size, room;
    bool ended;
};

struct fixture {
    struct bus_case c;
    char path[100];
    const char *setting[2];
    struct client client[CLIENTS];
    size_t clients;
    size_t wanted;          /* bytes, of client `waiting` */
    struct client *waiting; /* for a line's end behind them */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    case_init(&f->c);
    snprintf(f->path, sizeof f->path, "%s/alerts.sock", f->c.folder);
    f->setting[0] = f->path;
    sink_settings_init(&f->c.sink[0], sink_row_get("unix"), "unix");
    sink_settings_add(&f->c.sink[0], sink_key_get(sink_row_get("unix"), "path"), f->setting);
    f->c.config.count = 1;
    case_open_bus(&f->c);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->clients; i++) {
        close(f->client[i].fd);
        free(f->client[i].text);
    }
    case_fini(&f->c);
    free(f);
    return 0;
}

static struct client *reach(struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct client *client = &f->client[f->clients++];
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)&address, sizeof address), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    return client;
}

static void say(const struct client *client, const char *text)
{
    assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(struct client *client)
{
    char bytes[65536];
    ssize_t got;
    while (!client->ended && (got = recv(client->fd, bytes, sizeof bytes, 0)) >= 0) {
        client->ended = got == 0;
        if (client->size + (size_t)got + 1 > client->room) {
            client->room = (client->size + (size_t)got + 1) * 2;
            client->text = xrealloc(client->text, client->room);
        }
        memcpy(client->text + client->size, bytes, (size_t)got);
        client->size += (size_t)got;
        client->text[client->size] = '\0';
    }
    if (!client->ended && errno == ECONNRESET)
        client->ended = true;
}

static bool heard(void *context)
{
    struct fixture *f = context;
    hear(f->waiting);
    return f->waiting->ended || f->waiting->size >= f->wanted;
}

static bool wait_for(struct fixture *f, struct client *client, size_t bytes, int64_t seconds)
{
    f->waiting = client;
    f->wanted = bytes;
    return case_run(&f->c, heard, f, seconds) && client->size >= bytes;
}

static bool ended(void *context)
{
    const struct fixture *f = context;
    hear(f->waiting);
    return f->waiting->ended;
}

static bool wait_for_end(struct fixture *f, struct client *client, int64_t seconds)
{
    f->waiting = client;
    return case_run(&f->c, ended, f, seconds);
}

static void run_for(struct fixture *f, int64_t ms)
{
    struct wtime until = {wtime_now().ns + ms * NS_PER_MS};
    while (wtime_now().ns < until.ns) {
        event_loop_soon(f->c.loop, (void (*)(void *))f->c.loop.ops->stop, f->c.loop.loop);
        f->c.loop.ops->run(f->c.loop.loop);
        usleep(1000);
    }
}

/* The whole text: lines first..last, each once. */
static void expect_lines(const struct client *client, uint64_t first, uint64_t last)
{
    const char *at = client->text;
    for (uint64_t n = first; n <= last; n++) {
        char id[40];
        snprintf(id, sizeof id, "\"id\":\"%llu\",", (unsigned long long)n);
        const char *end = at ? strchr(at, '\n') : NULL;
        if (!end || !memmem(at, (size_t)(end - at), id, strlen(id)))
            fail_msg("expected line %s at \"%.80s\"", id, at ? at : "");
        at = end + 1;
    }
    if (at)
        assert_string_equal(at, "");
}

#define LINE 90 /* bytes of case_publish's lines up to 9, with their ends */

static void publish(struct fixture *f, size_t count)
{
    case_publish(&f->c, count);
    assert_int_equal(publisher_flush(f->c.publisher, NULL), 0);
}

/* --- good ones -------------------------------------------------------------------------------- */

static void test_begins_at_the_newest(void **state)
{
    struct fixture *f = *state;
    publish(f, 3);
    run_for(f, 50);
    struct client *one = reach(f), *two = reach(f);
    run_for(f, 50);
    publish(f, 2); /* while they may still ask */
    say(one, "{\"after\":4}\n");
    assert_true(wait_for(f, one, LINE, 1));
    assert_true(wait_for(f, two, 2 * LINE, 4));
    publish(f, 1);
    assert_true(wait_for(f, two, 3 * LINE, 1));
    assert_true(wait_for(f, one, 2 * LINE, 1));
    expect_lines(one, 5, 6);
    expect_lines(two, 4, 6);
    assert_int_equal(case_status(&f->c, 0).behind, 0);
    assert_int_equal(case_status(&f->c, 0).delivered, 6);
}

static void test_begins_where_it_says(void **state)
{
    struct fixture *f = *state;
    publish(f, 5000);
    struct client *all = reach(f), *since = reach(f), *whole = reach(f);
    say(all, "{\"after\": 0}\r\n");
    say(since, "{\"since\":\"2026-03-02T01:00:04.9Z\"}\n"); /* the line's number is its ms */
    say(whole, "{\"since\":\"2026-03-02T01:00:05Z\"}\n");
    f->waiting = all;
    run_for(f, 300);
    publish(f, 1000); /* while it catches up */
    for (int i = 0; i < 100; i++) {
        run_for(f, 20);
        hear(all);
        hear(since);
        hear(whole);
    }
    expect_lines(all, 1, 6000);
    expect_lines(since, 4900, 6000);
    expect_lines(whole, 5000, 6000);
}

/* `socat -u`, `nc -N`: nothing is said any more, and everything is heard. */
static void test_half_closed(void **state)
{
    struct fixture *f = *state;
    struct client *asks = reach(f), *silent = reach(f);
    publish(f, 2);
    say(asks, "{\"after\":1}\n");
    shutdown(asks->fd, SHUT_WR);
    run_for(f, 50);
    shutdown(silent->fd, SHUT_WR);
    run_for(f, 50);
    publish(f, 1);
    assert_true(wait_for(f, asks, 2 * LINE, 1));
    expect_lines(asks, 2, 3);
    assert_true(wait_for(f, silent, LINE, 1));
}

static bool has_its_lines(void *context)
{
    struct stat st;
    return stat(context, &st) == 0 && st.st_size >= 3 * (off_t)LINE;
}

/* The program that the documentation names: it says where it stood, and hears the lines and nothing
 * else. Skipped where it is not installed. */
static void test_socat(void **state)
{
    struct fixture *f = *state;
    struct client heard_by_it = {.fd = -1};
    char heard_file[120], command[400];
    if (access("/usr/bin/socat", X_OK) != 0)
        skip();
    snprintf(heard_file, sizeof heard_file, "%s/heard", f->c.folder);
    snprintf(command, sizeof command,
             "echo '{\"after\":2}' | exec socat -t 60 - UNIX-CONNECT:%s > %s", f->path, heard_file);
    publish(f, 4);
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    run_for(f, 50);
    publish(f, 1);
    assert_true(case_run(&f->c, has_its_lines, heard_file, 20));
    case_close_bus(&f->c); /* it is told to go, and goes */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    FILE *file = fopen(heard_file, "r");
    char text[4 * LINE] = "";
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 3 * LINE);
    fclose(file);
    heard_by_it.text = text;
    expect_lines(&heard_by_it, 3, 5);
    case_open_bus(&f->c);
}

static void test_filtered_alike(void **state)
{
    struct fixture *f = *state;
    case_close_bus(&f->c);
    f->c.sink[0].severity_min = 70;
    case_open_bus(&f->c);
    case_publish_alert(&f->c, 69, "");
    case_publish_alert(&f->c, 70, "");
    publish(f, 1); /* 50 */
    struct client *client = reach(f);
    say(client, "{\"after\":0}\n");
    assert_true(wait_for(f, client, LINE, 1));
    expect_lines(client, 2, 2);
    case_publish_alert(&f->c, 71, "");
    publish(f, 1);
    assert_true(wait_for(f, client, 2 * LINE, 1));
    run_for(f, 50);
    hear(client);
    assert_int_equal(client->size, 2 * LINE);
}

/* --- bad ones --------------------------------------------------------------------------------- */

static void test_nonsense(void **state)
{
    struct fixture *f = *state;
    static const char *const said[] = {"GET / HTTP/1.1\r\n",
                                       "\n",
                                       "{}\n",
                                       "[]\n",
                                       "{\"after\":-1}\n",
                                       "{\"after\":\"1\"}\n",
                                       "{\"after\":1,\"since\":\"2026-03-02T01:00:00Z\"}\n",
                                       "{\"since\":\"yesterday\"}\n",
                                       "{\"since\":\"2026-03-02T01:00:00.1234Z\"}\n",
                                       "{\"since\":\"2026-03-02T01:00:00\"}\n",
                                       "{\"after\":0}x\n"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct client *client = reach(f);
        say(client, said[i]);
        assert_true(wait_for_end(f, client, 2));
        assert_string_equal(client->text, "{\"error\":{\"text\":\"expected a line "
                                          "{\\\"after\\\":SEQUENCE} or {\\\"since\\\":\\\"ISO "
                                          "time\\\"}\"}}\n");
    }
    char *longer = xcalloc(1, 100001);
    memset(longer, 'x', 100000);
    struct client *client = reach(f);
    assert_true(send(client->fd, longer, 100000, MSG_NOSIGNAL) > 256);
    assert_true(wait_for_end(f, client, 2));
    assert_non_null(strstr(client->text, "expected a line"));
    free(longer);
    publish(f, 2);
    struct client *ahead = reach(f);
    say(ahead, "{\"after\":3}\n");
    assert_true(wait_for_end(f, ahead, 2));
    assert_non_null(strstr(ahead->text, "the journal ends before it"));
}

/* A trickle: 2 s, and not 2 s from the last byte. */
static void test_asks_slowly(void **state)
{
    struct fixture *f = *state;
    struct client *client = reach(f);
    struct wtime began = wtime_now();
    for (int i = 0; i < 40 && !client->ended; i++) {
        if (send(client->fd, " ", 1, MSG_NOSIGNAL) != 1)
            break;
        run_for(f, 100);
        hear(client);
    }
    assert_in_range((wtime_now().ns - began.ns) / NS_PER_MS, 1900, 3500);
    assert_non_null(strstr(client->text, "took longer than 2 s"));
}

/* One reads nothing: it is let go at its bound, told why, and the others have everything. */
static void test_too_slow(void **state)
{
    struct fixture *f = *state;
    struct client *slow = reach(f), *good = reach(f);
    say(slow, "{\"after\":0}\n");
    say(good, "{\"after\":0}\n");
    run_for(f, 100);
    for (size_t i = 0, bytes = 0; i < 20; i++) { /* 2.7 MB and more */
        publish(f, 1500);
        for (size_t n = i * 1500 + 1; n <= (i + 1) * 1500; n++)
            bytes += (size_t)LINE - 1 + (size_t)snprintf(NULL, 0, "%zu", n);
        assert_true(wait_for(f, good, bytes, 10));
    }
    run_for(f, 50);
    expect_lines(good, 1, 30000);
    assert_int_equal(case_status(&f->c, 0).behind, 0);
    assert_true(wait_for_end(f, slow, 3));
    const char *told = strstr(slow->text, "{\"error\":{\"text\":\"too slow: ");
    assert_non_null(told);
    assert_int_equal(told[-1], '\n'); /* a line of its own: no line is cut */
    assert_true(slow->size < 2 << 20);
}

/* 64 are heard, each other one is told so at once; when they go there is room again. */
static void test_too_many(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        reach(f);
    run_for(f, 100);
    for (int i = 64; i < 100; i++) {
        assert_true(wait_for_end(f, &f->client[i], 2));
        assert_string_equal(f->client[i].text,
                            "{\"error\":{\"text\":\"too many subscribers: at most 64 are "
                            "possible\"}}\n");
    }
    publish(f, 1);
    assert_true(wait_for(f, &f->client[63], LINE, 4));
    for (int i = 0; i < 100; i++)
        shutdown(f->client[i].fd, SHUT_RDWR);
    run_for(f, 600);
    struct client *late = reach(f);
    say(late, "{\"after\":0}\n");
    assert_true(wait_for(f, late, LINE, 2));
}

/* 10,000 connections beside one that is served: it does not notice. */
static void test_siege(void **state)
{
    struct fixture *f = *state;
    struct client *good = reach(f);
    say(good, "{\"after\":0}\n");
    run_for(f, 50);
    for (int round = 0; round < 100; round++) {
        int fd[100];
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
        for (int i = 0; i < 100; i++) {
            fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            int failed = connect(fd[i], (const struct sockaddr *)&address, sizeof address);
            assert_true(failed == 0 || errno == EAGAIN);
            if (i % 3 == 0 && failed == 0)
                send(fd[i], "{\"after\"", 8, MSG_NOSIGNAL);
        }
        publish(f, 1);
        struct wtime asked = wtime_now();
        assert_true(wait_for(f, good, good->size + 1, 2));
        assert_true(wtime_now().ns - asked.ns < NS_PER_S);
        for (int i = 0; i < 100; i++)
            close(fd[i]);
    }
    run_for(f, 300);
    hear(good);
    expect_lines(good, 1, 100);
    struct client *late = reach(f); /* and there is room */
    say(late, "{\"after\":99}\n");
    assert_true(wait_for(f, late, LINE, 2));
}

/* No descriptor is left: whoever comes waits in the kernel's queue, and the loop does not spin. */
static void test_no_descriptor(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, none;
    struct client *good = reach(f);
    say(good, "{\"after\":0}\n");
    run_for(f, 50);
    struct client *late = reach(f);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_for(f, 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    publish(f, 1);
    assert_true(wait_for(f, good, LINE, 1));
    say(late, "{\"after\":0}\n");
    assert_true(wait_for(f, late, LINE, 2));
}

/* --- its file --------------------------------------------------------------------------------- */

static void test_its_file(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    struct error error = {0};
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_null(bus_new(f->c.loop, &f->c.config, &error)); /* a second one */
    assert_non_null(strstr(error.message, "another sensor runs here"));
    assert_int_equal(stat(f->path, &st), 0);
    case_close_bus(&f->c);
    assert_int_equal(stat(f->path, &st), -1);
    case_open_bus(&f->c);
    assert_int_equal(unlink(f->path), 0);
    FILE *file = fopen(f->path, "w"); /* somebody else's by now */
    fclose(file);
    case_close_bus(&f->c);
    assert_int_equal(stat(f->path, &st), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_begins_at_the_newest),
        T(test_begins_where_it_says),
        T(test_half_closed),
        T(test_socat),
        T(test_filtered_alike),
        T(test_nonsense),
        T(test_asks_slowly),
        T(test_too_slow),
        T(test_too_many),
        T(test_siege),
        T(test_no_descriptor),
        T(test_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
