/* The control API's server.
 *
 * Not evhttp: there, a connection is known to its owner only once its request is whole, so those
 * that never get there can be neither bounded nor counted, and the time-out begins anew with every
 * byte, so 64 clients that send one byte now and then would shut everybody else out. What is left
 * to do by hand is http.c and the states of api_local.h, on base/loop.h alone.
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
#include "api_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_NS   (NS_PER_S / 4)
#define READ_BYTES ((size_t)16 << 10)
#define DEBT_TURNS 8 /* that spent time is owed for; more (the machine slept) is forgiven */

/* The request never became one. */
static void send_bad(struct api_client *client, enum http_result result)
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
    api_client_error(client, row[result].status, row[result].text, NULL);
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

bool api_may_send_file(struct api *api, struct api_reply *reply)
{
    if (api->files < API_FILES)
        return true;
    api->counts.refused++;
    api_refuse(reply, 503, "too many files are being sent, ask again later");
    return false;
}

/* `later`: the client waits, its ticket is all that is left of it here. */
static void reply_with(struct api_client *client, struct api_reply *reply)
{
    struct api *api = client->api;
    if (reply->later) {
        api->loop.ops->change(client->watch, 0);
        client->late = reply->late;
        api_client_enter(client, API_LATER, reply->late ? API_LATE_NS : API_REPLY_NS);
        free(reply->body);
        free(reply->headers);
    } else if (reply->stream && api->counts.streams >= api->settings.streams) {
        api->counts.refused++;
        api_refuse(reply, 503, "too many are told events, ask again later");
        api_client_send(client, reply, NULL);
    } else {
        if (reply->is_file)
            api_may_send_file(api, reply);
        api_client_send(client, reply, NULL);
    }
}

static bool is_admitted(struct api_client *client, struct api_request *asked)
{
    struct api *api = client->api;
    const struct api_guard *guard = api->settings.guard;
    struct api_reply reply = {.status = 200, .type = "application/json"};
    bool admitted = !guard || guard->admit(guard->context, asked, &reply);
    client->session = asked->session;
    if (admitted)
        return true;
    api->counts.denied += reply.status >= 400;
    reply_with(client, &reply);
    return false;
}

static void answer(struct api_client *client)
{
    const struct http_request *request = &client->request;
    char allow[64];
    struct api_request asked = {.method = request->method,
                                .path = request->path,
                                .query = request->query,
                                .body = client->in.data + request->head_size,
                                .body_size = request->body_size,
                                .uid = uid_of(client->fd),
                                .header = request->header,
                                .peer = client->peer,
                                .ticket = client->ticket};
    if (!is_admitted(client, &asked))
        return; /* and may be gone */
    const struct api_route *route = find_route(client->api, request, allow, sizeof allow);
    if (!route && *allow) {
        api_client_error(client, 405, "this path does not know that method", allow);
        return;
    }
    if (!route) {
        api_client_error(client, 404, "there is nothing at this path", NULL);
        return;
    }
    struct api_reply reply = {.status = 200, .type = "application/json"};
    route->answer(client->api->context, &asked, &reply);
    reply_with(client, &reply);
}

bool api_is_spent(const struct api *api)
{
    return api->settings.turn_ns > 0 && api->spent_ns >= api->settings.turn_ns;
}

static void answer_in_turn(struct api_client *client)
{
    struct api *api = client->api;
    struct wtime began = wtime_now();
    api->counts.requests++;
    answer(client);
    api->spent_ns += wtime_now().ns - began.ns;
}

static void answer_or_wait(struct api_client *client)
{
    struct api *api = client->api;
    if (!api_is_spent(api)) {
        answer_in_turn(client);
        return;
    }
    api->counts.waited++;
    api->loop.ops->change(client->watch, 0);
    api_client_enter(client, API_WAIT, API_REPLY_NS);
}

void api_answer(struct api *api, uint64_t ticket, struct api_reply *reply)
{
    struct api_client *client = api->first;
    while (client && (client->phase != API_LATER || client->ticket != ticket))
        client = client->next;
    if (client) {
        api->counts.denied += reply->status >= 400;
        api_client_send(client, reply, NULL);
        return;
    }
    free(reply->body);
    free(reply->headers);
    if (reply->is_file)
        close(reply->file);
}

/* --- the request ------------------------------------------------------------------------------ */

static enum http_result read_head(struct api_client *client)
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
        client->phase = API_BODY;
    return result;
}

static void read_on(struct api_client *client)
{
    enum http_result result = client->phase == API_HEAD ? read_head(client) : HTTP_OK;
    if (result == HTTP_MORE)
        return;
    if (result != HTTP_OK)
        send_bad(client, result);
    else if (client->in.size - client->request.head_size >= client->request.body_size)
        answer_or_wait(client);
}

/* False: it is not done, and the client may be gone. */
static bool shake(struct api_client *client)
{
    struct api *api = client->api;
    struct wtime began = wtime_now();
    enum api_io io = api_client_shake(client);
    api->spent_ns += wtime_now().ns - began.ns;
    if (io == API_IO_SOME)
        client->phase = API_HEAD; /* of one deadline with the request */
    if (io != API_IO_ENDED)
        return io == API_IO_SOME;
    api->counts.bad++;
    api_client_free(client);
    return false;
}

static void on_bytes(struct api_client *client, const char *bytes, size_t size)
{
    if (client->phase == API_LINGER) {
        client->thrown += size;
        if (client->thrown > API_LINGER_BYTES) /* it was told; its bytes cost the others' turn */
            api_client_free(client);
        return;
    }
    buffer_put(&client->in, bytes, size);
    read_on(client);
}

static void on_end(struct api_client *client)
{
    bool asked = client->phase == API_BODY || client->in.size > 0 || api_client_is_idle(client);
    if (client->phase != API_LINGER && asked) /* who only knocked did nothing wrong */
        client->api->counts.bad++;
    api_client_free(client);
}

static void read_some(struct api_client *client)
{
    char bytes[READ_BYTES];
    size_t got = 0;
    switch (api_client_read(client, bytes, sizeof bytes, &got)) {
    case API_IO_SOME:
        on_bytes(client, bytes, got);
        break;
    case API_IO_ENDED:
        on_end(client);
        break;
    case API_IO_AGAIN:
        break;
    }
}

/* What it sends is taken, or its file goes on, in its turn. */
static void go_on(struct api_client *client)
{
    struct api *api = client->api;
    struct wtime began = wtime_now();
    if (client->phase == API_REPLY) {
        api_client_go_on(client);
        api->spent_ns += wtime_now().ns - began.ns;
    } else if (client->phase != API_HANDSHAKE || shake(client)) {
        read_some(client);
    }
}

static void hold(struct api_client *client)
{
    client->api->counts.waited += client->phase < API_WAIT; /* others were answered */
    client->api->loop.ops->change(client->watch, 0);
    client->held = true;
    client->held_since = wtime_now();
}

/* It is not the client that was slow. */
static void let_go_on(struct api_client *client)
{
    client->held = false;
    client->deadline.ns += wtime_now().ns - client->held_since.ns;
    client->api->loop.ops->change(client->watch,
                                  client->phase == API_REPLY ? LOOP_WRITE : LOOP_READ);
    go_on(client);
}

void api_client_ready(void *context, unsigned what)
{
    struct api_client *client = context;
    switch (client->phase) {
    case API_HANDSHAKE:
    case API_HEAD:
    case API_BODY:
    case API_LINGER:
        if (api_is_spent(client->api))
            hold(client);
        else
            go_on(client);
        break;
    case API_REPLY: /* of a file there is more than a piece */
        if (client->has_file && api_is_spent(client->api))
            hold(client);
        else
            go_on(client);
        break;
    case API_STREAM:
        api_stream_ready(client, what);
        break;
    case API_WAIT:
    case API_LATER: /* not watched */
        break;
    }
}

/* Its time is over by no fault of its own: it is let go for want of ours, or what it asked goes on
 * without it. */
static void give_up(struct api_client *client)
{
    client->held = false;
    client->api->counts.unserved += client->phase != API_LINGER && !client->late;
    if (client->phase == API_HANDSHAKE || client->phase == API_LINGER || client->phase == API_REPLY)
        api_client_free(client);
    else
        api_client_error(client, 503,
                         client->late ? client->late : "there was no time for it, ask again later",
                         NULL);
}

static void sweep_client(struct api_client *client, int64_t now_ns)
{
    int64_t until_ns = client->held ? client->held_since.ns + API_REPLY_NS : client->deadline.ns;
    if (client->phase == API_STREAM)
        api_stream_sweep(client, now_ns);
    else if (until_ns > now_ns)
        return;
    else if (client->held || client->phase == API_WAIT || client->phase == API_LATER)
        give_up(client);
    else if (client->phase == API_HEAD || client->phase == API_BODY)
        send_bad(client, HTTP_MORE);
    else {
        client->api->counts.bad += client->phase == API_HANDSHAKE;
        api_client_free(client);
    }
}

/* Who waits longest stands last. */
static void answer_waiting(struct api *api)
{
    struct api_client *client = api->first, *previous;
    while (client && client->next)
        client = client->next;
    for (; client && !api_is_spent(api); client = previous) {
        previous = client->previous;
        if (client->phase == API_WAIT)
            answer_in_turn(client);
        else if (client->held)
            let_go_on(client);
    }
}

/* A turn's worth: what was spent beyond it the next ones have less. */
static void forgive(struct api *api)
{
    int64_t turn_ns = api->settings.turn_ns, left_ns = api->spent_ns - turn_ns;
    int64_t most_ns = DEBT_TURNS * turn_ns;
    api->spent_ns = left_ns < 0 ? 0 : left_ns > most_ns ? most_ns : left_ns;
}

static void on_sweep(void *context)
{
    struct api *api = context;
    int64_t now_ns = wtime_now().ns;
    for (struct api_client *client = api->first, *next; client; client = next) {
        next = client->next;
        sweep_client(client, now_ns);
    }
    forgive(api);
    answer_waiting(api);
    if (api->paused && !api_is_spent(api)) {
        api->loop.ops->change(api->listening, LOOP_READ);
        api->paused = false;
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

struct api *api_new(struct loop_ref loop, int listener, const struct api_route *routes,
                    void *context, struct error *error)
{
    const struct api_settings plain = {.tls = NULL};
    return api_new_with(loop, listener, routes, context, &plain, error);
}

struct api *api_new_with(struct loop_ref loop, int listener, const struct api_route *routes,
                         void *context, const struct api_settings *settings, struct error *error)
{
    struct api *api = xcalloc(1, sizeof *api);
    *api = (struct api){.loop = loop,
                        .listener = listener,
                        .routes = routes,
                        .context = context,
                        .settings = *settings};
    api->listening = loop.ops->watch(loop.loop, listener, LOOP_READ, api_welcome, api);
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
    for (struct api_client *client = api->first, *next; client; client = next) {
        next = client->next;
        api_client_free(client);
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
