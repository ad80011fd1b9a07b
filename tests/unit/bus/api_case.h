/* A control API that runs in a thread of its own, and clients made of raw sockets. */
#ifndef TESTS_UNIT_BUS_API_CASE_H
#define TESTS_UNIT_BUS_API_CASE_H

#include "weir/base/buffer.h"
#include "weir/bus/api.h"
#include "weir/bus/event_loop.h"

#include <errno.h>
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
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define BIG ((size_t)8 << 20) /* more than a socket's buffers hold */

struct fixture {
    char folder[64], path[80];
    int listener, stop[2];
    pthread_t thread;
    bool running;
    struct api_settings settings;   /* before the server begins; all 0: plain */
    const struct api_route *routes; /* likewise; NULL: api_routes */
    struct api *api;                /* routes have the fixture as context */
    struct api_counts counts;       /* after finish() */
};

static inline void answer_ok(void *context, const struct api_request *request,
                             struct api_reply *reply)
{
    (void)context;
    reply->body = xasprintf("%s %s?%s", request->method, request->path, request->query);
}

static inline void answer_echo(void *context, const struct api_request *request,
                               struct api_reply *reply)
{
    (void)context;
    reply->status = 202;
    reply->type = "text/plain";
    reply->body = xcalloc(1, request->body_size + 1);
    memcpy(reply->body, request->body, request->body_size);
}

static inline void answer_big(void *context, const struct api_request *request,
                              struct api_reply *reply)
{
    (void)context;
    (void)request;
    reply->body = xcalloc(1, BIG + 1);
    memset(reply->body, 'x', BIG);
}

static inline void answer_empty(void *context, const struct api_request *request,
                                struct api_reply *reply)
{
    (void)context;
    (void)request;
    (void)reply;
}

static inline void answer_conflict(void *context, const struct api_request *request,
                                   struct api_reply *reply)
{
    (void)context;
    (void)request;
    api_refuse(reply, 409, "weir.yaml:1:1: \"no\"");
}

static inline void answer_part(void *context, const struct api_request *request,
                               struct api_reply *reply)
{
    char part[8];
    (void)context;
    bool fits = api_path_part("/part/*/end", request->path, part, sizeof part);
    reply->body =
        xasprintf("%s of %s", fits ? part : "longer", request->uid == getuid() ? "me" : "?");
}

static const struct api_route api_routes[] = {{"GET", "/ok", answer_ok},
                                              {"GET", "/part/*/end", answer_part},
                                              {"POST", "/ok", answer_ok},
                                              {"POST", "/echo", answer_echo},
                                              {"GET", "/big", answer_big},
                                              {"GET", "/empty", answer_empty},
                                              {"POST", "/conflict", answer_conflict},
                                              {NULL, NULL, NULL}};

struct server {
    struct loop_ref loop;
    int stop;
};

static inline void on_stop(void *context, unsigned what)
{
    const struct server *server = context;
    char byte;
    (void)what;
    if (read(server->stop, &byte, 1) == 1)
        server->loop.ops->stop(server->loop.loop);
}

static inline void *serve(void *context)
{
    struct fixture *f = context;
    struct error error = {0};
    struct server server = {event_loop_new(&error), f->stop[0]};
    struct loop_ref loop = server.loop;
    struct api *api = api_new_with(loop, f->listener, f->routes ? f->routes : api_routes, f,
                                   &f->settings, &error);
    f->api = api;
    struct loop_watch *stop = loop.ops->watch(loop.loop, f->stop[0], LOOP_READ, on_stop, &server);
    loop.ops->run(loop.loop);
    f->counts = api_counts_of(api);
    loop.ops->drop(stop);
    api_free(api);
    event_loop_free(loop);
    return NULL;
}

static inline int setup_with(void **state, const struct api_route *routes,
                             const struct api_settings *settings)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->routes = routes;
    f->settings = *settings;
    struct error error = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-api-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/c.sock", f->folder);
    f->listener = api_listen(f->path, 0660, &error);
    if (f->listener < 0)
        fail_msg("%s", error.message);
    assert_int_equal(pipe(f->stop), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    f->running = true;
    *state = f;
    return 0;
}

static inline int setup(void **state)
{
    const struct api_settings plain = {.tls = NULL};
    return setup_with(state, NULL, &plain);
}

/* Ends the server; the counts are known then. */
static inline void finish(struct fixture *f)
{
    if (!f->running)
        return;
    assert_int_equal(write(f->stop[1], "x", 1), 1);
    pthread_join(f->thread, NULL);
    f->running = false;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    finish(f);
    close(f->stop[0]);
    close(f->stop[1]);
    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* --- a client --------------------------------------------------------------------------------- */

static inline int reach(const struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends all of it; false when the other side would not have it. */
static inline bool say(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Everything until the other side closes; fails when it does not within `ms`. Caller frees. */
static inline char *hear(int fd, int ms, size_t *size)
{
    struct buffer all = {0};
    for (;;) {
        static char bytes[1 << 16]; /* one client at a time reads */
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, ms) != 1)
            fail_msg("no answer within %d ms", ms);
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            break;
        buffer_put(&all, bytes, (size_t)got);
    }
    *size = all.size;
    buffer_u8(&all, 0);
    return (char *)all.data;
}

/* The whole reply to `text`; the connection is over then. Caller frees. */
static inline char *ask(const struct fixture *f, const char *text)
{
    size_t size;
    int fd = reach(f);
    say(fd, text, strlen(text));
    char *reply = hear(fd, 3000, &size);
    close(fd);
    return reply;
}

static inline void expect_start(const char *reply, const char *start)
{
    if (strncmp(reply, start, strlen(start)) != 0)
        fail_msg("\"%.120s\" instead of \"%s\"", reply, start);
}

/* The reply begins with `start`, states its length rightly, and its body is `body`. */
static inline void expect_reply(char *reply, const char *start, const char *body)
{
    char length[64];
    expect_start(reply, start);
    const char *end = strstr(reply, "\r\n\r\n");
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body));
    assert_non_null(strstr(reply, length));
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    free(reply);
}

static inline void expect_alive(const struct fixture *f)
{
    expect_reply(ask(f, "GET /ok HTTP/1.1\r\n\r\n"), "HTTP/1.1 200 OK\r\n", "GET /ok?");
}

#endif
