/* A record's parts in words. Every figure is the record's own; nothing is concluded here that was
 * not judged then. Thread: any. */
#include "explain_words.h"

#include "weir/alert/line.h"
#include "weir/base/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- figures ---------------------------------------------------------------------------------- */

static const char *plural(const char *unit)
{
    size_t size = strlen(unit);
    bool hisses = size > 0 && (unit[size - 1] == 's' || unit[size - 1] == 'h');
    return hisses ? "es" : "s";
}

void words_amount(struct buffer *out, double value, const char *unit)
{
    char text[FIGURE_SIZE];
    bool whole = value >= 0 && value < 1e15 && value <= floor(value);
    if (strcmp(unit, "byte") == 0 && value >= 0 && value < 1e18)
        buffer_text(out, "%s", figure_bytes((uint64_t)value, text));
    else if (strcmp(unit, "share") == 0)
        buffer_text(out, "%.3g %%", 100 * value);
    else if (strcmp(unit, "s") == 0)
        buffer_text(out, "%.6g s", value);
    else if (strcmp(unit, "port") == 0)
        buffer_text(out, "port %.0f", value);
    else if (whole)
        buffer_text(out, "%s %s%s", figure_count((uint64_t)value, text), unit,
                    value > 1 || value < 1 ? plural(unit) : "");
    else
        buffer_text(out, "%.4g %s%s", value, unit, plural(unit));
}

static void put_bytes(struct buffer *out, const struct json_value *estimate)
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    int64_t bytes = line_whole(estimate, "value", 0);
    int64_t least = line_whole(estimate, "low", bytes), most = line_whole(estimate, "high", bytes);
    if (bytes < 0 || least < 0 || most < 0)
        return;
    buffer_text(out, "%s", figure_bytes((uint64_t)bytes, value));
    if (least != most)
        buffer_text(out, " (at least %s, at most %s)", figure_bytes((uint64_t)least, low),
                    figure_bytes((uint64_t)most, high));
}

/* --- what happened ---------------------------------------------------------------------------- */

static void put_end(struct buffer *out, const char *ip, int64_t port)
{
    buffer_text(out, "%s", ip);
    if (port >= 0)
        buffer_text(out, " port %" PRId64, port);
}

static void put_opener(struct buffer *out, const struct json_value *record,
                       const struct line_ends *ends)
{
    const char *protocol = line_text(record, "network.protocol");
    const char *transport = line_text(record, "network.transport");
    int64_t flows = line_whole(record, "weir.flows_total", 1);
    buffer_text(out, " The %s opened the largest flow", ends->outside_opened ? "outside" : "host");
    if (*transport)
        buffer_text(out, " (%s%s%s, ", *protocol ? protocol : "", *protocol ? " over " : "",
                    transport);
    else
        buffer_text(out, " (");
    put_end(out, ends->outside_opened ? ends->outside : ends->inside,
            ends->outside_opened ? ends->outside_port : ends->inside_port);
    buffer_text(out, " to ");
    put_end(out, ends->outside_opened ? ends->inside : ends->outside,
            ends->outside_opened ? ends->inside_port : ends->outside_port);
    buffer_text(out, "); %" PRId64 " flow%s in all.", flows, flows == 1 ? "" : "s");
}

static void put_sensor(struct buffer *out, const struct json_value *record)
{
    const char *sight = line_text(record, "weir.sight");
    buffer_text(out, "The sensor %s speaks of itself%s%s, from %s to %s.",
                line_text(record, "observer.name"), *sight ? ": it did not see " : "", sight,
                line_text(record, "event.start"), line_text(record, "event.end"));
}

void words_traffic(struct buffer *out, const struct json_value *record)
{
    struct line_ends ends;
    const char *domain = line_text(record, "destination.domain");
    const char *device = line_text(record, "host.id");
    if (!line_ends_of(record, &ends)) {
        put_sensor(out, record);
        return;
    }
    put_bytes(out, json_find(record, "weir.out_bytes"));
    buffer_text(out, " left the inside host %s", *device ? device : ends.inside);
    if (*device)
        buffer_text(out, " (%s)", ends.inside);
    buffer_text(out, " for %s%s%s%s, from %s to %s.", *domain ? domain : ends.outside,
                *domain ? " (" : "", *domain ? ends.outside : "", *domain ? ")" : "",
                line_text(record, "event.start"), line_text(record, "event.end"));
    put_opener(out, record, &ends);
}

void words_names(struct buffer *out, const struct json_value *record)
{
    const char *sni = line_text(record, "tls.client.server_name");
    const char *name = *sni ? sni : line_text(record, "url.domain");
    const char *application = line_text(record, "network.application");
    const char *ja4 = line_text(record, "weir.ja4");
    if (*name)
        buffer_text(out, "The server was asked for as %s. ", name);
    if (*application)
        buffer_text(out, "It looks like %s. ", application);
    if (*ja4)
        buffer_text(out, "The client's TLS fingerprint is %s (JA4). ", ja4);
    if (json_find(record, "weir.tunnel.decides"))
        buffer_text(out, "It went through a tunnel, whose ends are named here. ");
    else if (json_find(record, "weir.tunnel"))
        buffer_text(out, "It was seen inside a tunnel. ");
}

void words_services(struct buffer *out, const struct json_value *record)
{
    const char *before = "By protocol: ";
    struct json_walk walk = json_members(json_find(record, "weir.services"));
    while (json_step(&walk)) {
        buffer_text(out, "%s%s ", before, walk.key);
        put_bytes(out, walk.value);
        before = ", ";
    }
}

static void put_labels(struct buffer *out, const struct json_value *class)
{
    const char *before = ": ";
    struct json_walk walk = json_members(json_find(class, "labels"));
    for (size_t shown = 0; json_step(&walk) && shown < 8; shown++) {
        int64_t items = 0;
        json_whole(walk.value, &items);
        buffer_text(out, "%s%s %" PRId64, before, walk.key, items);
        before = ", ";
    }
    if (walk.object || json_find(class, "more_labels"))
        buffer_text(out, ", …");
}

void words_content(struct buffer *out, const struct json_value *record)
{
    const char *before = "Counted in what left: ";
    struct json_walk walk = json_members(json_find(record, "weir.content"));
    while (json_step(&walk)) {
        char count[FIGURE_SIZE], words[64];
        int64_t value;
        double error = 0;
        if (!json_whole(json_find(walk.value, "value"), &value) || value < 0)
            continue;
        snprintf(words, sizeof words, "%s", walk.key);
        for (char *at = words; *at; at++)
            if (*at == '_')
                *at = ' ';
        buffer_text(out, "%s%s distinct %s", before, figure_count((uint64_t)value, count), words);
        if (json_decimal(json_find(walk.value, "error"), &error) && error > 0)
            buffer_text(out, " ±%.1f %%", 100 * error);
        put_labels(out, walk.value);
        before = "; ";
    }
}

/* --- why -------------------------------------------------------------------------------------- */

static void put_rarity(struct buffer *out, double p)
{
    char text[FIGURE_SIZE];
    double days = round(1 / p);
    if (days < 1e15)
        buffer_text(out, "; as much or more on one of %s host-days (p = %.2g)",
                    figure_count((uint64_t)days, text), p);
    else
        buffer_text(out, "; p = %.2g", p);
}

void words_reason(struct buffer *out, const struct json_value *reason)
{
    const char *unit = line_text(reason, "unit");
    char text[FIGURE_SIZE];
    double value, low, high;
    if (json_decimal(json_find(reason, "observed"), &value)) {
        buffer_text(out, "Observed ");
        words_amount(out, value, unit);
    }
    if (json_decimal(json_find(reason, "expected.0"), &low) &&
        json_decimal(json_find(reason, "expected.1"), &high)) {
        buffer_text(out, "; expected ");
        words_amount(out, low, unit);
        buffer_text(out, " to ");
        words_amount(out, high, unit);
    }
    if (json_decimal(json_find(reason, "p"), &value) && value > 0)
        put_rarity(out, value);
    if (json_decimal(json_find(reason, "samples"), &value) && value > 0 && value < 1e15)
        buffer_text(out, "; samples %s", figure_count((uint64_t)value, text));
    if (json_decimal(json_find(reason, "weight"), &value) && value > 0)
        buffer_text(out, "; %.0f %% of the evidence", 100 * value);
    buffer_text(out, " (%s).", line_text(reason, "code"));
}

/* --- against what ----------------------------------------------------------------------------- */

void words_baseline(struct buffer *out, const struct json_value *record)
{
    static const struct {
        const char *state, *text;
    } row[] = {
        {"learning", "It is still learning: what is usual is not known well yet."},
        {"ready", "It is ready."},
        {"frozen", "It is frozen by an operator: it does not learn."},
        {"stale", "It is stale: the host was not seen for long before."},
    };
    const char *state = line_text(record, "weir.baseline.state");
    const char *scope = line_text(record, "weir.baseline.scope");
    const char *mode = line_text(record, "weir.mode");
    int64_t hours = line_whole(record, "weir.baseline.hours", 0);
    bool absolute = json_find(record, "weir.reasons.0.p") == NULL;
    if (absolute)
        buffer_text(out, "Against a fixed bound, which needs no past. ");
    buffer_text(out, "Scope: %s. %" PRId64 " hours of this host are learned. ", scope, hours);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(state, row[i].state) == 0)
            buffer_text(out, "%s", row[i].text);
    if (strcmp(mode, "hindsight") == 0)
        buffer_text(out,
                    " Judged in hindsight: held against all other days, before and after, with "
                    "the day itself left out.");
    else if (*mode)
        buffer_text(out, " Judged %s: with what was known at the time.", mode);
}

/* --- what was not seen ------------------------------------------------------------------------ */

static bool unseen_bytes(struct buffer *out, const struct json_value *record)
{
    int64_t low = line_whole(record, "weir.out_bytes.low", -1);
    int64_t high = line_whole(record, "weir.out_bytes.high", -1);
    if (low < 0)
        return false;
    if (low == high)
        buffer_text(out, "Every byte of these flows was counted: the figure is exact.");
    else
        buffer_text(out, "Packets were missing: the bytes are an estimate, and lie between the "
                         "bounds that are given.");
    return true;
}

static bool unseen_sealed(struct buffer *out, const struct json_value *record)
{
    bool sealed = json_find(record, "weir.services.tls") ||
                  json_find(record, "weir.services.quic") || json_find(record, "weir.services.ssh");
    if (sealed)
        buffer_text(out, "Part of it was encrypted: its bytes are counted, its content is not "
                         "known.");
    return sealed;
}

static bool unseen_names(struct buffer *out, const struct json_value *record)
{
    char text[FIGURE_SIZE];
    int64_t bytes = line_whole(record, "weir.name_unverified_bytes", 0);
    int64_t other = line_whole(record, "weir.other_certificate_bytes", 0);
    if (bytes > 0)
        buffer_text(out, "%s went under names that no DNS answer seen here bears out. ",
                    figure_bytes((uint64_t)bytes, text));
    if (other > 0)
        buffer_text(out, "%s went to servers whose certificate holds other names.",
                    figure_bytes((uint64_t)other, text));
    return bytes > 0 || other > 0;
}

static bool unseen_clients(struct buffer *out, const struct json_value *record)
{
    const struct json_value *clients = json_find(record, "weir.clients_claimed");
    bool all = true;
    if (json_length(clients) == 0)
        return false;
    json_truth(json_find(record, "weir.clients_claimed_all"), &all);
    buffer_text(out, "Proxies stood between: whom they asked for is their own claim (");
    for (size_t i = 0; i < json_length(clients); i++)
        buffer_text(out, "%s%s", i > 0 ? ", " : "", line_text(json_at(clients, i), "ip"));
    buffer_text(out, "%s).", all ? "" : ", and others");
    return true;
}

static bool unseen_lists(struct buffer *out, const struct json_value *record)
{
    int64_t flows = line_whole(record, "weir.flows_total", 0);
    size_t listed = json_length(json_find(record, "weir.flows"));
    if (flows <= (int64_t)listed)
        return false;
    buffer_text(out, "Of %" PRId64 " flows the %zu largest are listed.", flows, listed);
    return true;
}

static bool unseen_sensor(struct buffer *out, const struct json_value *record)
{
    if (json_find(record, "source"))
        return false;
    buffer_text(out, "What left in that time and was not seen is in no other alert.");
    return true;
}

bool (*const words_unseen[])(struct buffer *out, const struct json_value *record) = {
    unseen_bytes, unseen_sealed, unseen_names, unseen_clients, unseen_lists, unseen_sensor, NULL};
