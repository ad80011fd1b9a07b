/* One line for a person: when (UTC), how urgent, score, who → where, how much, what, why, which
 * incident.
 *
 *   2026-03-01T16:14:17Z NOW 94 10.4.0.17 → 203.0.113.44:59957 46.0 kB out, Personal data left in
 *   clear text: 250 e-mail addresses (exact) left … [inc-8123ca open]
 *
 * The port is the remote's. Bytes are in decimal units; where they are an estimate their bounds
 * follow. Control characters are shown as "?". Bounds: each part at most PART_MAX bytes. Thread:
 * any. */
#include "formats.h"
#include "weir/alert/line.h"

#include "weir/alert/alert.h"
#include "weir/base/figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PART_MAX 512

static void put(struct buffer *out, const char *before, const char *text)
{
    if (!*text)
        return;
    buffer_text(out, "%s", before);
    line_put_text(out, text, PART_MAX);
}

/* To the second: a person has no use for more. */
static void put_time(struct buffer *out, const struct json_value *record, const char *path)
{
    int64_t ms;
    if (line_time_ms(record, path, &ms))
        buffer_text(out, "%.19sZ", line_text(record, path));
    else
        buffer_text(out, "-");
}

static void put_upper(struct buffer *out, const char *text)
{
    buffer_u8(out, ' ');
    for (size_t i = 0; i < 16 && text[i]; i++)
        buffer_u8(out, (uint8_t)(isalpha((unsigned char)text[i]) ? toupper(text[i]) : '?'));
}

static void put_remote(struct buffer *out, const struct json_value *record,
                       const struct line_ends *ends)
{
    buffer_text(out, strchr(ends->outside, ':') && ends->outside_port >= 0 ? " → [" : " → ");
    line_put_text(out, ends->outside, PART_MAX);
    if (ends->outside_port >= 0)
        buffer_text(out, "%s:%" PRId64, strchr(ends->outside, ':') ? "]" : "", ends->outside_port);
    const char *name = line_text(record, "destination.domain");
    if (*name) {
        put(out, " (", name);
        buffer_u8(out, ')');
    }
}

static void put_bytes(struct buffer *out, const struct json_value *record)
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    int64_t bytes = line_whole(record, "weir.out_bytes.value", -1);
    int64_t least = line_whole(record, "weir.out_bytes.low", bytes);
    int64_t most = line_whole(record, "weir.out_bytes.high", bytes);
    if (bytes < 0 || least < 0 || most < 0)
        return;
    buffer_text(out, " %s", figure_bytes((uint64_t)bytes, value));
    if (least != most)
        buffer_text(out, " (%s to %s)", figure_bytes((uint64_t)least, low),
                    figure_bytes((uint64_t)most, high));
    buffer_text(out, " out");
}

static void put_who(struct buffer *out, const struct json_value *record)
{
    struct line_ends ends;
    if (!line_ends_of(record, &ends)) {
        put(out, " ", line_text(record, "observer.name"));
        return;
    }
    const char *device = line_text(record, "host.id");
    put(out, " ", *device ? device : ends.inside);
    put_remote(out, record, &ends);
    put_bytes(out, record);
}

static void put_incident(struct buffer *out, const struct json_value *record)
{
    char brief[16];
    buffer_text(out, " [");
    line_put_text(out, incident_short(line_text(record, "weir.incident"), brief), sizeof brief);
    put(out, " ", line_text(record, "weir.state"));
    if (line_is_silenced(record)) {
        put(out, ", silenced by ", line_text(record, "weir.silenced.author"));
        put(out, " until ", line_text(record, "weir.silenced.until"));
        put(out, ": ", line_text(record, "weir.silenced.reason"));
    }
    put(out, ", acknowledged by ", line_text(record, "weir.acknowledged.by"));
    put(out, ", judged ", line_text(record, "weir.judged.verdict"));
    put(out, " by ", line_text(record, "weir.judged.by"));
    buffer_u8(out, ']');
}

static void put_alert(struct buffer *out, const struct json_value *record)
{
    const char *name = line_text(record, "rule.name");
    put_upper(out, line_text(record, "weir.urgency"));
    buffer_text(out, " %" PRId64, line_whole(record, "weir.score", 0));
    put_who(out, record);
    put(out, ", ", *name ? name : line_text(record, "rule.id"));
    put(out, ": ", line_reason(record));
    put_incident(out, record);
}

/* --- heartbeats, what people did -------------------------------------------------------------- */

static void put_count(struct buffer *out, const struct json_value *record, const char *path,
                      const char *before, const char *after)
{
    char text[FIGURE_SIZE];
    int64_t count = line_whole(record, path, -1);
    if (count >= 0)
        buffer_text(out, "%s%s%s", before, figure_count((uint64_t)count, text), after);
}

static void put_heartbeat(struct buffer *out, const struct json_value *record)
{
    const struct json_value *blind = json_find(record, "weir.blind");
    buffer_text(out, " HEARTBEAT");
    put(out, " ", line_text(record, "observer.name"));
    put_count(out, record, "weir.packets", ": ", " packets");
    put_count(out, record, "weir.drops", ", ", " dropped");
    put_count(out, record, "weir.hosts", ", ", " hosts");
    put_count(out, record, "weir.hosts_ready", " (", " ready)");
    put_count(out, record, "weir.incidents_open", ", ", " incidents open");
    put_count(out, record, "weir.alerts", ", ", " alerts");
    put(out, ", store ", line_text(record, "weir.store.state"));
    for (size_t i = 0; i < json_length(blind); i++) {
        const char *text = json_text(json_at(blind, i));
        put(out, i == 0 ? ", blind: " : ", ", text ? text : "");
    }
}

static void put_audit(struct buffer *out, const struct json_value *record)
{
    buffer_text(out, " AUDIT");
    put(out, " ", line_text(record, "user.name"));
    put(out, " ", line_text(record, "event.action"));
    put(out, ": ", line_text(record, "message"));
}

static char *render(const struct json_value *record, const char *line, size_t size)
{
    struct buffer out = {0};
    enum line_kind kind = line_kind_of(record);
    (void)line;
    (void)size;
    if (kind == LINE_OTHER)
        return NULL;
    put_time(&out, record, "@timestamp");
    if (kind == LINE_ALERT)
        put_alert(&out, record);
    else if (kind == LINE_HEARTBEAT)
        put_heartbeat(&out, record);
    else
        put_audit(&out, record);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

const struct line_format format_text = {"text", "text/plain; charset=utf-8", render};
