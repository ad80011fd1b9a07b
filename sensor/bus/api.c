/* The control API's server.
 *
 * Not evhttp: there, a connection is known to its owner only once its request is whole, so those
 * that never get there can be neither bounded nor counted, and the time-out begins anew with every
 * byte, so 64 clients that send one byte now and then would shut everybody else out. What is left
 * to do by hand is http.c and the four states below, on base/loop.h alone.
 *
 * A client reads its request, then writes its reply, then lingers: it has been told that nothing
 * more comes, and what it still sends is thrown away until it closes, since closing first would
 * destroy a reply that is under way: a second long, and a MiB. Each of these has one deadline for
 * the whole of it (wall time: it paces I/O, it judges nothing), looked at by one timer. The first
 * write is tried at once, so that a small reply is out before the loop goes on: the answer to
 * "reload" must not be lost when the process ends on it.
 *
 * Invariants: clients <= API_CLIENTS; a client's buffer holds at most a head, a body and one read;
 * every client is in the list, has one watch, and is freed in one place. Thread: the loop's. */
#include "weir/bus/api.h"

#include "http.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_NS   (5 * NS_PER_S)
#define REPLY_NS     (5 * NS_PER_S)
#define LINGER_NS    NS_PER_S
#define LINGER_BYTES ((size_t)1 << 20)
#define SWEEP_NS     (NS_PER_S / 4)
#define READ_BYTES   ((size_t)16 << 10)
#define ACCEPT_TURN  16 /* connections taken in one turn of the loop */

enum phase {
    PHASE_HEAD,  /* the request line and headers are being read */
    PHASE_BODY,  /* `request` is filled; its body is being read */
    PHASE_REPLY, /* `out` is being written */
    PHASE_LINGER /* waits for the client to close */
};

struct client {
    struct client *next, *previous;
    struct api *api;
    int fd;
    struct loop_watch *watch;
    enum phase phase;
    struct wtime deadline;
    struct buffer in, out;
    size_t seen, written, thrown;
    char *head;                  /* a copy: `in` may move while the body comes */
    struct http_request request; /* points into it */
};

struct api {
    struct loop_ref loop;
    int listener;
    struct loop_watch *listening, *sweep;
    bool paused; /* no descriptor was left; tried again at the next sweep */
    const struct api_route *routes;
    void *context;
    struct client *first;
    unsigned clients;
    struct api_counts counts;
};

/* --- a client's end --------------------------------------------------------------------------- */

static void client_free(struct client *client)
{
    struct api *api = client->api;
    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        api->first = client->next;
    api->clients--;
    api->loop.ops->drop(client->watch);
    close(client->fd);
    buffer_fini(&client->in);
    buffer_fini(&client->out);
    free(client->head);
    free(client);
}

static void enter(struct client *client, enum phase phase, int64_t time_ns)
{
    client->phase = phase;
    client->deadline.ns = wtime_now().ns + time_ns;
}

/* --- the reply -------------------------------------------------------------------------------- */

void api_refuse(struct api_reply *reply, int status, const char *text)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_open(json, "error");
    json_str(json, "text", text);
    json_close(json);
    json_close(json);
    free(reply->body);
    *reply = (struct api_reply){status, "application/json", json_take_text(json, 0)};
    json_free(json);
}

/* Sends what there is room for. False: the client is freed. */
static bool write_some(struct client *client)
{
    while (client->written < client->out.size) {
        ssize_t sent = send(client->fd, client->out.data + client->written,
                            client->out.size - client->written, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (sent < 0) {
            client_free(client);
            return false;
        }
        client->written += (size_t)sent;
    }
    shutdown(client->fd, SHUT_WR);
    client->api->loop.ops->change(client->watch, LOOP_READ);
    enter(client, PHASE_LINGER, LINGER_NS);
    return true;
}

/* `allow`: a value for the Allow header, or NULL. The reply's body is taken. */
static void send_reply(struct client *client, struct api_reply *reply, const char *allow)
{
    size_t size = reply->body ? strlen(reply->body) : 0;
    buffer_text(&client->out,
                "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                "Cache-Control: no-store\r\nConnection: close\r\n",
                reply->status, http_reason(reply->status), reply->type, size);
    if (allow)
        buffer_text(&client->out, "Allow: %s\r\n", allow);
    buffer_put(&client->out, "\r\n", 2);
    buffer_put(&client->out, reply->body, size);
    free(reply->body);
    client->api->loop.ops->change(client->watch, LOOP_WRITE);
    enter(client, PHASE_REPLY, REPLY_NS);
    write_some(client);
}

static void send_error(struct client *client, int status, const char *text, const char *allow)
{
    struct api_reply reply = {.body = NULL};
    api_refuse(&reply, status, text);
    send_reply(client, &reply, allow);
}

/* The request never became one. */
static void send_bad(struct client *client, enum http_result result)
{
    static const struct {
        int status;
        const char *text;
    } row[] = {
        [HTTP_OK] = {400, ""}, /* never */
        [HTTP_MORE] = {408, "the request did not come whole within 5 s"},
        [HTTP_BAD] = {400, "this is not an HTTP/1.1 request"},
        [HTTP_HEAD_LARGE] = {431, "the request line and headers are larger than 8 KiB"},
        [HTTP_BODY_LARGE] = {413, "the body is larger than 64 KiB"},
        [HTTP_NO_LENGTH] = {411, "a body needs a Content-Length"},
        [HTTP_VERSION_WRONG] = {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
    };
    client->api->counts.bad++;
    send_error(client, row[result].status, row[result].text, NULL);
}

/* `wild`: gets where the part that "*" stands for begins; NULL: it has none. */
static bool fits(const char *route, const char *path, const char **wild)
{
    *wild = NULL;
    for (; *route; route++) {
        if (*route == '*') {
            size_t size = strcspn(path, "/");
            *wild = path;
            path += size;
            if (size == 0)
                return false;
        } else if (*route != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

bool api_path_part(const char *route, const char *path, char *text, size_t room)
{
    const char *wild;
    size_t size = fits(route, path, &wild) && wild ? strcspn(wild, "/") : room;
    if (size >= room)
        return false;
    memcpy(text, wild, size);
    text[size] = '\0';
    return true;
}

/* The route, or NULL; `allow` is filled with the methods that the path has. */
static const struct api_route *find_route(const struct api *api, const struct http_request *request,
                                          char *allow, size_t room)
{
    const char *wild;
    *allow = '\0';
    for (const struct api_route *route = api->routes; route->path; route++) {
        if (!fits(route->path, request->path, &wild))
            continue;
        if (strcmp(route->method, request->method) == 0)
            return route;
        size_t used = strlen(allow);
        snprintf(allow + used, room - used, "%s%s", used ? ", " : "", route->method);
    }
    return NULL;
}

/* Who connected, whoever they are by now. */
static int64_t uid_of(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer &&
                   peer.pid > 0
               ? (int64_t)peer.uid
               : -1;
}

static void answer(struct client *client)
{
    const struct http_request *request = &client->request;
    char allow[64];
    const struct api_route *route = find_route(client->api, request, allow, sizeof allow);
    client->api->counts.requests++;
    if (!route && *allow) {
        send_error(client, 405, "this path does not know that method", allow);
        return;
    }
    if (!route) {
        send_error(client, 404, "there is nothing at this path", NULL);
        return;
    }
    struct api_request asked = {request->method,    request->path,
                                request->query,     client->in.data + request->head_size,
                                request->body_size, uid_of(client->fd)};
    struct api_reply reply = {200, "application/json", NULL};
    route->answer(client->api->context, &asked, &reply);
    send_reply(client, &reply, NULL);
}

/* --- the request ------------------------------------------------------------------------------ */

static enum http_result read_head(struct client *client)
{
    const char *bytes = (const char *)client->in.data;
    size_t head_size = 0;
    enum http_result result = http_find_head(bytes, client->in.size, &client->seen, &head_size);
    if (result != HTTP_OK)
        return result;
    client->head = xcalloc(1, head_size);
    memcpy(client->head, bytes, head_size);
    result = http_read_head(client->head, head_size, &client->request);
    if (result == HTTP_OK)
        client->phase = PHASE_BODY;
    return result;
}

static void read_on(struct client *client)
{
    enum http_result result = client->phase == PHASE_HEAD ? read_head(client) : HTTP_OK;
    if (result == HTTP_MORE)
        return;
    if (result != HTTP_OK)
        send_bad(client, result);
    else if (client->in.size - client->request.head_size >= client->request.body_size)
        answer(client);
}

static void on_client(void *context, unsigned what)
{
    struct client *client = context;
    char bytes[READ_BYTES];
    (void)what;
    if (client->phase == PHASE_REPLY) {
        write_some(client);
        return;
    }
    ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0) {
        bool asked = client->phase == PHASE_BODY || client->in.size > 0;
        if (client->phase != PHASE_LINGER && asked) /* who only knocked did nothing wrong */
            client->api->counts.bad++;
        client_free(client);
        return;
    }
    if (client->phase == PHASE_LINGER) {
        client->thrown += (size_t)got;
        if (client->thrown > LINGER_BYTES) /* it was told; its bytes cost the others their turn */
            client_free(client);
        return;
    }
    buffer_put(&client->in, bytes, (size_t)got);
    read_on(client);
}

static void on_sweep(void *context)
{
    struct api *api = context;
    int64_t now_ns = wtime_now().ns;
    for (struct client *client = api->first, *next; client; client = next) {
        next = client->next;
        if (client->deadline.ns > now_ns)
            continue;
        if (client->phase == PHASE_HEAD || client->phase == PHASE_BODY)
            send_bad(client, HTTP_MORE);
        else
            client_free(client);
    }
    if (api->paused)
        api->loop.ops->change(api->listening, LOOP_READ);
    api->paused = false;
}

/* --- connections ------------------------------------------------------------------------------ */

static void refuse_client(struct api *api, int fd)
{
    static const char body[] = "{\"error\":{\"text\":\"too many connections, ask again later\"}}";
    char text[256];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 503 %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        http_reason(503), sizeof body - 1, body);
    api->counts.refused++;
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) < 0)
        log_debug("control API: a client was gone before it could be refused: %s", strerror(errno));
    close(fd);
}

static void take_client(struct api *api, int fd)
{
    struct client *client = xcalloc(1, sizeof *client);
    *client = (struct client){.api = api, .fd = fd, .next = api->first};
    client->watch = api->loop.ops->watch(api->loop.loop, fd, LOOP_READ, on_client, client);
    if (!client->watch) {
        free(client);
        refuse_client(api, fd);
        return;
    }
    enter(client, PHASE_HEAD, REQUEST_NS);
    if (api->first)
        api->first->previous = client;
    api->first = client;
    api->clients++;
}

static void on_listener(void *context, unsigned what)
{
    struct api *api = context;
    (void)what;
    for (int turn = 0; turn < ACCEPT_TURN; turn++) {
        int fd = accept4(api->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && api->clients < API_CLIENTS) {
            take_client(api, fd);
        } else if (fd >= 0) {
            refuse_client(api, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            api->counts.refused++; /* it waits in the kernel's queue; so does the next try */
            api->paused = true;
            api->loop.ops->change(api->listening, 0);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

struct api *api_new(struct loop_ref loop, int listener, const struct api_route *routes,
                    void *context, struct error *error)
{
    struct api *api = xcalloc(1, sizeof *api);
    *api = (struct api){.loop = loop, .listener = listener, .routes = routes, .context = context};
    api->listening = loop.ops->watch(loop.loop, listener, LOOP_READ, on_listener, api);
    api->sweep = loop.ops->timer(loop.loop, SWEEP_NS, on_sweep, api);
    if (api->listening && api->sweep)
        return api;
    error_set(error, ERROR_RUN, "control API: its socket cannot be watched: %s", strerror(errno));
    api_free(api);
    return NULL;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    for (struct client *client = api->first, *next; client; client = next) {
        next = client->next;
        client_free(client);
    }
    api->loop.ops->drop(api->listening);
    api->loop.ops->drop(api->sweep);
    close(api->listener);
    free(api);
}

struct api_counts api_counts_of(const struct api *api)
{
    return api->counts;
}
