/* Clients that mean harm, or know no better: they cost themselves their connection and others
 * nothing. Half of these wait for the 5 s that a client has. */
#include "api_case.h"

#include "weir/base/time.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define MANY 200

static int64_t now_ms(void)
{
    return wtime_now().ns / NS_PER_MS;
}

/* 64 are heard; each of the others is told so at once, and when they go there is room again. */
static void test_many(void **state)
{
    struct fixture *f = *state;
    int fd[MANY];
    size_t size;
    for (int i = 0; i < MANY; i++)
        fd[i] = reach(f);
    for (int i = API_CLIENTS; i < MANY; i++) {
        char *reply = hear(fd[i], 1000, &size);
        expect_start(reply, "HTTP/1.1 503 ");
        assert_non_null(strstr(reply, "Content-Length: 58\r\n"));
        assert_non_null(strstr(reply, "{\"error\":{\"text\":\"too many connections"));
        free(reply);
    }
    for (int i = 0; i < API_CLIENTS; i++)
        say(fd[i], "GET /ok HTTP/1.1\r\n\r\n", 20);
    for (int i = 0; i < API_CLIENTS; i++)
        expect_reply(hear(fd[i], 1000, &size), "HTTP/1.1 200 ", "GET /ok?");
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    usleep(50000);
    expect_alive(f);
    finish(f);
    assert_int_equal(f->counts.refused, MANY - API_CLIENTS);
    assert_int_equal(f->counts.requests, API_CLIENTS + 1);
}

/* Says a byte now and then, for 5 s and no longer. */
static void be_slow(const struct fixture *f, int slow, const char *text)
{
    int64_t began = now_ms();
    for (size_t i = 0; text[i] && now_ms() - began < 7000; i++) {
        if (!say(slow, &text[i], 1))
            break;
        int64_t asked = now_ms();
        expect_alive(f);
        assert_true(now_ms() - asked < 2000);
        usleep(200000);
        if (now_ms() - began > 4000 && recv(slow, (char[1]){0}, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
            break;
    }
    assert_in_range(now_ms() - began, 4000, 6900);
}

/* A trickle, a silent one, one that stops in its body, and one that never takes its reply: at the
 * same time, while others are answered. */
static void test_slow(void **state)
{
    struct fixture *f = *state;
    static const char body[] = "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf";
    static const char big[] = "GET /big HTTP/1.1\r\n\r\n";
    int slow = reach(f), silent = reach(f), stopped = reach(f), deaf = reach(f);
    size_t size;
    assert_true(say(stopped, body, sizeof body - 1));
    assert_true(say(deaf, big, sizeof big - 1));
    be_slow(f, slow, "GET /a-path-that-takes-longer-than-there-is-time HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        int fd = i == 0 ? slow : i == 1 ? silent : stopped;
        char *reply = hear(fd, 1000, &size);
        expect_start(reply, "HTTP/1.1 408 ");
        free(reply);
        close(fd);
    }
    usleep(1000000); /* it began a little later than the others, and is looked at now and then */
    char *part = hear(deaf, 2000, &size);
    assert_true(size < BIG); /* it was given up */
    free(part);
    close(deaf);
    expect_alive(f);
    finish(f);
    assert_int_equal(f->counts.bad, 3);
    assert_int_equal(f->counts.refused, 0);
}

/* A head without an end: it is told so, and what it goes on to send is thrown away only for a
 * while. */
static void test_endless(void **state)
{
    struct fixture *f = *state;
    static char block[1 << 16];
    size_t taken = 0;
    memset(block, 'y', sizeof block);
    int fd = reach(f);
    for (ssize_t sent = 0; sent >= 0 && taken<(size_t)64 << 20; taken += sent> 0 ? (size_t)sent : 0)
        sent = send(fd, block, sizeof block, MSG_NOSIGNAL);
    assert_in_range(taken, 1 << 20, 4 << 20); /* and what the kernel holds */
    char told[14] = "";
    assert_int_equal(recv(fd, told, 13, MSG_WAITALL), 13);
    assert_string_equal(told, "HTTP/1.1 431 ");
    close(fd);
    expect_alive(f);
    finish(f);
    assert_int_equal(f->counts.bad, 1);
}

/* 64 trickles shut everybody else out for no longer than that. */
static void test_all_taken(void **state)
{
    struct fixture *f = *state;
    int fd[API_CLIENTS];
    size_t size;
    for (int i = 0; i < API_CLIENTS; i++)
        fd[i] = reach(f);
    char *refused = ask(f, "GET /ok HTTP/1.1\r\n\r\n");
    expect_start(refused, "HTTP/1.1 503 ");
    free(refused);
    for (int i = 0; i < API_CLIENTS; i++)
        free(hear(fd[i], 7000, &size));
    usleep(1500000); /* they are told, and not closed by their own side: 1 s of lingering */
    expect_alive(f);
    for (int i = 0; i < API_CLIENTS; i++)
        close(fd[i]);
}

/* Goes away before, and in the middle of, what it asked for. */
static void test_gone(void **state)
{
    struct fixture *f = *state;
    static const char big[] = "GET /big HTTP/1.1\r\n\r\n";
    for (int i = 0; i < 50; i++) {
        char bytes[1000];
        int fd = reach(f);
        assert_true(say(fd, big, sizeof big - 1));
        if (i % 2)
            assert_true(recv(fd, bytes, sizeof bytes, 0) > 0);
        close(fd);
    }
    expect_alive(f);
    size_t size;
    int fd = reach(f); /* and one that stays gets all of it */
    assert_true(say(fd, big, sizeof big - 1));
    char *reply = hear(fd, 5000, &size);
    assert_true(size > BIG);
    assert_int_equal(strspn(strstr(reply, "\r\n\r\n") + 4, "x"), BIG);
    free(reply);
    close(fd);
}

/* The lowest free descriptor, once the server has closed what it will close. */
static int next_descriptor(void)
{
    int before, now = -1;
    do {
        before = now;
        now = dup(STDIN_FILENO);
        close(now);
        usleep(200000);
    } while (now != before);
    return now;
}

/* No descriptor is left: whoever comes waits in the kernel's queue and is answered later. */
static void test_no_descriptor(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, none;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    expect_alive(f);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int next = next_descriptor();
    none = (struct rlimit){(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int reached = connect(fd, (const struct sockaddr *)&address, sizeof address);
    bool said = say(fd, "GET /ok HTTP/1.1\r\n\r\n", 20);
    struct pollfd quiet = {.fd = fd, .events = POLLIN};
    int answered = poll(&quiet, 1, 700);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(reached, 0);
    assert_true(said);
    assert_int_equal(answered, 0);
    size_t size;
    expect_reply(hear(fd, 1000, &size), "HTTP/1.1 200 ", "GET /ok?");
    close(fd);
    finish(f);
    assert_in_range(f->counts.refused, 1, 10); /* a few tries, not a spinning loop */
}

/* --- the listener's file ---------------------------------------------------------------------- */

static int mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 0777);
}

static void test_listen_modes(void **state)
{
    (void)state;
    struct error error = {0};
    char folder[] = "/tmp/weir-listen-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/c.sock", folder);
    static const mode_t mask[] = {0, 077, 0777};
    for (size_t i = 0; i < sizeof mask / sizeof *mask; i++) {
        mode_t before = umask(mask[i]);
        int fd = api_listen(path, 0660, &error); /* from the second on it replaces a dead one */
        umask(before);
        if (fd < 0)
            fail_msg("%s", error.message);
        assert_int_equal(mode_of(path), 0660);
        close(fd);
    }
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void test_listen_refuses(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-listen-XXXXXX", path[64], longer[200];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/c.sock", folder);
    struct error error = {0};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(api_listen(path, 0660, &error), -1);
    assert_non_null(strstr(error.message, "is no socket"));
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    error = (struct error){0};
    assert_int_equal(api_listen(path, 0660, &error), -1); /* no such folder */
    assert_non_null(strstr(error.message, path));
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error = (struct error){0};
    assert_int_equal(api_listen(longer, 0660, &error), -1);
    assert_non_null(strstr(error.message, "199 bytes, at most 107"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_descriptor, setup, teardown),
        cmocka_unit_test(test_listen_modes),
        cmocka_unit_test(test_listen_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
