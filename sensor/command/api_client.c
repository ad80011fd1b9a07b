/* A question to a running sensor.
 *
 * One connection a question, "Connection: close", one deadline for all of it (wall time: it only
 * bounds the waiting). The reply is read to its stated length, or to the end of the connection when
 * it states none; a reply that ends before its length is an error, not a shorter reply. When the
 * question cannot be sent whole, the answer is read all the same: a server that is full says so
 * without reading. Thread: the main thread of a short-lived command. */
#include "api_client.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_DIR "/var/lib/weir" /* where sensor.state_dir is empty */

struct call {
    const char *path;
    int fd, timeout_ms;
    struct wtime deadline;
    struct buffer reply;
    size_t head_size, expected; /* 0: not known yet; expected: of the whole reply */
    struct error *error;
};

char *api_socket_path(const char *state_dir)
{
    return xasprintf("%s/control.sock", *state_dir ? state_dir : STATE_DIR);
}

static int left_ms(const struct call *call)
{
    int64_t left = (call->deadline.ns - wtime_now().ns + NS_PER_MS - 1) / NS_PER_MS;
    return left < 0 ? 0 : (int)left;
}

static int too_late(const struct call *call)
{
    return error_set(call->error, ERROR_RUN,
                     "%s: no answer within %g s: the sensor there is busy or hangs", call->path,
                     (double)call->timeout_ms / 1000);
}

static int not_http(const struct call *call)
{
    if (call->reply.size == 0)
        return error_set(call->error, ERROR_RUN,
                         "%s: the connection was closed without a reply: is the sensor restarting?",
                         call->path);
    return error_set(call->error, ERROR_RUN,
                     "%s: the reply is cut short, or no HTTP: is this a sensor's socket?",
                     call->path);
}

/* 0 once `events` are there. */
static int wait_for(const struct call *call, short events)
{
    struct pollfd poll_fd = {.fd = call->fd, .events = events};
    int ready;
    do
        ready = poll(&poll_fd, 1, left_ms(call));
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : too_late(call);
}

static int say_why_not(const struct call *call, int why)
{
    if (why == ENOENT || why == ECONNREFUSED)
        return error_set(call->error, ERROR_RUN,
                         "no sensor runs at %s: start one with weir run, or name its "
                         "configuration with -c FILE",
                         call->path);
    if (why == EACCES)
        return error_set(call->error, ERROR_RUN,
                         "%s: permission denied: ask as root or as a member of the socket's group",
                         call->path);
    return error_set(call->error, ERROR_RUN, "%s: %s", call->path, strerror(why));
}

/* A full queue (EAGAIN) is a sensor that is busy: asked again until the deadline. */
static int reach(struct call *call)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(call->path);
    if (size >= sizeof address.sun_path)
        return say_why_not(call, ENAMETOOLONG);
    memcpy(address.sun_path, call->path, size + 1);
    call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0)
        return say_why_not(call, errno);
    while (connect(call->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            return say_why_not(call, errno);
        if (left_ms(call) == 0)
            return too_late(call);
        poll(NULL, 0, 10);
    }
    return 0;
}

static int send_request(const struct call *call, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(call->fd, text, left, MSG_NOSIGNAL);
        if (sent > 0) {
            text += sent;
            left -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (wait_for(call, POLLOUT) != 0)
                return -1;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return 0;
        } else if (errno != EINTR) {
            return say_why_not(call, errno);
        }
    }
    return 0;
}

/* The stated length of the body, or −1: none is stated (−2: it makes no sense). `head` ends with
 * the empty line. */
static long stated_length(const char *head)
{
    long length = -1;
    for (const char *line = head; (line = strstr(line, "\r\n")) != NULL && line[2] != '\r';) {
        line += 2;
        if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
            return -2;
        if (strncasecmp(line, "Content-Length:", 15) != 0)
            continue;
        char *end;
        errno = 0;
        length = strtol(line + 15, &end, 10);
        if (errno || length < 0 || (size_t)length > API_REPLY_MAX || end == line + 15 ||
            *end != '\r')
            return -2;
    }
    return length;
}

/* "HTTP/1.1 200 OK"; 0 when it is no such line. */
static int status_of(const char *head)
{
    int major, minor, status;
    /* NOLINTNEXTLINE(cert-err34-c): three digits at most cannot overflow */
    if (sscanf(head, "HTTP/%1d.%1d %3d", &major, &minor, &status) != 3 || major != 1)
        return 0;
    return status >= 100 ? status : 0;
}

/* Looks at what came: 0 go on, −1 it is no reply. */
static int look(struct call *call, int *status)
{
    buffer_u8(&call->reply, 0);
    call->reply.size--;
    const char *text = (const char *)call->reply.data, *end = strstr(text, "\r\n\r\n");
    if (!end)
        return call->reply.size < 16384 ? 0 : not_http(call);
    call->head_size = (size_t)(end - text) + 4;
    char *head = xasprintf("%.*s", (int)call->head_size, text);
    long length = stated_length(head);
    *status = status_of(head);
    free(head);
    if (*status == 0 || length == -2)
        return not_http(call);
    call->expected = length < 0 ? SIZE_MAX : call->head_size + (size_t)length;
    return 0;
}

/* 1: there may be more; 0: the connection's end; −1: too late, too large, or broken. */
static int read_some(struct call *call)
{
    char bytes[65536];
    if (wait_for(call, POLLIN) != 0)
        return -1;
    ssize_t got = recv(call->fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 1
                                                                         : say_why_not(call, errno);
    if (call->reply.size + (size_t)got > API_REPLY_MAX)
        return error_set(call->error, ERROR_RUN, "%s: the reply is larger than %zu MiB", call->path,
                         API_REPLY_MAX >> 20);
    buffer_put(&call->reply, bytes, (size_t)got);
    return got > 0;
}

static int read_reply(struct call *call, int *status)
{
    int more = 1;
    while (more && (call->expected == 0 || call->reply.size < call->expected)) {
        more = read_some(call);
        if (more < 0 || (call->expected == 0 && look(call, status) != 0))
            return -1;
    }
    bool open_end = call->expected == SIZE_MAX;
    if (call->expected == 0 || (!open_end && call->reply.size < call->expected))
        return not_http(call);
    if (!open_end)
        call->reply.size = call->expected;
    return 0;
}

int api_call(const char *socket_path, const char *method, const char *target, int timeout_ms,
             int *status, char **body, struct error *error)
{
    return api_send(socket_path, method, target, NULL, timeout_ms, status, body, error);
}

int api_send(const char *socket_path, const char *method, const char *target, const char *sent,
             int timeout_ms, int *status, char **body, struct error *error)
{
    struct call call = {.path = socket_path, .fd = -1, .timeout_ms = timeout_ms, .error = error};
    char *request = xasprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
                              "Connection: close\r\n\r\n%s",
                              method, target, sent ? strlen(sent) : 0, sent ? sent : "");
    call.deadline.ns = wtime_now().ns + timeout_ms * NS_PER_MS;
    *status = 0;
    *body = NULL;
    int result = reach(&call);
    if (result == 0)
        result = send_request(&call, request);
    if (result == 0)
        result = read_reply(&call, status);
    if (result == 0) {
        buffer_u8(&call.reply, 0);
        *body = xstrdup((const char *)call.reply.data + call.head_size);
    }
    free(request);
    buffer_fini(&call.reply);
    if (call.fd >= 0)
        close(call.fd);
    return result;
}

void api_error_text(const char *body, char *text, size_t room)
{
    struct error ignored = {0};
    struct json_value *root = json_parse(body, strlen(body), &ignored);
    const char *found = json_text(json_get(json_get(root, "error"), "text"));
    snprintf(text, room, "%s", found ? found : "");
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    json_value_free(root);
}
