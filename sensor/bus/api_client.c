/* A connection's bytes: reading and writing, plain or over TLS, its reply and its end.
 *
 * What TLS wants decides what is watched for: a read may have to write, and the other way round.
 * It is no client's name that a handshake fails on, so why it did is not logged: it is counted.
 * Thread: the loop's. */
#include "api_local.h"

#include "weir/base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void drop_file(struct api_client *client)
{
    if (!client->has_file)
        return;
    close(client->file);
    client->has_file = false;
    client->api->files--;
}

void api_client_free(struct api_client *client)
{
    struct api *api = client->api;
    struct wtime began = wtime_now();
    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        api->first = client->next;
    if (client->phase == API_STREAM)
        api->counts.streams--;
    else
        api->clients--;
    api->loop.ops->drop(client->watch);
    tls_client_free(client->tls);
    close(client->fd);
    drop_file(client);
    buffer_fini(&client->in);
    buffer_fini(&client->out);
    free(client->head);
    free(client);
    api->spent_ns += wtime_now().ns - began.ns;
}

void api_client_enter(struct api_client *client, enum api_phase phase, int64_t time_ns)
{
    client->phase = phase;
    client->deadline.ns = wtime_now().ns + time_ns;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void watch(struct api_client *client, unsigned what)
{
    client->api->loop.ops->change(client->watch, what);
}

static enum api_io io_of(struct api_client *client, enum tls_result result)
{
    switch (result) {
    case TLS_DONE:
        return API_IO_SOME;
    case TLS_WANTS_READ:
        watch(client, LOOP_READ);
        return API_IO_AGAIN;
    case TLS_WANTS_WRITE:
        watch(client, LOOP_WRITE);
        return API_IO_AGAIN;
    case TLS_ENDED:
    case TLS_FAILED:
        break;
    }
    return API_IO_ENDED;
}

enum api_io api_client_shake(struct api_client *client)
{
    struct error error = {0};
    enum api_io io = io_of(client, tls_client_handshake(client->tls, &error));
    if (io == API_IO_SOME)
        watch(client, LOOP_READ);
    return io;
}

bool api_client_is_idle(const struct api_client *client)
{
    return client->idle_reads > API_IDLE_READS + client->in.size / API_IDLE_EACH;
}

/* Whoever goes on to send what is no data is let go, whatever data is between it: it costs the loop
 * a turn each time. */
static enum api_io read_tls(struct api_client *client, void *bytes, size_t room, size_t *got)
{
    struct error error = {0};
    enum api_io io = io_of(client, tls_client_read(client->tls, bytes, room, got, &error));
    if (io == API_IO_SOME && client->phase != API_STREAM)
        watch(client, LOOP_READ);
    client->idle_reads += io == API_IO_AGAIN;
    return api_client_is_idle(client) ? API_IO_ENDED : io;
}

static enum api_io read_plain(struct api_client *client, void *bytes, size_t room, size_t *got)
{
    ssize_t size = recv(client->fd, bytes, room, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return API_IO_AGAIN;
    *got = size > 0 ? (size_t)size : 0;
    return size > 0 ? API_IO_SOME : API_IO_ENDED;
}

enum api_io api_client_read(struct api_client *client, void *bytes, size_t room, size_t *got)
{
    struct wtime began = wtime_now();
    enum api_io io = client->tls && client->phase != API_LINGER
                         ? read_tls(client, bytes, room, got)
                         : read_plain(client, bytes, room, got);
    client->api->spent_ns += wtime_now().ns - began.ns;
    return io;
}

static enum api_io write_once(struct api_client *client, size_t *done)
{
    const uint8_t *bytes = client->out.data + client->written;
    size_t size = client->out.size - client->written;
    struct error error = {0};
    if (client->tls)
        return io_of(client, tls_client_write(client->tls, bytes, size, done, &error));
    ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        watch(client, client->phase == API_STREAM ? LOOP_READ | LOOP_WRITE : LOOP_WRITE);
        return API_IO_AGAIN;
    }
    *done = sent > 0 ? (size_t)sent : 0;
    return sent >= 0 ? API_IO_SOME : API_IO_ENDED;
}

bool api_client_write(struct api_client *client)
{
    while (client->written < client->out.size) {
        size_t done = 0;
        enum api_io io = write_once(client, &done);
        client->written += done;
        if (io != API_IO_SOME)
            return io == API_IO_AGAIN;
    }
    return true;
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
    free(reply->headers);
    if (reply->is_file)
        close(reply->file);
    *reply = (struct api_reply){
        .status = status, .type = "application/json", .body = json_take_text(json, 0)};
    json_free(json);
}

/* It was not removed since, and who asked may still have it. */
static bool may_have_more(const struct api_client *client)
{
    const struct api_guard *guard = client->api->settings.guard;
    struct stat st;
    return fstat(client->file, &st) == 0 && st.st_nlink > 0 &&
           (!guard || guard->holds(guard->context, client->session));
}

/* The next piece of its file, to be written when there is room: a turn of the loop each. False: the
 * file is not what it was, or is to be no more: the client hears so by how short it is. */
static bool take_piece(struct api_client *client)
{
    if (!may_have_more(client))
        return false;
    uint64_t left = client->file_size - client->file_at;
    size_t want = left < API_FILE_BYTES ? (size_t)left : API_FILE_BYTES;
    client->written = client->out.size = 0;
    buffer_reserve(&client->out, want);
    ssize_t got = pread(client->file, client->out.data, want, (off_t)client->file_at);
    if (got <= 0)
        return false;
    client->out.size = (size_t)got;
    client->file_at += (uint64_t)got;
    if (client->file_at == client->file_size)
        drop_file(client);
    watch(client, LOOP_WRITE);
    api_client_enter(client, API_REPLY, API_REPLY_NS);
    return true;
}

void api_client_go_on(struct api_client *client)
{
    if (!api_client_write(client)) {
        api_client_free(client);
        return;
    }
    if (client->written < client->out.size)
        return;
    if (client->has_file) {
        if (!take_piece(client))
            api_client_free(client);
        return;
    }
    shutdown(client->fd, SHUT_WR);
    watch(client, LOOP_READ);
    api_client_enter(client, API_LINGER, API_LINGER_NS);
}

static void put_head(struct api_client *client, const struct api_reply *reply, const char *allow)
{
    const struct api_guard *guard = client->api->settings.guard;
    buffer_text(&client->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nConnection: close\r\n",
                reply->status, http_reason(reply->status), reply->type);
    if (!reply->headers || !strstr(reply->headers, "Cache-Control:"))
        buffer_text(&client->out, "Cache-Control: no-store\r\n");
    if (allow)
        buffer_text(&client->out, "Allow: %s\r\n", allow);
    buffer_text(&client->out, "%s%s", guard ? guard->headers : "",
                reply->headers ? reply->headers : "");
}

static void begin_file(struct api_client *client, const struct api_reply *reply)
{
    client->has_file = true;
    client->file = reply->file;
    client->file_size = reply->size;
    client->api->files++;
    if (client->file_size == 0)
        drop_file(client);
}

void api_client_send(struct api_client *client, struct api_reply *reply, const char *allow)
{
    const void *bytes = reply->body ? reply->body : reply->bytes;
    size_t size = reply->body ? strlen(reply->body) : reply->size;
    put_head(client, reply, allow);
    if (reply->stream) {
        api_stream_begin(client, reply);
        return;
    }
    buffer_text(&client->out, "Content-Length: %zu\r\n\r\n", size);
    if (reply->is_file)
        begin_file(client, reply);
    else
        buffer_put(&client->out, bytes, size);
    free(reply->body);
    free(reply->headers);
    watch(client, LOOP_WRITE);
    api_client_enter(client, API_REPLY, API_REPLY_NS);
    api_client_go_on(client);
}

void api_client_error(struct api_client *client, int status, const char *text, const char *allow)
{
    struct api_reply reply = {.body = NULL};
    api_refuse(&reply, status, text);
    api_client_send(client, &reply, allow);
}
