/* The hosts of a hunt: whose days were seen, what stands against them, and the table of it for
 * people and for programs. Thread: the main thread. */
#include "weir/investigate/hunt.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/figures.h"
#include "weir/base/map.h"

#include <stdio.h>
#include <stdlib.h>

#define PROBLEMS_SHOWN 5
#define HOST_WIDTH     24

struct hunt_hosts {
    const struct hunt_days *days;
    struct map map;
    struct hunt_host **sorted;
};

struct hunt_hosts *hunt_hosts_new(const struct hunt_days *days)
{
    struct hunt_hosts *hosts = xcalloc(1, sizeof *hosts);
    hosts->days = days;
    map_init(&hosts->map);
    return hosts;
}

static void free_host(void *value)
{
    struct hunt_host *host = value;
    free(host->seen);
    free(host);
}

void hunt_hosts_free(struct hunt_hosts *hosts)
{
    if (!hosts)
        return;
    map_fini(&hosts->map, free_host);
    free(hosts->sorted);
    free(hosts);
}

struct hunt_host *hunt_hosts_get(struct hunt_hosts *hosts, const struct ip *ip)
{
    struct hunt_host *host = map_get(&hosts->map, ip, sizeof *ip);
    if (host)
        return host;
    host = xcalloc(1, sizeof *host);
    host->ip = *ip;
    host->seen = xcalloc(hosts->days->count / 8 + 1, 1);
    map_put(&hosts->map, ip, sizeof *ip, host);
    return host;
}

void hunt_host_seen(struct hunt_hosts *hosts, struct hunt_host *host, int64_t day)
{
    int64_t at = day - hosts->days->first;
    if (at >= 0 && at < (int64_t)hosts->days->count)
        host->seen[at / 8] |= (uint8_t)(1u << (at % 8));
}

/* --- judging ---------------------------------------------------------------------------------- */

static double evidence_of(const struct incident *incident)
{
    double most = 0;
    for (size_t i = 0; i < incident->rank_count; i++)
        if (incident->rank[i].finding.score == incident->score &&
            incident->rank[i].finding.evidence > most)
            most = incident->rank[i].finding.evidence;
    return most;
}

/* Sorted by score, so the first is the one; what never let anything out is no leaving. */
static void note_incidents(struct hunt_hosts *hosts, const struct incidents *incidents)
{
    static const struct ip none;
    size_t count;
    const struct incident **all = incidents_sorted(incidents, &count);
    for (size_t i = 0; i < count; i++) {
        const struct story *story = &all[i]->story;
        if (ip_compare(&story->host, &none) == 0 || story->out.high == 0)
            continue;
        struct hunt_host *host = hunt_hosts_get(hosts, &story->host);
        if (host->incidents++ == 0)
            host->incident = all[i];
    }
    free(all);
}

static void judge(struct hunt_hosts *hosts, struct hunt_host *host, size_t least, bool hindsight)
{
    const struct hunt_days *days = hosts->days;
    host->basis = (struct hunt_basis){.incidents = host->incidents,
                                      .days = days->count,
                                      .covered = hunt_days_of(days, HUNT_COVERED),
                                      .crowded = hunt_days_of(days, HUNT_CROWDED),
                                      .least = least,
                                      .hindsight = hindsight};
    for (size_t day = 0; day < days->count; day++)
        if (host->seen[day / 8] & (1u << (day % 8)))
            host->basis.seen[days->sight[day]]++;
    host->judgement = hunt_judge(&host->basis);
}

static int by_evidence(const void *left, const void *right)
{
    const struct hunt_host *a = *(struct hunt_host *const *)left;
    const struct hunt_host *b = *(struct hunt_host *const *)right;
    if (a->judgement.verdict != b->judgement.verdict)
        return a->judgement.verdict < b->judgement.verdict ? -1 : 1;
    if (a->incident && a->incident->score != b->incident->score)
        return a->incident->score > b->incident->score ? -1 : 1;
    if (a->incident) {
        double x = evidence_of(a->incident), y = evidence_of(b->incident);
        if (x > y || x < y)
            return x > y ? -1 : 1;
    }
    uint64_t x = a->incident ? a->incident->story.out.value : a->out.value;
    uint64_t y = b->incident ? b->incident->story.out.value : b->out.value;
    if (x != y)
        return x > y ? -1 : 1;
    return ip_compare(&a->ip, &b->ip);
}

struct hunt_host *const *hunt_hosts_judge(struct hunt_hosts *hosts,
                                          const struct incidents *incidents, size_t least,
                                          bool hindsight, size_t *count)
{
    size_t position = 0;
    *count = 0;
    note_incidents(hosts, incidents);
    free(hosts->sorted);
    hosts->sorted = xcalloc(hosts->map.count + 1, sizeof(struct hunt_host *));
    for (const struct map_entry *e; (e = map_next(&hosts->map, &position)) != NULL;) {
        judge(hosts, e->value, least, hindsight);
        hosts->sorted[(*count)++] = e->value;
    }
    qsort(hosts->sorted, *count, sizeof(struct hunt_host *), by_evidence);
    return hosts->sorted;
}

/* --- for people ------------------------------------------------------------------------------- */

static size_t seen_days(const struct hunt_host *host)
{
    size_t days = 0;
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        days += host->basis.seen[sight];
    return days;
}

/* The first instant of a day, near enough for its date: the ordinals are the site's. */
static char *day_text(int64_t day, char text[32])
{
    ptime_iso((struct ptime){day * NS_PER_DAY}, text, 32);
    text[10] = '\0';
    return text;
}

static void put_volume_text(struct buffer *b, struct volume volume)
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    volume = volume_clamped(volume);
    buffer_text(b, "%s", figure_bytes(volume.value, value));
    if (volume.low != volume.value || volume.high != volume.value)
        buffer_text(b, " [%s – %s]", figure_bytes(volume.low, low),
                    figure_bytes(volume.high, high));
}

static void put_left(struct buffer *b, const struct hunt_result *r, const struct hunt_host *host)
{
    const struct incident *incident = host->incident;
    const struct story *story = &incident->story;
    char from[64], to[64], short_id[16];
    put_volume_text(b, story->out);
    buffer_text(b, " to %s", story->has_destination ? story->destination.name : "several places");
    buffer_text(b, ", %s – %s, %s, score %d",
                calendar_text(r->calendar, story->first, CALENDAR_MINUTE, from, sizeof from),
                calendar_text(r->calendar, story->last, CALENDAR_MINUTE, to, sizeof to),
                incident_short(incident->id, short_id), incident->score);
    if (host->incidents > 1)
        buffer_text(b, "; %zu more", host->incidents - 1);
}

static const char *sight_words(enum hunt_sight sight)
{
    switch (sight) {
    case HUNT_ONE_SIDED:
        return "days were seen in one direction only";
    case HUNT_CROWDED:
        return "days had more hosts than baseline.max_hosts";
    case HUNT_MISSING:
        return "days miss payload";
    case HUNT_LOST:
        return "days lost packets";
    case HUNT_DAMAGED:
        return "days have an input that is damaged";
    case HUNT_COVERED:
    case HUNT_GAP:
    case HUNT_SIGHTS:
        break;
    }
    return "days are not covered";
}

static void put_why(struct buffer *b, const struct hunt_result *r, const struct hunt_host *host)
{
    switch (host->judgement.why) {
    case HUNT_WHY_NOT_SEEN:
        buffer_text(b, "was not seen sending");
        break;
    case HUNT_WHY_CROWDED:
        buffer_text(b,
                    "was not seen, and on %zu days there were more hosts than baseline.max_hosts",
                    host->basis.crowded);
        break;
    case HUNT_WHY_SHORT:
        buffer_text(b, "two days or less: nothing to hold a day against");
        break;
    case HUNT_WHY_UNCOVERED:
        buffer_text(b, "%zu of %zu days are covered, half are needed", host->basis.covered,
                    host->basis.days);
        break;
    case HUNT_WHY_FEW_DAYS:
        buffer_text(b, "seen on %zu days, %zu are needed", seen_days(host), r->least);
        break;
    case HUNT_WHY_SIGHT:
        buffer_text(b, "%zu of its days are covered, %zu are needed: %zu %s",
                    host->basis.seen[HUNT_COVERED], r->least,
                    host->basis.seen[host->judgement.sight], sight_words(host->judgement.sight));
        break;
    case HUNT_WHY_NOTHING:
    case HUNT_WHYS:
        break;
    }
}

static void put_host(struct buffer *b, const struct hunt_result *r, const struct hunt_host *host)
{
    char text[IP_TEXT_SIZE];
    buffer_text(b, "%-*s %-34s %3zu of %-3zu  ", HOST_WIDTH, host_text(&host->ip, text),
                hunt_verdict_words[host->judgement.verdict], seen_days(host), r->days->count);
    if (host->judgement.verdict == HUNT_LEFT)
        put_left(b, r, host);
    else if (host->judgement.verdict == HUNT_CANNOT_SAY)
        put_why(b, r, host);
    else {
        put_volume_text(b, host->out);
        buffer_text(b, " in all");
    }
    while (b->size > 0 && b->data[b->size - 1] == ' ')
        b->size--;
    buffer_text(b, "\n");
}

static void put_sights(struct buffer *b, const struct hunt_days *days)
{
    const char *before = "; ";
    char text[32];
    for (enum hunt_sight sight = HUNT_ONE_SIDED; sight < HUNT_SIGHTS; sight++) {
        size_t count = hunt_days_of(days, sight), first = 0;
        if (count == 0)
            continue;
        while (days->sight[first] != sight)
            first++;
        buffer_text(b, "%s%zu not (%s, from %s on)", before, count, hunt_sight_name[sight],
                    day_text(days->first + (int64_t)first, text));
        before = ", ";
    }
}

static size_t verdicts(const struct hunt_result *r, enum hunt_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < r->host_count; i++)
        count += r->host[i]->judgement.verdict == verdict;
    return count;
}

static size_t problems(const struct hunt_result *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->input_count; i++)
        count += r->input[i].problem != NULL;
    return count;
}

static void put_inputs(struct buffer *b, const struct hunt_result *r)
{
    char count[FIGURE_SIZE];
    uint64_t packets = 0;
    size_t damaged = problems(r), shown = 0;
    for (size_t i = 0; i < r->input_count; i++)
        packets = bytes_add(packets, r->input[i].packets);
    buffer_text(b, "Inputs    %zu, %s packets; %zu with problems\n", r->input_count,
                figure_count(packets, count), damaged);
    for (size_t i = 0; i < r->input_count && shown < PROBLEMS_SHOWN; i++)
        if (r->input[i].problem) {
            buffer_text(b, "          %s\n", r->input[i].problem);
            shown++;
        }
    if (damaged > shown)
        buffer_text(b, "          … and %zu more (summary.json)\n", damaged - shown);
    if (r->flows_cut > 0)
        buffer_text(b, "          %s flows were open at a unit's end: each is two\n",
                    figure_count(r->flows_cut, count));
}

static void put_head(struct buffer *b, const struct hunt_result *r)
{
    const struct hunt_days *days = r->days;
    char from[32], to[32];
    buffer_text(b, "Hunt      %s – %s: %zu days, of which %zu are covered",
                day_text(days->first, from), day_text(days->first + (int64_t)days->count - 1, to),
                days->count, hunt_days_of(days, HUNT_COVERED));
    put_sights(b, days);
    buffer_text(b, "\nJudged    %s, in %zu unit%s\n",
                r->hindsight ? "in hindsight: each day held against all the others"
                             : "online: two days or less are too short for hindsight",
                r->units, r->units == 1 ? "" : "s");
    if (r->destination)
        buffer_text(b, "Only      what leads to %s: nothing is said of the rest\n", r->destination);
    if (r->filter)
        buffer_text(b, "Only      packets of \"%s\": nothing is said of the rest\n", r->filter);
    put_inputs(b, r);
    buffer_text(b,
                "Hosts     %zu: %zu left, %zu cannot say, %zu no sign within the stated coverage\n",
                r->host_count, verdicts(r, HUNT_LEFT), verdicts(r, HUNT_CANNOT_SAY),
                verdicts(r, HUNT_NO_SIGN));
}

char *hunt_text(const struct hunt_result *r)
{
    struct buffer b = {0};
    put_head(&b, r);
    buffer_text(&b, "\n%-*s %-34s %-10s  what\n", HOST_WIDTH, "host", "verdict", "days seen");
    for (size_t i = 0; i < r->host_count; i++)
        put_host(&b, r, r->host[i]);
    buffer_u8(&b, 0);
    return (char *)b.data;
}

/* --- for programs ----------------------------------------------------------------------------- */

static void put_volume(struct json *json, const char *key, struct volume volume)
{
    volume = volume_clamped(volume);
    json_open(json, key);
    json_uint(json, "value", volume.value);
    json_uint(json, "low", volume.low);
    json_uint(json, "high", volume.high);
    json_close(json);
}

static void put_incident(struct json *json, const struct incident *incident)
{
    const struct story *story = &incident->story;
    char text[16];
    json_open(json, "incident");
    json_str(json, "id", incident->id);
    json_str(json, "short", incident_short(incident->id, text));
    json_int(json, "score", incident->score);
    json_str(json, "destination", story->has_destination ? story->destination.name : NULL);
    put_volume(json, "out_bytes", story->out);
    json_time(json, "first", story->first);
    json_time(json, "last", story->last);
    json_list(json, "detectors");
    for (size_t i = 0; i < incident->rank_count; i++)
        json_str(json, NULL, incident->rank[i].detector->id);
    json_close(json);
    json_close(json);
}

static void put_line(struct json *json, const struct hunt_host *host)
{
    char text[IP_TEXT_SIZE];
    json_open(json, NULL);
    json_str(json, "host", host_text(&host->ip, text));
    json_str(json, "verdict", hunt_verdict_code[host->judgement.verdict]);
    json_str(json, "why", hunt_why_code[host->judgement.why]);
    json_bool(json, "asked", host->asked);
    json_uint(json, "days", host->basis.days);
    json_uint(json, "days_covered", host->basis.covered);
    json_uint(json, "days_needed", host->basis.least);
    json_open(json, "days_seen");
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        if (host->basis.seen[sight] > 0)
            json_uint(json, hunt_sight_name[sight], host->basis.seen[sight]);
    json_close(json);
    put_volume(json, "out_bytes", host->out);
    json_uint(json, "in_bytes", host->in_bytes);
    json_uint(json, "incidents", host->incidents);
    if (host->incident)
        put_incident(json, host->incident);
    json_close(json);
}

char *hunt_hosts_lines(const struct hunt_result *r)
{
    struct json *json = json_new();
    struct buffer b = {0};
    for (size_t i = 0; i < r->host_count; i++) {
        put_line(json, r->host[i]);
        char *line = json_take_text(json, 0);
        buffer_text(&b, "%s\n", line);
        free(line);
    }
    buffer_u8(&b, 0);
    json_free(json);
    return (char *)b.data;
}

static void put_days(struct json *json, const struct hunt_days *days)
{
    char text[32];
    json_open(json, "days");
    json_str(json, "first", day_text(days->first, text));
    json_str(json, "last", day_text(days->first + (int64_t)days->count - 1, text));
    json_uint(json, "count", days->count);
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        json_uint(json, hunt_sight_name[sight], hunt_days_of(days, (enum hunt_sight)sight));
    json_list(json, "not_covered");
    for (size_t i = 0; i < days->count; i++) {
        if (days->sight[i] == HUNT_COVERED)
            continue;
        json_open(json, NULL);
        json_str(json, "day", day_text(days->first + (int64_t)i, text));
        json_str(json, "why", hunt_sight_name[days->sight[i]]);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

char *hunt_json(const struct hunt_result *r)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    json_str(json, "mode", r->hindsight ? "hindsight" : "online");
    json_str(json, "timezone", r->timezone);
    if (r->destination)
        json_str(json, "only_destination", r->destination);
    if (r->filter)
        json_str(json, "only_packets", r->filter);
    put_days(json, r->days);
    json_uint(json, "days_needed", r->least);
    json_uint(json, "units", r->units);
    json_uint(json, "flows_cut", r->flows_cut);
    json_uint(json, "alerts_silent", r->silent);
    json_uint(json, "inputs", r->input_count);
    json_list(json, "problems");
    for (size_t i = 0; i < r->input_count; i++) {
        if (!r->input[i].problem)
            continue;
        json_open(json, NULL);
        json_str(json, "name", r->input[i].path);
        json_str(json, "problem", r->input[i].problem);
        json_close(json);
    }
    json_close(json);
    json_open(json, "verdicts");
    for (int verdict = 0; verdict < HUNT_VERDICTS; verdict++)
        json_uint(json, hunt_verdict_code[verdict], verdicts(r, (enum hunt_verdict)verdict));
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 2), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}
