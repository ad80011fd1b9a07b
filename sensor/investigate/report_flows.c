/* What flows.ndjson says of the report's incidents: who opened, how much, and when. A flow's line
 * has sums and no course: its bytes are spread evenly over its life, and the report says so. Lines
 * that do not name a host in question are not taken apart. Thread: the caller's. */
#include "report_local.h"
#include "report_match.h"

#include "weir/base/buffer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE_NS  NS_PER_DAY /* of the host's usual, before the incident … */
#define BEHIND_NS  (2 * NS_PER_HOUR)
#define HOURLY_MAX (INT64_C(21) * 24) /* bars; more are days */
#define DAYS_NS    (7 * NS_PER_DAY)
#define LATEST_NS  (80000 * NS_PER_DAY) /* some year 2189: sums of times stay what they are */

/* One line, as far as it is asked about. */
struct flow_said {
    const struct json_value *side, *remote; /* the inside one, the other */
    const char *host, *device, *name;
    struct ip ip;
    struct ptime start, end;
    struct report_volume out;
    bool outside_opened;
};

static uint64_t bytes_of(const struct json_value *side, const char *key)
{
    int64_t value = line_whole(side, key, 0);
    return value > 0 ? (uint64_t)value : 0;
}

static bool read_flow(const struct json_value *root, struct flow_said *flow)
{
    const char *scope = line_text(root, "scope");
    bool in = strcmp(scope, "in") == 0, tcp = strcmp(line_text(root, "proto"), "tcp") == 0;
    if (!in && strcmp(scope, "out") != 0)
        return false;
    flow->side = json_get(root, in ? "resp" : "orig");
    flow->remote = json_get(root, in ? "orig" : "resp");
    flow->host = line_text(flow->side, "ip");
    flow->device = line_text(flow->side, "device");
    flow->name = line_text(root, "server_name");
    flow->outside_opened = strcmp(line_text(root, "initiator"), "outside") == 0;
    flow->out.value = bytes_of(flow->side, "payload_bytes");
    flow->out.low = tcp ? bytes_of(flow->side, "acked_bytes") : flow->out.value;
    flow->out.high = flow->out.value + bytes_of(flow->side, "missing_bytes");
    if (flow->out.low > flow->out.value)
        flow->out.low = flow->out.value;
    return ip_parse(line_text(flow->remote, "ip"), &flow->ip) == 0 &&
           ptime_of_iso(line_text(root, "start"), &flow->start) &&
           ptime_of_iso(line_text(root, "end"), &flow->end) && flow->start.ns >= 0 &&
           flow->end.ns >= flow->start.ns && flow->end.ns <= LATEST_NS;
}

/* --- sums ------------------------------------------------------------------------------------- */

static void note_opener(struct report_flows *flows, const struct flow_said *flow)
{
    const char *ip = flow->outside_opened ? line_text(flow->remote, "ip") : flow->host;
    size_t at = 0;
    while (at < flows->openers && strcmp(flows->opener[at].ip, ip) != 0)
        at++;
    if (at == REPORT_OPENERS) {
        flows->more++;
        return;
    }
    if (at == flows->openers)
        snprintf(flows->opener[flows->openers++].ip, IP_TEXT_SIZE, "%s", ip);
    flows->opener[at].flows++;
    flows->opener[at].out_bytes += flow->out.value;
}

static void add(struct report_flows *flows, const struct flow_said *flow)
{
    flows->flows++;
    flows->outside += flow->outside_opened;
    flows->inside += !flow->outside_opened;
    flows->out.value += flow->out.value;
    flows->out.low += flow->out.low;
    flows->out.high += flow->out.high;
    note_opener(flows, flow);
}

static bool is_known(const struct report_incident *incident, const struct ip *ip)
{
    for (size_t i = 0; i < incident->known_count; i++)
        if (ip_compare(&incident->known[i], ip) == 0)
            return true;
    return false;
}

/* An incident of a whole host has no destination: all that it sent. */
static bool goes_there(const struct report_incident *incident, const struct flow_said *flow)
{
    return !*incident->destination ||
           match_destination(incident->destination, line_text(flow->remote, "ip")) ||
           match_destination(incident->destination, flow->name) || is_known(incident, &flow->ip);
}

/* --- bars ------------------------------------------------------------------------------------- */

static int64_t ordinal(const struct civil *civil, bool daily)
{
    return daily ? civil->day : civil->hour;
}

static void add_to_bar(const struct report_series *series, const struct civil *civil,
                       uint64_t *bars, uint64_t bytes)
{
    int64_t at = ordinal(civil, series->daily) - series->first;
    if (at >= 0 && (size_t)at < series->count)
        bars[at] += bytes;
}

static void spread(const struct report *report, const struct report_series *series,
                   const struct flow_said *flow, uint64_t *bars)
{
    int64_t life = flow->end.ns - flow->start.ns, at = flow->start.ns;
    if (at < series->begin.ns)
        at = series->begin.ns;
    while (at <= flow->end.ns && at < series->end.ns) {
        struct civil civil = calendar_at(report->question.calendar, (struct ptime){at});
        int64_t until = civil.ends.ns < flow->end.ns ? civil.ends.ns : flow->end.ns;
        uint64_t bytes = flow->out.value;
        if (life > 0) /* what was sent by then, less what was sent before */
            bytes = (uint64_t)((wide)bytes * (until - flow->start.ns) / life) -
                    (uint64_t)((wide)bytes * (at - flow->start.ns) / life);
        add_to_bar(series, &civil, bars, bytes);
        at = civil.ends.ns;
    }
}

static void add_to_incident(const struct report *report, struct report_incident *incident,
                            const struct flow_said *flow)
{
    if (incident->series.of != SERIES_FLOWS ||
        (strcmp(incident->host, flow->host) != 0 && strcmp(incident->host, flow->device) != 0))
        return;
    bool here = goes_there(incident, flow);
    struct report_series *series = &incident->series;
    spread(report, series, flow, here ? series->here : series->elsewhere);
    if (here && flow->start.ns <= incident->end.ns && flow->end.ns >= incident->start.ns)
        add(&incident->flows, flow);
}

static void add_to_asked(struct report *report, const struct flow_said *flow)
{
    const struct report_question *q = &report->question;
    if (q->host && !match_host(q, flow->host) && !match_host(q, flow->device))
        return;
    report->asked.host_flows++;
    if (q->destination && !match_destination(q->destination, line_text(flow->remote, "ip")) &&
        !match_destination(q->destination, flow->name))
        return;
    if (flow->start.ns <= q->until.ns && flow->end.ns >= q->since.ns)
        add(&report->asked.flows, flow);
}

/* Whether the line may be about a host in question. */
static bool is_wanted(const struct report *report, const char *line, size_t size)
{
    if (report_is_scoped(report))
        return true;
    for (size_t i = 0; i < report->incidents; i++) {
        const char *host = report->incident[i].host;
        if (memmem(line, size, host, strlen(host)))
            return true;
    }
    return false;
}

void report_flow_line(struct report *report, const char *line, size_t size)
{
    if (!is_wanted(report, line, size))
        return;
    struct json_value *root = json_parse(line, size, NULL);
    struct flow_said flow;
    if (!root)
        report->lines_bad++;
    else if (read_flow(root, &flow)) {
        for (size_t i = 0; i < report->incidents; i++)
            add_to_incident(report, &report->incident[i], &flow);
        if (report_is_scoped(report))
            add_to_asked(report, &flow);
    }
    json_value_free(root);
}

/* --- the series of an incident ---------------------------------------------------------------- */

static int64_t within(int64_t ns)
{
    return ns < 0 ? 0 : ns > LATEST_NS ? LATEST_NS : ns;
}

void report_series_begin(const struct report *report, struct report_incident *incident,
                         enum report_series_of of)
{
    struct report_series *series = &incident->series;
    int64_t before = of == SERIES_FLOWS ? BEFORE_NS : 0,
            behind = of == SERIES_FLOWS ? BEHIND_NS : 0;
    int64_t start = within(incident->start.ns), end = within(incident->end.ns);
    int64_t hours = (end - start + before + behind) / NS_PER_HOUR;
    series->of = of;
    series->daily = hours > HOURLY_MAX;
    if (series->daily && before > 0)
        before = DAYS_NS;
    struct calendar *calendar = report->question.calendar;
    struct civil first = calendar_at(calendar, (struct ptime){start - before});
    struct civil last = calendar_at(calendar, (struct ptime){end + behind});
    int64_t bars =
        end < start ? 1 : ordinal(&last, series->daily) - ordinal(&first, series->daily) + 1;
    series->first = ordinal(&first, series->daily);
    series->begin = first.starts;
    if (series->daily)
        series->begin.ns -= first.hour_of_day * NS_PER_HOUR;
    series->end = last.ends;
    series->count = bars < (int64_t)REPORT_BUCKETS ? (size_t)bars : REPORT_BUCKETS;
    series->here = xcalloc(series->count, sizeof *series->here);
    series->elsewhere = xcalloc(series->count, sizeof *series->elsewhere);
}

struct ptime report_bar_time(const struct report_series *series, size_t bar)
{
    int64_t each = series->daily ? NS_PER_DAY : NS_PER_HOUR;
    int64_t noon = series->daily ? NS_PER_DAY / 2 : 0; /* whatever summer time did */
    return (struct ptime){series->begin.ns + (int64_t)bar * each + noon};
}

/* What each alert told beyond the one before, at its time: later than it left. */
static void add_marks(const struct report *report, struct report_incident *incident)
{
    uint64_t told = 0;
    for (uint64_t n = 0; n < incident->marks; n++) {
        const struct report_mark *mark = report_mark_at(incident, n);
        if (!mark || mark->out.value <= told)
            continue;
        struct civil civil = calendar_at(report->question.calendar, mark->time);
        add_to_bar(&incident->series, &civil, incident->series.here, mark->out.value - told);
        told = mark->out.value;
    }
}

/* What an alert expected of one hour or day, in bytes. */
static void find_band(struct report_incident *incident)
{
    struct report_series *series = &incident->series;
    for (size_t i = 0; i < incident->rows; i++) {
        const struct json_value *reasons = json_find(incident->row[i], "weir.reasons");
        for (size_t n = 0; n < json_length(reasons); n++) {
            const struct json_value *reason = json_at(reasons, n);
            const char *code = line_text(reason, "code");
            double low, high;
            if (strcmp(line_text(reason, "unit"), "byte") != 0 ||
                !strstr(code, series->daily ? "day" : "hour") ||
                !json_decimal(json_find(reason, "expected.0"), &low) ||
                !json_decimal(json_find(reason, "expected.1"), &high) || !(high > 0))
                continue;
            series->band[1] = fmin(high, 1e18);
            series->band[0] = fmin(fmax(low, 0), series->band[1]);
            snprintf(series->band_code, sizeof series->band_code, "%s", code);
            return;
        }
    }
}

void report_series_end(const struct report *report, struct report_incident *incident)
{
    if (incident->series.of == SERIES_ALERTS)
        add_marks(report, incident);
    if (incident->series.of != SERIES_NONE)
        find_band(incident);
}
