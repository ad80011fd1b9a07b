/* See subscriber.h. A queue is a buffer whose sent part goes when it is half of it, so that a byte
 * is moved at most about once. Nothing here waits. Thread: the bus's. */
#include "subscriber.h"

#include "weir/base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A time as our records write it: "2026-03-02T01:14:07.201Z", or without the fraction. Such texts
 * are compared as texts, once both have one. */
static bool take_time(const char *text, char since_iso[32])
{
    static const char form[] = "0000-00-00T00:00:00";
    size_t at = 0;
    for (; form[at]; at++)
        if (form[at] == '0' ? text[at] < '0' || text[at] > '9' : text[at] != form[at])
            return false;
    size_t fraction = text[at] == '.' ? 1 + strspn(text + at + 1, "0123456789") : 0;
    if (fraction > 4 || strcmp(text + at + fraction, "Z") != 0)
        return false;
    const char *digits = fraction ? text + at + 1 : "";
    int have = fraction ? (int)fraction - 1 : 0;
    snprintf(since_iso, 32, "%.19s.%.*s%.*sZ", text, have, digits, 3 - have, "000");
    return true;
}

bool subscriber_parse(struct subscriber *subscriber, const char *line, size_t size)
{
    int64_t after;
    struct json_value *root = json_parse(line, size, NULL);
    const struct json_value *sequence = json_get(root, "after"), *since = json_get(root, "since");
    bool good = false;
    if (sequence && !since && json_whole(sequence, &after) && after >= 0) {
        subscriber->after = (uint64_t)after;
        good = true;
    } else if (since && !sequence && json_text(since)) {
        subscriber->after = 0;
        good = take_time(json_text(since), subscriber->since_iso);
    }
    json_value_free(root);
    return good;
}

static void shed(struct subscriber *subscriber)
{
    struct buffer *out = &subscriber->out;
    if (subscriber->line_at == 0 || subscriber->line_at < out->size / 2)
        return;
    memmove(out->data, out->data + subscriber->line_at, out->size - subscriber->line_at);
    out->size -= subscriber->line_at;
    subscriber->sent -= subscriber->line_at;
    subscriber->line_at = 0;
}

void subscriber_put(struct subscriber *subscriber, const char *line, size_t size)
{
    if (subscriber->out.size == subscriber->sent)
        subscriber->since = wtime_now();
    shed(subscriber);
    buffer_put(&subscriber->out, line, size);
    buffer_u8(&subscriber->out, '\n');
}

bool subscriber_queue(struct subscriber *subscriber, const char *line, size_t size)
{
    size_t waits = subscriber->out.size - subscriber->sent;
    if (waits > 0 && waits + size + 1 > SUBSCRIBER_QUEUE)
        return false;
    subscriber_put(subscriber, line, size);
    return true;
}

char *subscriber_error_line(const char *why)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_open(json, "error");
    json_str(json, "text", why);
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 0);
    char *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}

void subscriber_dismiss(struct subscriber *subscriber, const char *why)
{
    struct buffer *out = &subscriber->out;
    char *line = subscriber_error_line(why);
    size_t keep = subscriber->sent;
    if (subscriber->sent > subscriber->line_at) { /* in the middle of a line */
        const uint8_t *end =
            memchr(out->data + subscriber->sent, '\n', out->size - subscriber->sent);
        keep = (size_t)(end - out->data) + 1;
    }
    out->size = keep;
    buffer_put(out, line, strlen(line));
    free(line);
    subscriber->phase = SUBSCRIBER_LEAVING;
    subscriber->since = wtime_now();
}

bool subscriber_send(struct subscriber *subscriber)
{
    struct buffer *out = &subscriber->out;
    size_t before = subscriber->sent;
    while (subscriber->sent < out->size) {
        ssize_t sent = send(subscriber->fd, out->data + subscriber->sent,
                            out->size - subscriber->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (sent < 0)
            return false;
        subscriber->sent += (size_t)sent;
    }
    if (subscriber->sent > before) {
        const uint8_t *end = memrchr(out->data + before, '\n', subscriber->sent - before);
        if (end)
            subscriber->line_at = (size_t)(end - out->data) + 1;
        subscriber->since = wtime_now();
    }
    if (subscriber->sent == out->size) {
        subscriber->sent = subscriber->line_at = 0;
        buffer_fini(out);
    }
    return true;
}
