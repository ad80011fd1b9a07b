/* sensor.blind: what the sensor could not see over an interval, because the silence of a blind
 * sensor looks like peace. Each kind of blindness is a line of a table: how much, of what, from
 * where on it is told. A few losses are normal everywhere, so each needs a share and an absolute
 * amount: a short capture with one gap says nothing. What fell silent is in sensor_silent.c. */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS       10
#define CODE_UNREAD "sensor.blind.unread"

struct blindness {
    const char *code, *unit, *text; /* "LOST of OF …" */
    uint64_t lost, of;
    uint64_t least, least_of; /* it is not told below these */
    double share, full;       /* score 40 at `share` of `of`, 70 at `full`, by the logarithm */
    uint64_t much;            /* told from here on whatever the share, with score 40; 0: never */
};

static bool told(const struct blindness *b)
{
    if (b->lost < b->least || b->of < b->least_of)
        return false;
    return (double)b->lost >= b->share * (double)b->of || (b->much && b->lost >= b->much);
}

static int score_of(const struct blindness *b)
{
    double share = (double)b->lost / (double)b->of;
    if (share <= b->share)
        return 40;
    return (int)fmin(70.0, 40 + 30 * log(share / b->share) / log(b->full / b->share));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static size_t look(const struct health *h, struct blindness found[])
{
    uint64_t drops = h->kernel_drops + h->interface_drops;
    uint64_t tcp_flows = h->flows_one_sided + h->flows_two_sided;
    uint64_t undecoded = h->truncated + h->malformed_link + h->malformed_ipv4 + h->malformed_ipv6;
    uint64_t unread = h->unknown_link + h->tunnels_unread;
    uint64_t implausible = h->tcp_far_segments + h->tcp_far_acks + h->tcp_resets_refused;
    const struct blindness all[] = {
        {"sensor.blind.drops", "packet", "packets were lost before the sensor saw them", drops,
         h->packets + drops, 100, 0, 0.001, 0.1, 10000},
        {"sensor.blind.gaps", "byte", "of TCP payload were not seen", h->tcp_missing_bytes,
         h->tcp_payload_bytes + h->tcp_missing_bytes, UINT64_C(1) << 20, 0, 0.01, 0.5, 0},
        {"sensor.blind.one_sided", "flow", "ended TCP flows were seen from one side only",
         h->flows_one_sided, tcp_flows, 1, 20, 0.5, 1, 0},
        {"sensor.blind.evicted", "flow", "flows were ended early because the table was full",
         h->flows_evicted, larger(h->flows, h->flows_evicted), 100, 0, 0.001, 0.5, 0},
        {"sensor.blind.ring", "flow",
         "flows lost their last figures, or all, because the engine was slow", h->ring_lost,
         larger(h->flows, h->ring_lost), 1, 0, 0.0001, 0.1, 1},
        {CODE_UNREAD, "packet", "packets were of kinds, or carried tunnels, that are not read",
         unread, larger(h->packets, unread), 20, 0, 0.01, 0.5, 0},
        {"sensor.blind.tunnels", "packet",
         "packets came in tunnels for which there was no room: where these lead was not judged",
         h->tunnels_lost, larger(h->packets, h->tunnels_lost), 100, 0, 0.001, 0.1, 10000},
        {"sensor.blind.undecoded", "packet", "packets were cut or damaged in their headers",
         undecoded, larger(h->packets, undecoded), 100, 0, 0.01, 0.5, 0},
        {"sensor.blind.implausible", "packet",
         "packets had TCP numbers that fit no stream seen: forged, or copies in other numbers",
         implausible, larger(h->packets, implausible), 100, 0, 0.001, 0.1, 0},
        {"sensor.blind.clock", "packet",
         "packets had time stamps an hour or more off the clock, and are told at the clock",
         h->time_jumps, larger(h->packets, h->time_jumps), 100, 0, 0.001, 0.1, 0},
    };
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (told(&all[i]))
            found[count++] = all[i];
    return count;
}

/* How far beyond where it is told: grows with the loss, comparable between kinds. */
static double excess(const struct blindness *b)
{
    double share = (double)b->lost / (double)b->of / b->share;
    double amount = b->much ? (double)b->lost / (double)b->much : 0;
    return fmax(1.0, fmax(share, amount));
}

/* Where it is told, in its own unit. */
static uint64_t needed(const struct blindness *b)
{
    uint64_t by_share = (uint64_t)ceil(b->share * (double)b->of);
    uint64_t needs = larger(b->least, by_share);
    return b->much && b->much < needs ? b->much : needs;
}

static int by_score(const void *a, const void *b)
{
    const struct blindness *x = a, *y = b;
    int order = score_of(y) - score_of(x);
    return order ? order : strcmp(x->code, y->code);
}

/* The two kinds that most of it was, in parentheses; "" when that is not known. */
static const char *kinds_text(const struct health *health, char *text, size_t size)
{
    struct health_kind kind[HEALTH_KINDS];
    char name[HEALTH_KIND_TEXT], packets[COUNT_TEXT_SIZE];
    size_t count = health ? health_kinds(health, kind) : 0, said = 0, used = 0;
    *text = '\0';
    for (size_t i = 0; i < count && said < 2; i++) {
        if (kind[i].what == HEALTH_SKIPPED || kind[i].what == HEALTH_SKIPPED_WITHIN)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", said ? ", " : " (",
                                 health_kind_text(&kind[i], name),
                                 count_text(kind[i].packets, packets));
        said++;
    }
    if (said > 0)
        snprintf(text + used, size - used, ")");
    return text;
}

static void write_reason(const struct subject *subject, const struct blindness *b,
                         struct reason *reason)
{
    char lost[COUNT_TEXT_SIZE], of[COUNT_TEXT_SIZE], from[32], to[32];
    char kinds[2 * (HEALTH_KIND_TEXT + COUNT_TEXT_SIZE + 4)];
    bool bytes = strcmp(b->unit, "byte") == 0, unread = strcmp(b->code, CODE_UNREAD) == 0;
    snprintf(reason->text, sizeof reason->text, "%s of %s %s%s, %s to %s",
             (bytes ? bytes_text : count_text)(b->lost, lost),
             (bytes ? bytes_text : count_text)(b->of, of), b->text,
             kinds_text(unread ? &subject->interval : NULL, kinds, sizeof kinds),
             ptime_iso(subject->interval_start, from, sizeof from),
             ptime_iso(subject->interval_end, to, sizeof to));
    reason->code = b->code;
    reason->observed = (double)b->lost;
    reason->unit = b->unit;
    reason->samples = (double)b->of;
}

static bool judge_sensor(const struct subject *subject, struct finding *finding)
{
    struct blindness found[KINDS];
    if (subject->silence)
        return judge_silence(subject->silence, finding);
    size_t count = look(&subject->interval, found);
    if (count == 0)
        return false;
    qsort(found, count, sizeof *found, by_score);
    count = count < FINDING_REASONS ? count : FINDING_REASONS;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += score_of(&found[i]);
    for (size_t i = 0; i < count; i++) {
        write_reason(subject, &found[i], &finding->reason[i]);
        finding->reason[i].weight = score_of(&found[i]) / sum;
    }
    finding->reason_count = count;
    finding->evidence = excess(&found[0]);
    finding->score = score_of(&found[0]);
    finding->needs = (double)needed(&found[0]);
    finding->needs_unit = found[0].unit;
    return true;
}

const struct detector detector_sensor_blind = {
    .id = "sensor.blind",
    .name = "The sensor did not see everything",
    .kind = SUBJECT_SENSOR,
    .wakes = true, /* a silent tap or direction; counted losses score 70 at most */
    .explains =
        "What the sensor lost over an interval: packets dropped, TCP payload not seen, flows "
        "seen from one side, flows cut short for room, encapsulations that are not read, damaged "
        "headers, TCP numbers that fit nothing, clocks that jump; live, what fell silent that "
        "never was "
        "(the tap, a direction, a VLAN, half of the hosts) and when a part of the sensor was "
        "away. No attack technique: most of it is cabling and load. While it lasts, figures are "
        "lower bounds and silence proves nothing. False alarms: asymmetric routes that are known "
        "and accepted; a VLAN or a link that was switched off on purpose.",
    .judge = judge_sensor,
};
