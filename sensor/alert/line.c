/* Reading a record. The journal is ours, but its lines hold names that strangers chose, and a
 * reader of another version may find another shape: nothing here trusts one. Bounds: a text that
 * goes on to others is cut at LINE_TEXT_MAX bytes (ecs.c writes none as long). Thread: any. */
#include "weir/alert/line.h"

#include "weir/base/terminal.h"
#include "weir/base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_TEXT_MAX 1023

static const char ellipsis[] = "…";

enum line_kind line_kind_of(const struct json_value *record)
{
    static const struct {
        const char *kind, *dataset;
        enum line_kind is;
    } row[] = {
        {"alert", "weir.alert", LINE_ALERT},
        {"metric", "weir.heartbeat", LINE_HEARTBEAT},
        {"event", "weir.audit", LINE_AUDIT},
    };
    const char *kind = line_text(record, "event.kind");
    const char *dataset = line_text(record, "event.dataset");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(kind, row[i].kind) == 0 && strcmp(dataset, row[i].dataset) == 0)
            return row[i].is;
    return LINE_OTHER;
}

const char *line_text(const struct json_value *record, const char *path)
{
    const char *text = json_text(json_find(record, path));
    return text ? text : "";
}

int64_t line_whole(const struct json_value *record, const char *path, int64_t none)
{
    int64_t whole;
    return json_whole(json_find(record, path), &whole) ? whole : none;
}

bool line_time_ms(const struct json_value *record, const char *path, int64_t *ms)
{
    struct ptime time;
    if (!ptime_of_iso(line_text(record, path), &time))
        return false;
    *ms = time.ns / NS_PER_MS;
    return true;
}

const char *line_end(const struct json_value *record, const char *end)
{
    const struct json_value *fields = json_get(record, end);
    const char *ip = line_text(fields, "ip");
    return *ip ? ip : line_text(fields, "address");
}

bool line_ends_of(const struct json_value *record, struct line_ends *ends)
{
    *ends = (struct line_ends){.inside = line_end(record, "source"),
                               .outside = line_end(record, "destination"),
                               .inside_port = -1,
                               .outside_port = line_whole(record, "destination.port", -1)};
    ends->inside_hidden = !*line_text(record, "source.ip");
    const char *client = line_end(record, "client");
    if (*client)
        ends->outside_opened = strcmp(client, ends->outside) == 0;
    else
        ends->outside_opened = strcmp(line_text(record, "network.direction"), "inbound") == 0;
    ends->inside_port =
        line_whole(record, ends->outside_opened ? "server.port" : "client.port", -1);
    return *ends->inside && *ends->outside;
}

const char *line_reason(const struct json_value *record)
{
    return line_text(record, "weir.reasons.0.text");
}

bool line_closes(const struct json_value *record)
{
    return strcmp(line_text(record, "weir.state"), "close") == 0;
}

bool line_is_silenced(const struct json_value *record)
{
    return json_find(record, "weir.silenced") != NULL;
}

/* At most `room` bytes of it and whole characters. */
static size_t cut_at(const char *text, size_t room)
{
    size_t size = strnlen(text, room + 1);
    if (size <= room)
        return size;
    size = room < sizeof ellipsis - 1 ? 0 : room - (sizeof ellipsis - 1);
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

char *line_cut(const char *text, size_t room)
{
    size_t size = cut_at(text, room);
    return xasprintf("%.*s%s", (int)size, text, text[size] ? ellipsis : "");
}

void line_put_text(struct buffer *out, const char *text, size_t room)
{
    char *copy = line_cut(text, room);
    terminal_make_harmless(copy);
    buffer_put(out, copy, strlen(copy));
    free(copy);
}

void line_put_known(struct json *json, const char *key, const char *text)
{
    if (!*text)
        return;
    char *copy = line_cut(text, LINE_TEXT_MAX);
    json_str(json, key, copy);
    free(copy);
}

void line_put_same(struct json *json, const char *key, const struct json_value *record,
                   const char *path)
{
    const struct json_value *value = json_find(record, path);
    if (value)
        json_put(json, key, value);
}
