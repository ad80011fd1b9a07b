/* Judging a host's day of evidence.
 *
 *   evidence → fused, calibrated → fires?  → the row that leads, three reasons, the edge
 *
 * Only what fires costs more than a look into the tables: the edge needs the evidence without what
 * leads, for which the engine goes through the hour's pairs once. Thread: any (pure). */
#include "weir/detect/fusion.h"

#include "rows.h"

#include <math.h>
#include <string.h>

#define LEAST_SHARE 0.02 /* of the evidence: less is no reason */

static const struct detector *const row_of[EVIDENCES] = {
    [EVIDENCE_YOUNG_WEEK] = &detector_destination_new,
    [EVIDENCE_YOUNG_HOUR] = &detector_destination_new,
    [EVIDENCE_PERSISTENCE] = &detector_destination_new,
    [EVIDENCE_PAIR_GROWTH] = &detector_volume_slow,
    [EVIDENCE_HOST_HOUR] = &detector_volume_host,
    [EVIDENCE_ABSOLUTE_DAY] = &detector_volume_host,
    [EVIDENCE_PAIR_HOUR] = &detector_volume_destination,
    [EVIDENCE_HOST_DAY] = &detector_volume_host,
    [EVIDENCE_ABSOLUTE_HOUR] = &detector_volume_host,
    [EVIDENCE_HOST_GROWTH] = &detector_volume_slow,
    [EVIDENCE_PAIR_DAY] = &detector_volume_destination,
    [EVIDENCE_RARE] = &detector_destination_rare,
    [EVIDENCE_BEACON] = &detector_timing_beacon,
    [EVIDENCE_LONG] = &detector_timing_long,
    [EVIDENCE_RATIO] = &detector_ratio_shift,
    [EVIDENCE_STAGING] = &detector_staging_upload,
    [EVIDENCE_UPLOAD] = &detector_ratio_upload,
    [EVIDENCE_UPLOAD_AGAIN] = &detector_ratio_upload,
    [EVIDENCE_UPLOAD_GROWTH] = &detector_ratio_upload,
    [EVIDENCE_UPLOAD_ALONE] = &detector_ratio_upload,
    [EVIDENCE_NETWORK_WEEK] = &detector_volume_served,
    [EVIDENCE_NETWORK_HOUR] = &detector_volume_served,
    [EVIDENCE_SERVED_GROWTH] = &detector_volume_slow,
    [EVIDENCE_SERVED_HOUR] = &detector_volume_served,
    [EVIDENCE_SERVED_DAY] = &detector_volume_served,
};

static bool is_day_off(const struct weighing *weighing)
{
    return weighing->civil.class >= HOUR_WORK_WEEKEND;
}

static struct fused fuse(const struct weighing *weighing, const struct day_evidence *evidence,
                         enum evidence_side side)
{
    const struct measures measures = fleet_measures_of(weighing->fleet, weighing->host);
    return evidence_fuse(evidence, side, is_day_off(weighing), &measures);
}

struct fused fusion_weigh(const struct weighing *weighing, enum evidence_side side, bool *fired)
{
    struct fused fused = fuse(weighing, &weighing->evidence, side);
    struct limits limits = fleet_limits(weighing->fleet, side);
    *fired = weighing->fleet && fused_fires(&fused, &limits);
    return fused;
}

bool fusion_is_told(const struct weighing *weighing, enum evidence_side side,
                    const struct fused *fused, const struct destination *destination)
{
    struct limits limits = fleet_limits(weighing->fleet, side);
    double bar = destination && weighing->bar ? weighing->bar(weighing->context, destination) : 1;
    limits = limits_above(&limits, bar);
    if (bar > 1 &&
        weighing->evidence.mark[EVIDENCE_UPLOAD_ALONE].pair != evidence_name(destination))
        limits.upload = 0; /* what went elsewhere lifts nothing over this one's bar */
    return fused->e >= weighing->silent_e[side] && fused_fires(fused, &limits);
}

/* --- the edge --------------------------------------------------------------------------------- */

static uint64_t less(uint64_t bytes, uint64_t removed)
{
    return bytes > removed ? bytes - removed : 0;
}

/* The last of the hour's bytes had not gone: those behind its moment first. */
static struct upload upload_of_fewer(const struct upload *upload, uint64_t hour)
{
    uint64_t out = upload->out_bytes < hour ? upload->out_bytes : hour;
    return less(out, upload->in_bytes) >= UPLOAD_LEAST ? (struct upload){out, upload->in_bytes}
                                                       : (struct upload){0, 0};
}

static struct amounts amounts_less(const struct amounts *amounts, uint64_t removed)
{
    struct amounts rest = *amounts;
    rest.hour = less(amounts->hour, removed);
    rest.day = less(amounts->day, removed);
    rest.week = less(amounts->week, removed);
    rest.span = less(amounts->span, removed);
    rest.upload = upload_of_fewer(&amounts->upload, rest.hour);
    return rest;
}

static void add_whole(const struct weighing *weighing, uint32_t name, uint64_t removed,
                      struct day_evidence *evidence)
{
    struct whole_hour whole = weighing->whole;
    whole.name = name;
    whole.less = removed;
    if (whole.total)
        evidence_add_whole_hour(evidence, weighing->host, weighing->fleet, &weighing->civil,
                                &whole);
}

/* What it comes to had `removed` bytes less gone there (or, of the host's own kinds, left the host
 * at all). */
static struct fused fused_less(const struct weighing *weighing, enum evidence_side side,
                               const struct weighed_pair *lead, const struct day_evidence *others,
                               uint64_t removed)
{
    struct day_evidence evidence = *others;
    struct amounts host = amounts_less(&weighing->amounts, removed);
    evidence_add_host(&evidence, weighing->host, weighing->fleet, &weighing->civil, &host);
    add_whole(weighing, lead->destination ? evidence_name(lead->destination) : 0, removed,
              &evidence);
    if (lead->destination) {
        struct amounts pair = amounts_less(&lead->amounts, removed);
        evidence_add_pair(&evidence, weighing->host, lead->pair, lead->destination, weighing->fleet,
                          &weighing->civil, &pair);
        const struct asked_pair of = {weighing->host, lead->pair, lead->destination,
                                      weighing->fleet, &weighing->civil};
        evidence_keep_uploads(&evidence, &weighing->closed, &of, pair.day);
    }
    return fuse(weighing, &evidence, side);
}

static bool still_fires(const struct weighing *weighing, enum evidence_side side,
                        const struct weighed_pair *lead, const struct day_evidence *others,
                        uint64_t removed)
{
    struct fused fused = fused_less(weighing, side, lead, others, removed);
    return fusion_is_told(weighing, side, &fused, lead->destination);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The least number of bytes, of the day (of something new: of its week), at which it would still
 * have been told, had the last of them not gone; 0: whatever had gone there, there is enough else.
 */
static uint64_t least_bytes(const struct weighing *weighing, enum evidence_side side,
                            const struct weighed_pair *lead)
{
    struct day_evidence others;
    uint64_t observed = larger(lead->amounts.day, larger(lead->amounts.week, lead->amounts.span));
    uint64_t low = 0, high = observed;
    weighing->without(weighing->context, lead->destination ? evidence_name(lead->destination) : 0,
                      &others);
    if (still_fires(weighing, side, lead, &others, observed))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (still_fires(weighing, side, lead, &others, observed - middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void set_needs(const struct weighing *weighing, enum evidence_side side,
                      const struct weighed_pair *lead, struct finding *finding)
{
    finding->needs = (double)least_bytes(weighing, side, lead);
    finding->needs_unit = finding->needs > 0 ? "byte" : NULL;
}

/* Trust in the largest destination is none in the rest: the rest is judged as a host's is. */
bool fusion_explained(const struct weighing *weighing, enum evidence_side side,
                      struct finding *finding, struct weighed_pair *lead)
{
    struct weighed_pair most = {.destination = NULL};
    struct day_evidence others;
    if (weighing->largest)
        weighing->largest(weighing->context, &most);
    if (!most.destination ||
        (weighing->bar && weighing->bar(weighing->context, most.destination) > 1))
        return false;
    weighing->without(weighing->context, evidence_name(most.destination), &others);
    struct fused rest = fused_less(weighing, side, &most, &others, most.amounts.day);
    if (fusion_is_told(weighing, side, &rest, NULL))
        return false;
    *lead = most;
    set_needs(weighing, side, lead, finding);
    return true;
}

/* --- reasons ---------------------------------------------------------------------------------- */

/* Of the open hour or, but for an upload alone, the day; 0: the hour shows none. */
static uint64_t surplus_now(enum evidence_kind kind, const struct weighed_pair *pair,
                            const struct civil *civil)
{
    uint64_t hour = pair->amounts.upload.out_bytes - pair->amounts.upload.in_bytes;
    bool goes_on = kind != EVIDENCE_UPLOAD_ALONE && pair->pair && pair->pair->today == civil->day;
    return hour > 0 && goes_on ? bytes_add(hour, pair->pair->today_surplus) : hour;
}

static uint64_t amount_of(enum evidence_kind kind, const struct weighed_pair *pair,
                          const struct civil *civil)
{
    bool first = !pair->pair || civil->hour - pair->pair->first_hour < PAIR_YOUNG_HOURS;
    switch (kind) {
    case EVIDENCE_YOUNG_WEEK:
    case EVIDENCE_NETWORK_WEEK:
        return first ? pair->amounts.week : pair->amounts.span;
    case EVIDENCE_RARE:
        return pair->amounts.week;
    case EVIDENCE_YOUNG_HOUR:
    case EVIDENCE_NETWORK_HOUR:
    case EVIDENCE_HOST_HOUR:
    case EVIDENCE_ABSOLUTE_HOUR:
    case EVIDENCE_PAIR_HOUR:
    case EVIDENCE_SERVED_HOUR:
        return pair->amounts.hour;
    case EVIDENCE_BEACON:
        return pair->pair ? rhythm_connections(&pair->pair->rhythm) : 0;
    case EVIDENCE_LONG:
        return pair->amounts.longest_s;
    case EVIDENCE_UPLOAD:
        return pair->amounts.upload.out_bytes;
    case EVIDENCE_UPLOAD_AGAIN:
    case EVIDENCE_UPLOAD_GROWTH:
    case EVIDENCE_UPLOAD_ALONE:
        return surplus_now(kind, pair, civil);
    case EVIDENCE_RATIO: /* of a closed hour */
        return 0;
    default:
        return pair->amounts.day;
    }
}

static uint64_t staged_now(const struct weighing *weighing)
{
    size_t since;
    const struct staged_days days =
        evidence_staged(weighing->host, &weighing->civil, &weighing->amounts, true);
    return staged_bytes(&days, &since);
}

/* What is told of a pair by its own past: not once that was let go for room. */
static bool tells_of_past(enum evidence_kind kind)
{
    return kind == EVIDENCE_BEACON || kind == EVIDENCE_PAIR_GROWTH ||
           kind == EVIDENCE_SERVED_GROWTH || kind == EVIDENCE_HOST_GROWTH;
}

/* False: its pair is not known any more, so nothing can be said of it. */
static bool look_up(const struct weighing *weighing, enum evidence_kind kind,
                    struct told_kind *told)
{
    const struct evidence_mark *mark = &weighing->evidence.mark[kind];
    *told = (struct told_kind){.kind = kind, .weighing = weighing};
    told->pair.amounts = weighing->amounts;
    if (mark->pair && !weighing->find(weighing->context, mark->pair, &told->pair))
        return false;
    if (told->pair.destination && !told->pair.pair && tells_of_past(kind))
        return false;
    uint64_t now = kind == EVIDENCE_STAGING ? staged_now(weighing)
                                            : amount_of(kind, &told->pair, &weighing->civil);
    if (kind == EVIDENCE_STAGING && weighing->largest)
        weighing->largest(weighing->context, &told->pair);
    told->earlier = histogram_bin(now) < histogram_bin(mark->bytes);
    told->bytes = told->earlier ? mark->bytes : now;
    told->estimate =
        evidence_estimate(kind, weighing->host, told->pair.pair, told->pair.destination,
                          weighing->fleet, &weighing->civil, told->bytes);
    return true;
}

static void add_reason(const struct told_kind *told, const struct fused *fused,
                       struct finding *finding)
{
    struct reason *reason = &finding->reason[finding->reason_count++];
    reason->observed = (double)told->bytes;
    reason->expected[0] = (double)told->estimate.expected[0];
    reason->expected[1] = (double)told->estimate.expected[1];
    reason->unit = "byte";
    reason->p = fused->single[told->kind];
    reason->weight = fused->share[told->kind];
    reason->samples = told->estimate.samples;
    row_of[told->kind]->tell(told, reason);
}

/* Kinds of a side by what they say, the most first; how many say anything. */
static size_t by_share(const struct fused *fused, enum evidence_kind sorted[EVIDENCES])
{
    size_t count = 0;
    for (int kind = 0; kind < EVIDENCES; kind++) {
        size_t at = count;
        if (!(fused->share[kind] > 0))
            continue;
        for (; at > 0 && fused->share[sorted[at - 1]] < fused->share[kind]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = (enum evidence_kind)kind;
        count++;
    }
    return count;
}

/* How many there are then: an upload alone is no part of what is fused. */
static size_t put_first(enum evidence_kind sorted[EVIDENCES], size_t count, enum evidence_kind kind)
{
    size_t at = 0;
    while (at < count && sorted[at] != kind)
        at++;
    count += at == count && kind == EVIDENCE_UPLOAD_ALONE;
    for (; at > 0 && at < count; at--)
        sorted[at] = sorted[at - 1];
    sorted[0] = kind;
    return count;
}

/* What was staged leads to where most of the day went, but only what says most of all does. */
static bool names_place(const struct weighing *weighing, enum evidence_kind kind, bool first)
{
    return weighing->evidence.mark[kind].pair || (first && kind == EVIDENCE_STAGING);
}

/* Uploads are a reason beside what else is said of the same place, where that says something. */
static enum evidence_kind of_place(const struct weighing *weighing, const struct fused *fused,
                                   const enum evidence_kind sorted[EVIDENCES], size_t count,
                                   enum evidence_kind upload)
{
    const struct evidence_mark *mark = weighing->evidence.mark;
    for (size_t i = 0; i < count; i++)
        if (sorted[i] < EVIDENCE_UPLOAD && mark[sorted[i]].pair == mark[upload].pair &&
            fused->share[sorted[i]] >= FUSED_PLACE_SHARE)
            return sorted[i];
    return upload;
}

/* Whether the host would be told had nothing been said of a place, nor its bytes of the day left.
 */
static bool fires_without(const struct weighing *weighing, enum evidence_side side, uint32_t name)
{
    struct weighed_pair place;
    struct day_evidence others;
    if (!weighing->find(weighing->context, name, &place))
        return false;
    weighing->without(weighing->context, name, &others);
    struct amounts host = amounts_less(&weighing->amounts, place.amounts.day);
    evidence_add_host(&others, weighing->host, weighing->fleet, &weighing->civil, &host);
    add_whole(weighing, name, place.amounts.day, &others);
    struct fused rest = fuse(weighing, &others, side);
    return fusion_is_told(weighing, side, &rest, NULL);
}

/* Where only the absolute day or an upload alone fired, that is what the alert is about; else the
 * strongest component that names a destination, if it says something, or the strongest of all. An
 * upload was mostly in an earlier hour: beside what is stronger it leads only where it is needed.
 */
static enum evidence_kind leading(const struct weighing *weighing, enum evidence_side side,
                                  const struct fused *fused,
                                  const enum evidence_kind sorted[EVIDENCES], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum evidence_kind kind = sorted[i];
        if (!names_place(weighing, kind, i == 0) || fused->share[kind] < FUSED_PLACE_SHARE)
            continue;
        if (kind >= EVIDENCE_UPLOAD)
            kind = of_place(weighing, fused, sorted, count, kind);
        if (kind < EVIDENCE_UPLOAD || i == 0 ||
            !fires_without(weighing, side, weighing->evidence.mark[kind].pair))
            return kind;
    }
    return sorted[0];
}

void fusion_tell(const struct weighing *weighing, enum evidence_side side,
                 const struct fused *fused, struct finding *finding, struct weighed_pair *lead)
{
    enum evidence_kind sorted[EVIDENCES] = {EVIDENCE_ABSOLUTE_DAY};
    const struct limits limits = fleet_limits(weighing->fleet, side);
    size_t count = by_share(fused, sorted);
    struct told_kind told, leads = {0};
    memset(finding, 0, sizeof *finding);
    enum evidence_kind first = fused_told_by(fused, &limits, &finding->p);
    if (first == EVIDENCES)
        first = leading(weighing, side, fused, sorted, count);
    count = put_first(sorted, count, first);
    for (size_t i = 0; i < count && finding->reason_count < FUSION_REASONS; i++) {
        if ((i > 0 && fused->share[sorted[i]] < LEAST_SHARE) ||
            !look_up(weighing, sorted[i], &told))
            continue;
        if (finding->reason_count == 0)
            leads = told;
        add_reason(&told, fused, finding);
    }
    finding->detector = row_of[finding->reason_count ? leads.kind : sorted[0]];
    finding->evidence = fused->e;
    finding->score = score_of_p(finding->p);
    finding->urgency = urgency_of(finding->detector, finding->score);
    *lead = leads.pair;
    set_needs(weighing, side, lead, finding);
}
