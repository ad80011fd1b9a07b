/* Connections that are told events (text/event-stream, as the HTML standard has it) until they
 * close, what they were begun with holds no more, or they do not take what they are told. One that
 * is let go asks again, and says what it had last: nothing is lost to it but time.
 *
 * Bounds: settings.streams of them, API_STREAM_BYTES that wait for each. Thread: the loop's. */
#include "api_local.h"

#include <stdlib.h>
#include <string.h>

#define READ_BYTES 512 /* a client has nothing to say */

/* The sent part goes when it is half of it, so that a byte is moved at most about once. */
static void shed(struct api_client *client)
{
    struct buffer *out = &client->out;
    if (client->written == out->size) {
        client->written = 0;
        buffer_fini(out);
    } else if (client->written > out->size / 2) {
        memmove(out->data, out->data + client->written, out->size - client->written);
        out->size -= client->written;
        client->written = 0;
    }
}

/* True: it goes on. */
static bool send_on(struct api_client *client)
{
    size_t before = client->written;
    if (!api_client_write(client)) {
        api_client_free(client);
        return false;
    }
    if (client->written > before)
        client->deadline.ns = wtime_now().ns + API_STREAM_NS;
    if (client->written == client->out.size)
        client->api->loop.ops->change(client->watch, LOOP_READ);
    shed(client);
    return true;
}

static bool put(struct api_client *client, const char *text, size_t size)
{
    struct api *api = client->api;
    size_t waits = client->out.size - client->written;
    if (waits > 0 && waits + size > API_STREAM_BYTES) {
        api->counts.slow++;
        api_client_free(client);
        return false;
    }
    if (waits == 0)
        client->deadline.ns = wtime_now().ns + API_STREAM_NS;
    buffer_put(&client->out, text, size);
    return send_on(client);
}

void api_stream_begin(struct api_client *client, struct api_reply *reply)
{
    struct api *api = client->api;
    api->clients--;
    api->counts.streams++;
    api_client_enter(client, API_STREAM, API_STREAM_NS);
    buffer_put(&client->out, "\r\n", 2);
    if (reply->body)
        buffer_put(&client->out, reply->body, strlen(reply->body));
    free(reply->body);
    free(reply->headers);
    api->loop.ops->change(client->watch, LOOP_READ);
    send_on(client);
}

void api_stream_ready(struct api_client *client, unsigned what)
{
    char bytes[READ_BYTES];
    size_t got = 0;
    if ((what & LOOP_WRITE) && !send_on(client))
        return;
    if (!(what & LOOP_READ))
        return;
    switch (api_client_read(client, bytes, sizeof bytes, &got)) {
    case API_IO_SOME: /* whatever it is: a read costs the same */
        client->idle_reads++;
        if (!api_client_is_idle(client))
            return;
        client->api->counts.bad++;
        break;
    case API_IO_AGAIN: /* TLS may have had it watched for less */
        if (client->written < client->out.size)
            client->api->loop.ops->change(client->watch, LOOP_READ | LOOP_WRITE);
        return;
    case API_IO_ENDED:
        client->api->counts.bad += api_client_is_idle(client);
        break;
    }
    api_client_free(client);
}

void api_stream_sweep(struct api_client *client, int64_t now_ns)
{
    const struct api_guard *guard = client->api->settings.guard;
    if (client->written < client->out.size && client->deadline.ns <= now_ns) {
        client->api->counts.slow++;
        api_client_free(client);
    } else if (guard && !guard->holds(guard->context, client->session)) {
        api_client_free(client);
    }
}

void api_tell(struct api *api, const char *text, size_t size)
{
    for (struct api_client *client = api->first, *next; client; client = next) {
        next = client->next;
        if (client->phase == API_STREAM)
            put(client, text, size);
    }
}
