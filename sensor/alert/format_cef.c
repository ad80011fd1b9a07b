/* CEF, version 0: ArcSight's Common Event Format (its Implementation Standard). One line:
 * CEF:0|vendor|product|version|class|name|severity 0–10|key=value …
 *
 * In the header "|" and "\" are escaped, in a value "=", "\" and line ends; other control
 * characters are shown as "?", so that nothing a stranger chose ends the line or moves a terminal.
 * src is always the inside host and dst the remote; `out` is what left src, as most products use
 * it (by the letter of the standard, which looks from dst, that would be `in`). deviceDirection
 * tells who opened. IPv6 addresses are in c6a2 and c6a3: version 0 has no room for them in src and
 * dst. docs/alerts.md lists the keys. Bounds: HEAD_MAX and VALUE_MAX. Thread: any. */
#include "formats.h"
#include "weir/alert/line.h"

#include "weir/base/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX  512  /* bytes of a header field before escaping */
#define VALUE_MAX 1023 /* the shortest bound that the standard has for text that people read */

/* --- writing ---------------------------------------------------------------------------------- */

/* A line cannot end in the header, so its ends are spaces there. */
static void put_head_text(struct buffer *out, const char *text)
{
    char *copy = line_cut(text, HEAD_MAX);
    for (char *at = copy; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    terminal_make_harmless(copy);
    for (const char *at = copy; *at; at++) {
        if (*at == '|' || *at == '\\')
            buffer_u8(out, '\\');
        buffer_u8(out, (uint8_t)*at);
    }
    buffer_u8(out, '|');
    free(copy);
}

static void put_value(struct buffer *out, const char *text)
{
    char *copy = line_cut(text, VALUE_MAX), *shown = xstrdup(copy);
    terminal_make_harmless(shown); /* byte for byte as long */
    for (size_t i = 0; copy[i]; i++) {
        if (copy[i] == '\n' || copy[i] == '\r') {
            buffer_text(out, "\\%c", copy[i] == '\n' ? 'n' : 'r');
            continue;
        }
        if (copy[i] == '=' || copy[i] == '\\')
            buffer_u8(out, '\\');
        buffer_u8(out, (uint8_t)shown[i]);
    }
    free(shown);
    free(copy);
}

static void put_text(struct buffer *out, const char *key, const char *text)
{
    if (!*text)
        return;
    buffer_text(out, " %s=", key);
    put_value(out, text);
}

static void put_whole(struct buffer *out, const char *key, int64_t value)
{
    if (value >= 0)
        buffer_text(out, " %s=%" PRId64, key, value);
}

static void put_time(struct buffer *out, const char *key, const struct json_value *record,
                     const char *path)
{
    int64_t ms;
    if (line_time_ms(record, path, &ms))
        buffer_text(out, " %s=%" PRId64, key, ms);
}

/* A custom field: its value and what it is called. */
static void put_custom(struct buffer *out, const char *key, const char *label, const char *text)
{
    put_text(out, key, text);
    if (*text)
        buffer_text(out, " %sLabel=%s", key, label);
}

static void put_number(struct buffer *out, const char *key, const char *label, int64_t value)
{
    put_whole(out, key, value);
    if (value >= 0)
        buffer_text(out, " %sLabel=%s", key, label);
}

static void put_head(struct buffer *out, const struct json_value *record, const char *class,
                     const char *name, int64_t severity)
{
    buffer_text(out, "CEF:0|Weir|weir|");
    put_head_text(out, line_text(record, "observer.version"));
    put_head_text(out, class);
    put_head_text(out, name);
    buffer_text(out, "%" PRId64 "|", severity);
    size_t at = out->size;
    put_time(out, "rt", record, "@timestamp");
    put_time(out, "start", record, "event.start");
    put_time(out, "end", record, "event.end");
    put_text(out, "externalId", line_text(record, "event.id"));
    put_text(out, "cat", line_text(record, "event.dataset"));
    put_text(out, "dvchost", line_text(record, "observer.name"));
    if (out->size > at) { /* no space before the first key */
        memmove(out->data + at, out->data + at + 1, out->size - at - 1);
        out->size--;
    }
}

/* --- the records ------------------------------------------------------------------------------ */

static void put_address(struct buffer *out, const char *key, const char *key6, const char *label,
                        const char *text)
{
    if (strchr(text, ':'))
        put_custom(out, key6, label, text);
    else
        put_text(out, key, text);
}

/* The name of the remote: what it is known by, or what it was asked for by. */
static const char *remote_name(const struct json_value *record, const struct line_ends *ends)
{
    const char *name = line_text(record, "destination.domain");
    if (*name || ends->outside_opened)
        return name;
    name = line_text(record, "tls.client.server_name");
    return *name ? name : line_text(record, "url.domain");
}

static void put_ends(struct buffer *out, const struct json_value *record)
{
    struct line_ends ends;
    if (!line_ends_of(record, &ends))
        return;
    const char *device = line_text(record, "host.id");
    if (!ends.inside_hidden)
        put_address(out, "src", "c6a2", "Source IPv6 Address", ends.inside);
    put_whole(out, "spt", ends.inside_port);
    put_text(out, "shost", ends.inside_hidden && !*device ? ends.inside : device);
    put_address(out, "dst", "c6a3", "Destination IPv6 Address", ends.outside);
    put_whole(out, "dpt", ends.outside_port);
    put_text(out, "dhost", remote_name(record, &ends));
    put_text(out, "proto", line_text(record, "network.transport"));
    put_text(out, "app", line_text(record, "network.protocol"));
    put_whole(out, "out", line_whole(record, "weir.out_bytes.value", -1));
    put_whole(out, "deviceDirection", ends.outside_opened ? 0 : 1);
}

static void put_silenced(struct buffer *out, const struct json_value *record)
{
    if (!line_is_silenced(record))
        return;
    char *why = xasprintf("silenced by %s until %s: %s", line_text(record, "weir.silenced.author"),
                          line_text(record, "weir.silenced.until"),
                          line_text(record, "weir.silenced.reason"));
    put_text(out, "reason", why);
    free(why);
}

static void put_custom_fields(struct buffer *out, const struct json_value *record)
{
    const char *technique = line_text(record, "threat.technique.subtechnique.id.0");
    const char *name = line_text(record, "tls.client.server_name");
    put_custom(out, "cs1", "incident", line_text(record, "weir.incident"));
    put_custom(out, "cs2", "state", line_text(record, "weir.state"));
    put_custom(out, "cs3", "urgency", line_text(record, "weir.urgency"));
    put_custom(out, "cs4", "technique",
               *technique ? technique : line_text(record, "threat.technique.id.0"));
    put_custom(out, "cs5", "communityId", line_text(record, "network.community_id"));
    put_custom(out, "cs6", "serverName", *name ? name : line_text(record, "url.domain"));
    put_number(out, "cn1", "score", line_whole(record, "weir.score", -1));
    put_number(out, "cn2", "outBytesLow", line_whole(record, "weir.out_bytes.low", -1));
    put_number(out, "cn3", "outBytesHigh", line_whole(record, "weir.out_bytes.high", -1));
}

static void put_alert(struct buffer *out, const struct json_value *record)
{
    const char *rule = line_text(record, "rule.id"), *name = line_text(record, "rule.name");
    int64_t score = line_whole(record, "weir.score", 0);
    score = score < 0 ? 0 : score > 100 ? 100 : score;
    put_head(out, record, rule, *name ? name : rule, (score + 5) / 10);
    put_text(out, "act", line_is_silenced(record) ? "silenced" : "alerted");
    put_ends(out, record);
    put_custom_fields(out, record);
    put_silenced(out, record);
    put_text(out, "msg", line_reason(record));
}

static void put_heartbeat(struct buffer *out, const struct json_value *record)
{
    struct buffer blind = {0};
    const struct json_value *list = json_find(record, "weir.blind");
    for (size_t i = 0; i < json_length(list); i++) {
        const char *text = json_text(json_at(list, i));
        buffer_text(&blind, "%s%s", i > 0 ? ", " : "", text ? text : "");
    }
    buffer_u8(&blind, 0);
    put_head(out, record, "sensor.heartbeat", "Heartbeat of the sensor", 0);
    put_custom(out, "cs1", "store", line_text(record, "weir.store.state"));
    put_custom(out, "cs2", "blind", (const char *)blind.data);
    put_number(out, "cn1", "packets", line_whole(record, "weir.packets", -1));
    put_number(out, "cn2", "drops", line_whole(record, "weir.drops", -1));
    put_number(out, "cn3", "incidentsOpen", line_whole(record, "weir.incidents_open", -1));
    buffer_fini(&blind);
}

static void put_audit(struct buffer *out, const struct json_value *record)
{
    const char *action = line_text(record, "event.action");
    put_head(out, record, "weir.audit", *action ? action : "audit", 0);
    put_text(out, "act", action);
    put_text(out, "suser", line_text(record, "user.name"));
    put_text(out, "msg", line_text(record, "message"));
}

static char *render(const struct json_value *record, const char *line, size_t size)
{
    struct buffer out = {0};
    (void)line;
    (void)size;
    switch (line_kind_of(record)) {
    case LINE_ALERT:
        put_alert(&out, record);
        break;
    case LINE_HEARTBEAT:
        put_heartbeat(&out, record);
        break;
    case LINE_AUDIT:
        put_audit(&out, record);
        break;
    case LINE_OTHER:
        return NULL;
    }
    buffer_u8(&out, 0);
    return (char *)out.data;
}

const struct line_format format_cef = {"cef", "text/plain; charset=utf-8", render};
