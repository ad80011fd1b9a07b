/* Whether it was judged hour by hour or in hindsight, and what was left out because nobody asked
 * for it. Pure. */
#include "mode.h"

#include <inttypes.h>

bool mode_tells_all(const struct summary *s)
{
    return s->told.from.ns == 0 && !s->told.by_host && !s->told.by_prefix && !s->told.destination;
}

static void put_judged(struct buffer *b, const struct summary *s)
{
    if (s->hindsight)
        buffer_text(b,
                    "Judged   in hindsight: each day held against all the others, itself left out "
                    "(--online: as a live sensor would have told it)\n");
    else if (s->why_online)
        buffer_text(b, "Judged   online, by what came before; not in hindsight: %s\n",
                    s->why_online);
}

static uint64_t outside(const struct summary *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->input_count; i++)
        sum += s->input[i].outside;
    return sum;
}

static void put_told(struct buffer *b, const struct summary *s)
{
    const struct engine_told *told = &s->told;
    char host[PREFIX_TEXT_SIZE], prefix[PREFIX_TEXT_SIZE], from[64];
    if (told->from.ns != 0)
        buffer_text(b, "Told     from %s on; learned silently before\n",
                    calendar_text(s->calendar, told->from, CALENDAR_MINUTE, from, sizeof from));
    if (told->by_host)
        buffer_text(b, "Told     only what is about %s (all others are learned from)\n",
                    prefix_text(&told->host, host));
    if (told->destination || told->by_prefix)
        buffer_text(b, "Told     only what leads to %s\n",
                    told->by_prefix ? prefix_text(&told->prefix, prefix) : told->destination);
    uint64_t unasked = engine_counts_of(s->engine)->findings_unasked;
    if (unasked > 0)
        buffer_text(b, "Not told because nobody asked: %" PRIu64 " findings, each look counted\n",
                    unasked);
}

void mode_text(struct buffer *b, const struct summary *s)
{
    put_judged(b, s);
    if (s->timed)
        buffer_text(b,
                    "Not looked at: %" PRIu64 " packets outside of the times that were asked for\n",
                    outside(s));
    put_told(b, s);
}

void mode_json(struct json *json, const struct summary *s)
{
    const struct engine_told *told = &s->told;
    char text[PREFIX_TEXT_SIZE], time[40];
    json_str(json, "mode", s->hindsight ? "hindsight" : "online");
    if (s->why_online)
        json_str(json, "not_in_hindsight", s->why_online);
    json_uint(json, "readings", (uint64_t)s->readings);
    if (s->timed)
        json_uint(json, "packets_outside", outside(s));
    json_open(json, "told");
    if (told->from.ns != 0)
        json_str(json, "from", ptime_iso(told->from, time, sizeof time));
    if (told->by_host)
        json_str(json, "host", prefix_text(&told->host, text));
    if (told->destination || told->by_prefix)
        json_str(json, "destination",
                 told->by_prefix ? prefix_text(&told->prefix, text) : told->destination);
    json_uint(json, "findings_unasked", engine_counts_of(s->engine)->findings_unasked);
    json_close(json);
}
