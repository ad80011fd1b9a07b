/* The client of the control API against servers that keep to nothing: each costs a bounded time and
 * one error. A server here is a thread that takes one connection and plays its part. */
#include "../../../sensor/command/api_client.h"

#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/bus/api.h"
#include "weir/bus/event_loop.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64], path[80];
    int listener;
    pthread_t thread;
    bool playing;
    const char *text;  /* what is said */
    size_t repeat;     /* then this many times 1 MiB of 'x' */
    bool hang, unread; /* stays silent until the client goes; does not read the request */
    char request[512];
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error error = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-client-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/c.sock", f->folder);
    f->listener = api_listen(f->path, 0600, &error);
    assert_true(f->listener >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->playing)
        pthread_join(f->thread, NULL);
    if (f->listener >= 0)
        close(f->listener);
    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void say(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client has heard enough */
        text += sent;
        size -= (size_t)sent;
    }
}

static void *play(void *context)
{
    struct fixture *f = context;
    struct pollfd poll_fd = {.fd = f->listener, .events = POLLIN};
    poll(&poll_fd, 1, 5000);
    int fd = accept(f->listener, NULL, NULL);
    ssize_t got = f->unread ? 0 : recv(fd, f->request, sizeof f->request - 1, 0);
    f->request[got > 0 ? got : 0] = '\0';
    say(fd, f->text, strlen(f->text));
    char *much = xcalloc(1, (size_t)1 << 20);
    memset(much, 'x', (size_t)1 << 20);
    for (size_t i = 0; i < f->repeat; i++)
        say(fd, much, (size_t)1 << 20);
    free(much);
    poll_fd = (struct pollfd){.fd = fd, .events = POLLIN};
    if (f->hang && poll(&poll_fd, 1, 10000) < 0)
        perror("poll");
    close(fd);
    return NULL;
}

static void begin(struct fixture *f, const char *text)
{
    f->text = text;
    assert_int_equal(pthread_create(&f->thread, NULL, play, f), 0);
    f->playing = true;
}

static void end(struct fixture *f)
{
    pthread_join(f->thread, NULL);
    f->playing = false;
}

static void expect_body(struct fixture *f, const char *text, int expected,
                        const char *expected_body)
{
    struct error error = {0};
    char *body;
    int status;
    begin(f, text);
    if (api_call(f->path, "GET", "/v1/status", 3000, &status, &body, &error) != 0)
        fail_msg("%s", error.message);
    end(f);
    assert_int_equal(status, expected);
    assert_string_equal(body, expected_body);
    free(body);
}

static void expect_error(struct fixture *f, const char *text, const char *words)
{
    struct error error = {0};
    char *body;
    int status;
    begin(f, text);
    int timeout_ms = f->hang ? 500 : 30000; /* only who hangs is waited for */
    assert_int_equal(api_call(f->path, "GET", "/", timeout_ms, &status, &body, &error), -1);
    end(f);
    assert_null(body);
    assert_int_equal(error.code, ERROR_RUN);
    if (!strstr(error.message, words) || !strstr(error.message, f->path))
        fail_msg("\"%.60s\": \"%s\" instead of \"%s\"", text, error.message, words);
}

static void test_good(void **state)
{
    struct fixture *f = *state;
    expect_body(f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}");
    assert_string_equal(f->request, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"
                                    "Content-Length: 0\r\nConnection: close\r\n\r\n");
    expect_body(f, "HTTP/1.1 202\r\ncontent-length:0\r\n\r\n", 202, "");
    expect_body(f, "HTTP/1.0 409 No\r\n\r\nto the end", 409, "to the end"); /* states no length */
    expect_body(f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more", 200, "{}");
    f->hang = true; /* who has all of it does not wait for the end of the connection */
    expect_body(f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}");
    f->hang = false;
    f->unread = true; /* a server that is full says so without reading */
    expect_body(f, "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}", 503, "{}");
}

static void test_garbage(void **state)
{
    struct fixture *f = *state;
    static const char *const row[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "hello\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 xyz\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 17000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        expect_error(f, row[i], "is this a sensor's socket?");
    expect_error(f, "", "closed without a reply");
}

static void test_endless(void **state)
{
    struct fixture *f = *state;
    f->repeat = 1; /* a head that does not end */
    expect_error(f, "HTTP/1.1 200 OK\r\nA: ", "is this a sensor's socket?");
    f->repeat = 20; /* a body that does not */
    expect_error(f, "HTTP/1.1 200 OK\r\n\r\n", "larger than 16 MiB");
}

static void test_hang(void **state)
{
    struct fixture *f = *state;
    int64_t began = wtime_now().ns;
    f->hang = true;
    expect_error(f, "", "no answer within 0.5 s");
    expect_error(f, "HTTP/1.1 200 OK\r\nContent-Le", "no answer within 0.5 s");
    expect_error(f, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "no answer within 0.5 s");
    assert_in_range((wtime_now().ns - began) / NS_PER_MS, 1400, 4000);
}

/* A listener that nobody serves: the kernel's queue takes some, then connect says "not now". */
static void test_nobody_accepts(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char *body;
    int status;
    assert_int_equal(listen(f->listener, 0), 0);
    for (int i = 0; i < 3; i++) {
        error = (struct error){0};
        assert_int_equal(api_call(f->path, "GET", "/", 200, &status, &body, &error), -1);
        assert_non_null(strstr(error.message, "no answer within 0.2 s"));
    }
}

static void test_nobody(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char *body, longer[200];
    int status;
    close(f->listener); /* dead, and its file still there */
    f->listener = -1;
    assert_int_equal(api_call(f->path, "GET", "/", 200, &status, &body, &error), -1);
    assert_non_null(strstr(error.message, "no sensor runs at "));
    unlink(f->path);
    error = (struct error){0};
    assert_int_equal(api_call(f->path, "GET", "/", 200, &status, &body, &error), -1);
    assert_non_null(strstr(error.message, "start one with weir run"));
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error = (struct error){0};
    assert_int_equal(api_call(longer, "GET", "/", 200, &status, &body, &error), -1);
    assert_non_null(strstr(error.message, "too long"));
}

/* --- against the server that it is for -------------------------------------------------------- */

static struct loop_ref served; /* one at a time */

static void answer_big(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    (void)request;
    reply->body = xcalloc(1, ((size_t)8 << 20) + 1);
    memset(reply->body, 'x', (size_t)8 << 20);
}

static void answer_stop(void *context, const struct api_request *request, struct api_reply *reply)
{
    (void)context;
    (void)request;
    api_refuse(reply, 409, "stopped");
    served.ops->stop(served.loop);
}

static void *serve(void *context)
{
    static const struct api_route routes[] = {
        {"GET", "/big", answer_big}, {"POST", "/stop", answer_stop}, {NULL, NULL, NULL}};
    const int *listener = context;
    struct error error = {0};
    served = event_loop_new(&error);
    struct api *api = api_new(served, *listener, routes, NULL, &error);
    if (api)
        served.ops->run(served.loop);
    api_free(api);
    event_loop_free(served);
    return NULL;
}

/* A reply that comes in many pieces; and one that is out although the loop ends on it. */
static void test_pair(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char *body, text[64];
    int status;
    assert_int_equal(pthread_create(&f->thread, NULL, serve, &f->listener), 0);
    assert_int_equal(api_call(f->path, "GET", "/big", 5000, &status, &body, &error), 0);
    assert_int_equal(status, 200);
    assert_int_equal(strspn(body, "x"), (size_t)8 << 20);
    free(body);
    assert_int_equal(api_call(f->path, "GET", "/stop", 5000, &status, &body, &error), 0);
    assert_int_equal(status, 405);
    free(body);
    assert_int_equal(api_call(f->path, "POST", "/stop", 5000, &status, &body, &error), 0);
    assert_int_equal(status, 409);
    api_error_text(body, text, sizeof text);
    assert_string_equal(text, "stopped");
    free(body);
    pthread_join(f->thread, NULL);
    f->listener = -1; /* taken */
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text;
    } row[] = {
        {"{\"error\":{\"text\":\"a:1:2: no\"}}", "a:1:2: no"},
        {"{\"error\":{\"text\":\"a\\nb\\u001b[31m\"}}", "a?b?[31m"},
        {"{\"error\":{\"text\":\"0123456789012345678901234567890123456789\"}}",
         "0123456789012345678901234567890"},
        {"{\"error\":\"no\"}", ""},
        {"[]", ""},
        {"", ""},
        {"<html>", ""},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[32];
        api_error_text(row[i].body, text, sizeof text);
        assert_string_equal(text, row[i].text);
    }
    char *path = api_socket_path("");
    assert_string_equal(path, "/var/lib/weir/control.sock");
    free(path);
    path = api_socket_path("/tmp/x");
    assert_string_equal(path, "/tmp/x/control.sock");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hang, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_accepts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pair, setup, teardown),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
