/* The summary as people read it: what was read, what left, what could not be judged, what to look
 * at first, what could not be seen. Every figure comes from the run; nothing is said that was not
 * measured. Thread: the engine's. */
#include "bounds.h"
#include "coverage.h"
#include "gaps.h"
#include "mode.h"
#include "summary_incidents.h"
#include "weir/base/device.h"
#include "weir/base/figures.h"
#include "weir/investigate/evidence.h"
#include "weir/investigate/summary.h"
#include "what.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define RANK_SHOWN   5
#define INPUTS_SHOWN 10
#define GAPS_SHOWN   5

static const char *tail_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- head ------------------------------------------------------------------------------------ */

static void put_input(struct buffer *b, const struct summary_input *input, double duration_s)
{
    static const uint8_t unread[SHA256_SIZE];
    char count[FIGURE_SIZE], notes[FIGURE_SIZE], hex[HEX_SIZE(SHA256_SIZE)];
    if (input->left_out) {
        buffer_text(b, "%s  left out: a log that is not read\n", tail_of(input->path));
        return;
    }
    if (input->packets == 0 && input->problem) {
        buffer_text(b, "%s  NOT READ: %s\n", tail_of(input->path), input->problem);
        return;
    }
    hex_text(input->sha256, SHA256_SIZE, hex);
    buffer_text(b, "%s  ", tail_of(input->path));
    if (memcmp(input->sha256, unread, SHA256_SIZE) == 0)
        buffer_text(b, "not read to its end");
    else
        buffer_text(b, "sha256 %.4s…%s", hex, hex + 60);
    buffer_text(b, "  %s packets  %.1f s\n", figure_count(input->packets, count), duration_s);
    if (input->is_log)
        buffer_text(b,
                    "         %s: %s connections, %s names, questions and answers; packets are "
                    "what it says there were\n",
                    input->link, figure_count(input->connections, count),
                    figure_count(input->notes, notes));
    if (input->problem)
        buffer_text(b, "         READ IN PART: %s\n", input->problem);
    if (input->comments > 0)
        buffer_text(b, "         comment%s: \"%s\"\n", input->comments > 1 ? "s, the first" : "",
                    input->comment);
    if (input->untimed > 0)
        buffer_text(b, "         %s packets without a time: told when the one before was\n",
                    figure_count(input->untimed, count));
}

/* Of many, the first and those with a problem. */
static void put_inputs(struct buffer *b, const struct summary *s)
{
    size_t left_out = 0;
    for (size_t i = 0; i < s->input_count; i++) {
        if (i < INPUTS_SHOWN || s->input[i].problem)
            put_input(b, &s->input[i], s->duration_s);
        else
            left_out++;
    }
    if (left_out > 0)
        buffer_text(b, "… and %zu more inputs, read whole (summary.json has all)\n", left_out);
}

struct span {
    struct ptime first, last;
    uint32_t longest_cut;
};

static struct span span_of(const struct summary *s)
{
    struct span span = {PTIME_MAX, PTIME_MIN, 0};
    for (size_t i = 0; i < s->input_count; i++) {
        const struct summary_input *input = &s->input[i];
        if (input->packets == 0)
            continue;
        if (input->first.ns < span.first.ns)
            span.first = input->first;
        if (input->last.ns > span.last.ns)
            span.last = input->last;
        if (input->longest_cut > span.longest_cut)
            span.longest_cut = input->longest_cut;
    }
    return span;
}

static void put_duration(struct buffer *b, int64_t ns)
{
    const int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
    int64_t seconds = ns / NS_PER_S;
    if (seconds >= 2 * day)
        buffer_text(b, "%lld d", (long long)(seconds / day));
    else if (seconds >= 2 * hour)
        buffer_text(b, "%lld h", (long long)(seconds / hour));
    else if (seconds >= 2 * minute)
        buffer_text(b, "%lld min", (long long)(seconds / minute));
    else
        buffer_text(b, "%.1f s", (double)ns / 1e9);
}

static void put_capture(struct buffer *b, const struct summary *s)
{
    struct span span = span_of(s);
    char from[64], to[64], zone[16];
    if (span.first.ns > span.last.ns) {
        buffer_text(b, "Capture  no packets\n");
        return;
    }
    calendar_text(s->calendar, span.first, CALENDAR_DATE, from, sizeof from);
    calendar_text(s->calendar, span.last, CALENDAR_DATE, to, sizeof to);
    calendar_text(s->calendar, span.last, CALENDAR_ZONE, zone, sizeof zone);
    buffer_text(b, "Capture  %s – %s %s, ", from, to, zone);
    put_duration(b, span.last.ns - span.first.ns);
    const struct health *health = engine_health(s->engine);
    char share[FIGURE_SIZE];
    if (health->cut_packets > 0)
        buffer_text(b, "; %s of the packets cut, the longest at %u B",
                    figure_percent((double)health->cut_packets, (double)health->packets, share),
                    span.longest_cut);
    buffer_text(b, "\n");
}

static void put_inside(struct buffer *b, const struct summary *s)
{
    char text[PREFIX_TEXT_SIZE], bytes[FIGURE_SIZE];
    buffer_text(b, "Inside   ");
    const struct prefix_set *everywhere = &s->inside->everywhere;
    for (size_t i = 0; i < everywhere->count; i++)
        buffer_text(b, "%s%s", i ? ", " : "", prefix_text(&everywhere->item[i], text));
    for (size_t i = 0; i < s->inside->place_count; i++) {
        buffer_text(b, "%s", i || everywhere->count ? ", " : "");
        inside_place_text(&s->inside->place[i], b);
    }
    buffer_text(b, " (%s); neither side inside: %s\n", s->inside_guessed ? "default" : "set",
                figure_bytes(engine_counts_of(s->engine)->payload[SCOPE_TRANSIT].value, bytes));
    struct prefix_sum sum[3];
    size_t count = hosts_outside(s->hosts, sum, 3);
    if (count == 0)
        return;
    buffer_text(b, "         largest there:");
    for (size_t i = 0; i < count; i++)
        buffer_text(b, "%s %s (%s)", i ? "," : "", prefix_text(&sum[i].prefix, text),
                    figure_bytes(sum[i].bytes, bytes));
    buffer_text(b, "; if one of them is yours: --inside %s\n", prefix_text(&sum[0].prefix, text));
}

/* --- what was not judged, and where to look -------------------------------------------------- */

static void put_zones(struct buffer *b, const struct engine *engine)
{
    const struct zones *zones = engine_zones(engine);
    uint64_t drifted = engine_counts_of(engine)->flows_drifted;
    size_t locked = 0;
    for (size_t i = 0; i < zones->zone_count; i++)
        locked += zones->zone[i].state == ZONE_LOCKED;
    buffer_text(b, "Zones: %zu locked, judged by %zu conduits; %zu only observed.\n", locked,
                zones->conduit_count, zones->zone_count - locked);
    if (drifted > 0)
        buffer_text(
            b,
            "Zones: %llu flow%s asked for functions that their conduit does not list; that is "
            "drift, not told (weir zones drift).\n",
            (unsigned long long)drifted, drifted == 1 ? "" : "s");
}

static void put_not_judged(struct buffer *b, const struct summary *s)
{
    const struct engine_counts *counts = engine_counts_of(s->engine);
    struct engine_history history = engine_history_of(s->engine);
    char bytes[FIGURE_SIZE], high[FIGURE_SIZE];
    if (history.ready == 0)
        buffer_text(
            b,
            "Not judged by history: volumes and destinations of every host (no host has %d days "
            "of past%s).\nJudged: counted content%s, tunnels in DNS "
            "and ICMP, protocols against their ports, and the sensor's own sight.\n",
            s->learn_days, s->had_baseline ? ", the given baseline included" : "",
            engine_rules(s->engine) ? ", the operator's rules" : "");
    else if (counts->learning_bytes > 0)
        buffer_text(
            b, "Not judged by their own history: %s out while hosts had less than %d days of it.\n",
            figure_bytes(counts->learning_bytes, bytes), s->learn_days);
    if (counts->unestablished_high > 0)
        buffer_text(b,
                    "Not judged: %s (%s at most) of one-way traffic from addresses that never "
                    "held a two-way exchange.\n",
                    figure_bytes(counts->unestablished_bytes, bytes),
                    figure_bytes(counts->unestablished_high, high));
    if (counts->refused_bytes > 0)
        buffer_text(b, "Not judged: %s out of hosts beyond baseline.max_hosts.\n",
                    figure_bytes(counts->refused_bytes, bytes));
    if (!engine_zones(s->engine))
        buffer_text(b, "Not judged: zones (none are configured).\n");
    else
        put_zones(b, s->engine);
}

static void put_counted(struct buffer *b, const struct hosts *hosts, const struct ip *host)
{
    const struct host_content *content = hosts_content_of(hosts, host);
    if (!content)
        return;
    buffer_text(b, "     in clear text: ");
    what_text(b, &content->counted, content->gaps);
    buffer_text(b, "\n");
}

static void put_ranking(struct buffer *b, const struct summary *s)
{
    struct ranked ranked[RANK_SHOWN];
    size_t count = hosts_rank(s->hosts, ranked, RANK_SHOWN);
    char host[IP_TEXT_SIZE], out[COVERAGE_VOLUME_TEXT], top[FIGURE_SIZE];
    buffer_text(b, "\nLook here first (a ranking, not a finding):\n");
    if (count == 0)
        buffer_text(b, "  no host sent 65,536 B or more to the outside\n");
    for (size_t i = 0; i < count; i++) {
        const struct ranked *r = &ranked[i];
        buffer_text(b, "  %zu. %-15s %9s out, PCR %+.2f", i + 1, host_text(&r->host->host, host),
                    coverage_volume(r->host->out, out), r->pcr);
        if (r->top)
            buffer_text(b, "; %s to %s (%u host%s used it)", figure_bytes(r->top->out.value, top),
                        destination_sum_name(r->top), r->top_hosts, r->top_hosts == 1 ? "" : "s");
        buffer_text(b, "\n");
        put_counted(b, s->hosts, &r->host->host);
    }
}

#define LASTING_SHOWN 5

static void put_lasting(struct buffer *b, const struct summary *s)
{
    size_t count = hosts_lasting(s->hosts, s->first, s->last);
    char host[IP_TEXT_SIZE], remote[IP_TEXT_SIZE], bytes[FIGURE_SIZE];
    if (count > 0)
        buffer_text(b, "\nOpen through the whole capture:\n");
    for (size_t i = 0; i < count && i < LASTING_SHOWN; i++) {
        const struct lasting_flow *flow = &s->hosts->lasting[i];
        buffer_text(b, "  %-15s with %s port %u, %lld min, %s out\n", host_text(&flow->host, host),
                    ip_text(&flow->remote, remote), flow->remote_port,
                    (long long)((flow->last_ns - flow->start_ns) / NS_PER_MIN),
                    figure_bytes(flow->out_bytes, bytes));
    }
    if (count > LASTING_SHOWN)
        buffer_text(b, "  … and %s%zu more\n", count == LASTING_KEPT ? "at least " : "",
                    count - LASTING_SHOWN);
}

/* --- coverage -------------------------------------------------------------------------------- */

static void put_bounds(struct buffer *b, const struct summary *s)
{
    struct bound_count bound[BOUNDS_MAX];
    char text[FIGURE_SIZE];
    size_t count = bounds_of(s, bound);
    for (size_t i = 0; i < count; i++)
        if (bound[i].count > 0)
            buffer_text(b, "          %s %s\n", figure_count(bound[i].count, text), bound[i].text);
}

static void put_gaps(struct buffer *b, const struct summary *s)
{
    size_t count;
    struct gap *gap = input_gaps(s, &count);
    char from[64], to[64];
    for (size_t i = 0; i < count && i < GAPS_SHOWN; i++) {
        calendar_text(s->calendar, gap[i].from, CALENDAR_LONG, from, sizeof from);
        calendar_text(s->calendar, gap[i].to, CALENDAR_LONG, to, sizeof to);
        buffer_text(b, "          nothing was seen from %s to %s, between %s and %s\n", from, to,
                    tail_of(gap[i].before->path), tail_of(gap[i].after->path));
    }
    if (count > GAPS_SHOWN)
        buffer_text(b, "          and %zu more such gaps\n", count - GAPS_SHOWN);
    free(gap);
}

/* What whoever captured says it lost; many never say. */
static void put_drops(struct buffer *b, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    char kernel[FIGURE_SIZE], card[FIGURE_SIZE];
    size_t silent = 0, known = 0;
    for (size_t i = 0; i < s->input_count; i++) {
        known += s->input[i].drops_known;
        silent += s->input[i].packets > 0 && !s->input[i].drops_known;
    }
    if (known > 0)
        buffer_text(b, "drops recorded by whoever captured: %s (system), %s (interface)%s",
                    figure_count(h->kernel_drops, kernel), figure_count(h->interface_drops, card),
                    silent ? ", not known of every input" : "");
    else
        buffer_text(b, "drops before the file was written are not known");
}

/* The first of its kind among those that lack something. */
static bool is_first_to_lack(const struct summary *s, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (s->input[before].lacks && strcmp(s->input[before].lacks, s->input[i].lacks) == 0)
            return false;
    return true;
}

/* What a log cannot say is not nothing. */
static void put_logs(struct buffer *b, const struct summary *s)
{
    char text[FIGURE_SIZE];
    uint64_t late = 0, connections = 0, unjoined = 0;
    for (size_t i = 0; i < s->input_count; i++) {
        const struct summary_input *input = &s->input[i];
        late += input->late;
        unjoined += input->unjoined;
        connections += input->is_log ? input->connections : 0;
        if (input->is_log && input->lacks && is_first_to_lack(s, i))
            buffer_text(b, "          what a %s cannot say: %s\n", input->link, input->lacks);
    }
    if (connections > 0)
        buffer_text(b,
                    "          of a log's connection over 15 minutes the bytes are spread evenly "
                    "over its time\n");
    if (unjoined > 0)
        buffer_text(b, "          %s connections are named by a log, and no line tells of them\n",
                    figure_count(unjoined, text));
    if (late > 0)
        buffer_text(b,
                    "          %s connections came too late in their log: what they sent before "
                    "is told with the rest\n",
                    figure_count(late, text));
}

static void put_coverage(struct buffer *b, const struct summary *s)
{
    const struct health *h = engine_health(s->engine);
    char text[FIGURE_SIZE], more[FIGURE_SIZE];
    const struct volume *out = s->hosts->service_out;
    uint64_t sealed = coverage_sealed(out);
    buffer_text(b, "\nCoverage  ");
    put_drops(b, s);
    buffer_text(b, "; TCP gaps %s",
                figure_percent((double)h->tcp_missing_bytes,
                               (double)(h->tcp_payload_bytes + h->tcp_missing_bytes), text));
    buffer_text(b, "; one-sided TCP flows %s",
                figure_percent((double)h->flows_one_sided,
                               (double)(h->flows_one_sided + h->flows_two_sided), text));
    buffer_text(b, "\n          out bytes: %s encrypted, %s not recognised\n",
                figure_percent((double)sealed, (double)s->hosts->out.value, text),
                figure_percent((double)out[SERVICE_NONE].value, (double)s->hosts->out.value, more));
    if (h->fragments > 0)
        buffer_text(b, "          fragments: %s, put together into %s datagrams\n",
                    figure_count(h->fragments, text), figure_count(h->fragments_whole, more));
    if (h->duplicates > 0)
        buffer_text(b, "          mirror copies: %s of the frames, counted once\n",
                    figure_percent((double)h->duplicates, (double)h->packets, text));
    coverage_text(b, s);
    put_logs(b, s);
    put_gaps(b, s);
    put_bounds(b, s);
    buffer_text(b, "          one link was seen: other ways out cannot be excluded\n");
}

static void put_left_out(struct buffer *b, uint64_t count, const char *what)
{
    char text[FIGURE_SIZE];
    if (count > 0)
        buffer_text(b, "          %s %s\n", figure_count(count, text), what);
}

static void put_evidence(struct buffer *b, const struct summary *s)
{
    const struct evidence_told *told = s->evidence;
    char files[FIGURE_SIZE], packets[FIGURE_SIZE], bytes[FIGURE_SIZE];
    if (!told)
        return;
    buffer_text(b, "Evidence  %s/evidence: %s captures, %s packets, %s\n", s->folder,
                figure_count(told->files, files), figure_count(told->packets, packets),
                figure_bytes(told->bytes, bytes));
    buffer_text(b, "          head %s\n          key  %s\n", told->head, told->key_id);
    put_left_out(b, told->inputs_not_read, "inputs yield none: manifest.json says why");
    put_left_out(b, told->incidents_beyond, "incidents have none: there are too many");
    put_left_out(b, told->flows_beyond, "flows are left out: there are too many");
    put_left_out(b, told->flows_missing, "flows of incidents were not found a second time");
    put_left_out(b, told->unheld, "fragments could not be told to a flow");
}

static void put_next(struct buffer *b, const struct summary *s)
{
    if (s->folder)
        buffer_text(b, "Kept      %s/alerts.ndjson, %s/summary.json%s%s%s, %s/report.html\n",
                    s->folder, s->folder, s->flows ? ", " : "", s->flows ? s->folder : "",
                    s->flows ? "/flows.ndjson" : "", s->folder);
    else
        buffer_text(b, "Next      -o DIR keeps the alerts and this summary, --flows every flow\n");
}

static void put_noise(struct buffer *b, const struct summary *s)
{
    const struct engine_counts *counts = engine_counts_of(s->engine);
    char alerts[FIGURE_SIZE], bytes[FIGURE_SIZE], quiet[FIGURE_SIZE];
    if (counts->alerts_silenced > 0)
        buffer_text(b, "Silenced  %s alerts, %s left in them: counted like any other\n",
                    figure_count(counts->alerts_silenced, alerts),
                    figure_bytes(counts->silenced_bytes, bytes));
    if (counts->alerts_quiet > 0)
        buffer_text(b, "Quiet     %s alerts of acknowledged incidents\n",
                    figure_count(counts->alerts_quiet, quiet));
}

char *summary_text(const struct summary *s)
{
    struct buffer b = {0};
    put_inputs(&b, s);
    put_capture(&b, s);
    mode_text(&b, s);
    put_inside(&b, s);
    summary_put_incidents(&b, s);
    put_noise(&b, s);
    put_not_judged(&b, s);
    put_ranking(&b, s);
    put_lasting(&b, s);
    put_coverage(&b, s);
    put_evidence(&b, s);
    put_next(&b, s);
    buffer_u8(&b, 0);
    return (char *)b.data;
}
