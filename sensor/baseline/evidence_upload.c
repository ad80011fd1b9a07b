/* Evidence of uploads: in an hour more went to a destination than came back from it. Most of what a
 * host does is asked for and answered with more than the question; a copy that is sent out is not.
 * So the same size, rare for the pair or for what is new, says more the less of it was a question;
 * and that something new is sent to again says more than that it is come back to: by how many days,
 * by how little it answered on any of them, or by how much of each it did not. What a known place
 * does not answer is held against its own days: of most it is next to nothing. One hour far above
 * them is judged alone, too, by a bar of its own (fleet_limits): what has nothing to say of it does
 * not make it less.
 *
 * An answer may come later than what was sent, so whole hours are looked at, as ratios are
 * (evidence_manner.c): when they are closed, before they are learned, and in their own day's
 * evidence. Only what is large (UPLOAD_LEAST) is asked about at once, as it stood when most more
 * had gone than come back: a theft of gigabytes is over before its hour is. What is learned is
 * whole hours, the same for any number of sensors, so that of what is large and answered with more
 * in the same hour calibration knows less than was judged. Thread: any (pure). */
#include "closed_hour.h"
#include "evidence_local.h"
#include "profile_local.h"

#include <math.h>
#include <string.h>

#define AGAIN_TIMES    4 /* L of a return, in those of persistence: as if one in sixteen returned */
#define ANSWERED_LEAST 0.01 /* what comes back of itself: handshakes, acknowledgements */
#define OF_HOUR        0.5  /* of −ln π, of an upload alone */

static bool is_new_place(const struct asked *asked)
{
    int64_t first = asked->pair ? asked->pair->first_day : asked->civil->day;
    return evidence_is_young(asked) &&
           pair_bucket(asked->fleet, asked->pair, asked->destination) != PREVALENCE_REST &&
           !fleet_is_wave(asked->fleet, asked->destination, 0, first);
}

/* … and there is something to measure it by. */
static bool is_young(const struct asked *asked)
{
    return survival_exposure_days(asked->fleet) >= EXPOSED_DAYS && is_new_place(asked);
}

/* From a host's eighth day on at the latest: that something new is sent to again is measured by
 * nothing but by how often it is. */
static bool asks_again(const struct asked *asked)
{
    return asked->fleet && (!evidence_is_cold(asked->profile, asked->civil) ||
                            survival_exposure_days(asked->fleet) >= EXPOSED_DAYS);
}

/* --- the days before this one ----------------------------------------------------------------- */

/* Of weeks that are over it is not known what is usual: days' surplus is learned one behind the
 * other (hindsight.h), so that in the first weeks all would be much. */
bool upload_has_usual(const struct profile *profile)
{
    return !profile->whole;
}

/* The first hour of a host's day is judged before its last day is learned (learn.c). */
static bool has_unlearned_day(const struct asked *asked)
{
    const struct profile *profile = asked->profile;
    const struct pair *pair = asked->pair;
    bool learns = !profile->frozen && !profile->withheld && !profile->frozen_sums;
    return learns && pair && pair->today < asked->civil->day &&
           pair->today_bytes >= CUSUM_PAIR_BYTES;
}

/* By what was sent, and by what more that was than came back. */
struct days_before {
    struct cusum bytes, surplus;
};

static struct days_before days_before(const struct asked *asked)
{
    if (!asked->pair)
        return (struct days_before){.bytes = {0}};
    if (!has_unlearned_day(asked))
        return (struct days_before){asked->pair->cusum, asked->pair->surplus};
    struct pair pair = *asked->pair; /* of which nothing else is asked */
    learn_pair_growth(&pair);
    return (struct days_before){pair.cusum, pair.surplus};
}

/* Of weeks that are over the histogram has them all. */
static double count_days_before(const struct asked *asked)
{
    if (!asked->pair)
        return 0;
    uint64_t days =
        histogram_samples_at_least(&asked->pair->day, histogram_bin(EVIDENCE_FLOOR_BYTES));
    return (double)(days + (!asked->profile->whole && has_unlearned_day(asked)));
}

static double usual_surplus(const struct days_before *before)
{
    double least = (double)EVIDENCE_FLOOR_BYTES;
    return before->surplus.days > 0 ? fmax(least, exp2(fmin(62, before->surplus.reference)))
                                    : least;
}

static uint64_t surplus_of_day(const struct asked *asked, uint64_t hour)
{
    const struct pair *pair = asked->pair;
    return pair && pair->today == asked->civil->day ? bytes_add(hour, pair->today_surplus) : hour;
}

/* --- size ------------------------------------------------------------------------------------- */

/* So many bytes in an hour, whatever came back. */
struct estimate upload_estimate(const struct asked *asked, uint64_t bytes)
{
    const struct pair *pair = asked->pair;
    struct estimate young = {.p = 1}, known = {.p = 1};
    if ((!pair || asked->civil->hour - pair->first_hour < PAIR_YOUNG_HOURS) && is_young(asked))
        young = survival_young_hour(asked->profile, asked->destination, asked->fleet, asked->civil,
                                    bytes);
    if (pair && !evidence_is_cold(asked->profile, asked->civil) &&
        survival_pair_known(pair, asked->civil->hour))
        known = survival_pair_hour(asked->profile, pair, asked->fleet, asked->civil, bytes);
    return young.p < known.p ? young : known;
}

/* Rare for the pair, and large: a new place takes many small things, a known one some large ones.
 */
static double l_of_size(const struct asked *asked, double part, uint64_t bytes)
{
    double sent = log1p(part * (double)bytes / (double)EVIDENCE_FLOOR_BYTES);
    return fmin(part * -log(upload_estimate(asked, bytes).p), sent);
}

/* --- again ------------------------------------------------------------------------------------ */

/* As if 1/x of the days were answered with 1/x of what was sent, or less. */
static double l_of_answered(double part)
{
    return -log(fmin(1, fmax(ANSWERED_LEAST, part)));
}

/* The days before this one together: the means of log2 of what was sent and of what more that was
 * than came back. Days at the floor of the latter say nothing. */
static double l_of_days_before(const struct days_before *before)
{
    const struct cusum *surplus = &before->surplus;
    double floor = (double)(float)pair_surplus_value(0); /* as it is stored */
    if (surplus->days == 0 || surplus->reference <= floor)
        return 0;
    return l_of_answered(1 - exp2(surplus->reference - before->bytes.reference));
}

static double l_of_day(const struct asked *asked, uint64_t out, uint64_t in)
{
    uint64_t sent = out, surplus = surplus_of_day(asked, pair_surplus(out, in));
    if (asked->pair->today == asked->civil->day)
        sent = bytes_add(sent, asked->pair->today_bytes);
    return l_of_answered(1 - (double)surplus / (double)sent);
}

/* As much of each day as of today, or of the days before. */
static double l_of_each_day(const struct asked *asked, const struct days_before *before,
                            uint64_t surplus)
{
    double least = fmin((double)surplus, usual_surplus(before));
    return upload_has_usual(asked->profile) ? log1p(least / (double)EVIDENCE_FLOOR_BYTES) : 0;
}

/* A new place may take one large upload; who returns to it returns to ask. The largest of three:
 * that this hour was none of its answered returns, that none of its days was answered, or how much
 * of each was not. The first sees what calls home for days and then sends, the others a place that
 * only ever takes. */
static double l_of_return(const struct asked *asked, double part, uint64_t out, uint64_t in,
                          uint64_t surplus)
{
    if (!asked->pair || asked->pair->settled || !asks_again(asked) || !is_new_place(asked))
        return 0;
    double days = count_days_before(asked);
    if (days <= 0)
        return 0;
    const struct days_before before = days_before(asked);
    double little = fmin(l_of_day(asked, out, in), l_of_days_before(&before));
    double each = fmax(little, l_of_each_day(asked, &before, surplus));
    return fmax(part * AGAIN_TIMES * M_LN2 * days, (days + 1) * each);
}

static void ask_again(const struct asked *asked, double part, uint64_t out, uint64_t in)
{
    uint64_t surplus = histogram_floor(histogram_bin(surplus_of_day(asked, pair_surplus(out, in))));
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD_AGAIN,
                        l_of_return(asked, part, out, in, surplus), surplus, asked->name);
}

struct estimate upload_again_estimate(const struct asked *asked)
{
    double days = count_days_before(asked);
    return (struct estimate){.p = exp2(-days), .samples = days};
}

/* With so little of a day's surplus: at most what is said of it whatever came back. */
static double l_again_of_fewer(const struct asked *asked, uint64_t surplus)
{
    double days = count_days_before(asked);
    const struct days_before before = days_before(asked);
    double each = fmax(l_of_days_before(&before), l_of_each_day(asked, &before, surplus));
    return fmax(AGAIN_TIMES * M_LN2 * days, (days + 1) * each);
}

/* --- growth ----------------------------------------------------------------------------------- */

/* Of most of what a host uses, nearly all is answered with more. What is sent out beside that is
 * small in the day's bytes, and large in what was not answered. */
static double l_of_surplus(const struct days_before *before, uint64_t bytes)
{
    return cusum_with(&before->surplus, pair_surplus_value(bytes));
}

struct estimate upload_growth_estimate(const struct asked *asked, uint64_t bytes)
{
    const struct days_before before = days_before(asked);
    struct estimate estimate = {.p = exp(-l_of_surplus(&before, bytes))};
    if (!asked->pair)
        return estimate;
    estimate.samples = before.surplus.days;
    estimate.expected[0] = estimate.expected[1] =
        (uint64_t)exp2(fmax(0, fmin(62, before.surplus.reference)));
    return estimate;
}

static void ask_growth(const struct asked *asked, uint64_t surplus)
{
    const struct days_before before = days_before(asked);
    if (before.surplus.days < CUSUM_WARMUP || evidence_is_cold(asked->profile, asked->civil) ||
        !survival_pair_known(asked->pair, asked->civil->hour))
        return;
    uint64_t bytes = histogram_floor(histogram_bin(surplus_of_day(asked, surplus)));
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD_GROWTH, l_of_surplus(&before, bytes), bytes,
                        asked->name);
}

/* --- alone ------------------------------------------------------------------------------------ */

static double l_beyond_usual(const struct asked *asked, uint64_t surplus)
{
    const struct days_before before = days_before(asked);
    return fmax(0, log((double)surplus / usual_surplus(&before)));
}

/* That the host is seldom active then counts half: uploads that are meant wait for the night. */
static double l_of_alone(const struct asked *asked, uint64_t surplus)
{
    double l = l_beyond_usual(asked, surplus);
    if (!(l > 0))
        return 0;
    double share = survival_hour_share(asked->profile, asked->fleet, asked->civil);
    return l + OF_HOUR * evidence_beyond_edge(surplus) * -log(share);
}

static void ask_alone(const struct asked *asked, uint64_t surplus)
{
    uint64_t bytes = histogram_floor(histogram_bin(surplus));
    bool known = !evidence_is_cold(asked->profile, asked->civil) &&
                 survival_pair_known(asked->pair, asked->civil->hour);
    if (bytes >= EVIDENCE_FLOOR_BYTES && upload_has_usual(asked->profile) &&
        (known || is_young(asked)))
        evidence_mark_exact(asked->into, EVIDENCE_UPLOAD_ALONE, l_of_alone(asked, bytes), bytes,
                            asked->name);
}

struct estimate upload_alone_estimate(const struct asked *asked, uint64_t surplus)
{
    const struct days_before before = days_before(asked);
    struct estimate estimate = {.p = exp(-l_of_alone(asked, surplus))};
    estimate.samples = before.surplus.days;
    estimate.expected[0] = estimate.expected[1] = (uint64_t)usual_surplus(&before);
    return estimate;
}

/* --- hours ------------------------------------------------------------------------------------ */

static void ask_hour(const struct asked *asked, uint64_t out, uint64_t in)
{
    double part = ((double)out - (double)in) / ((double)out + (double)in);
    uint64_t bytes = histogram_floor(histogram_bin(out));
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD, l_of_size(asked, part, bytes), bytes,
                        asked->name);
    ask_again(asked, part, out, in);
    ask_growth(asked, pair_surplus(out, in));
    ask_alone(asked, pair_surplus(out, in));
}

/* Those who meet it in this hour, too, are a wave already. */
static bool is_wave_with(const struct asked *asked, uint32_t hosts)
{
    int64_t first = asked->pair ? asked->pair->first_day : asked->civil->day;
    return is_young(asked) && fleet_is_wave(asked->fleet, asked->destination, hosts, first);
}

static bool is_wave_now(const struct asked *asked, const struct totals *open)
{
    return open && is_wave_with(asked, totals_hosts(open, asked->destination));
}

/* What came back was seen only here, what went also by others: their sum has both. */
static bool is_seen_more(const struct pair_total *sum)
{
    return elsewhere_with(&sum->elsewhere, sum->out.value) > sum->out.value;
}

static uint64_t fewer(uint64_t bytes, uint64_t less)
{
    return bytes > less ? bytes - less : 0;
}

static bool is_upload(const struct destination *to, uint64_t out, uint64_t in)
{
    return to->role == ROLE_CLIENT && !destination_is_other(to) && out >= EVIDENCE_FLOOR_BYTES &&
           in < out;
}

void upload_of_open_hour(const struct asked *asked, const struct amounts *amounts)
{
    const struct upload *upload = &amounts->upload;
    if (is_upload(asked->destination, upload->out_bytes, upload->in_bytes) &&
        !is_wave_with(asked, amounts->hosts))
        ask_hour(asked, upload->out_bytes, upload->in_bytes);
}

static void add_uploads(struct day_evidence *into, const struct profile *profile,
                        const struct fleet *fleet, const struct civil *civil,
                        const struct whole_hour *hour)
{
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&hour->total->pairs, &position)) != NULL;) {
        struct pair_total *sum = e->value;
        const struct destination *to = &sum->destination;
        const struct pair *pair = profile_pair_of(profile, sum);
        const struct asked asked = {into, profile, pair, to, fleet, civil, sum->name};
        uint64_t out = fewer(sum->out.value, asked.name == hour->name ? hour->less : 0);
        if (is_upload(to, out, sum->in_bytes) && !is_seen_more(sum) &&
            !is_wave_now(&asked, hour->open))
            ask_hour(&asked, out, sum->in_bytes);
    }
}

/* Of the day's bytes that had not gone to a place, those that were this hour's. */
static uint64_t less_of_hour(const struct whole_hour *hour)
{
    size_t position = 0;
    if (!hour->name)
        return hour->less;
    for (const struct map_entry *e; (e = map_next(&hour->total->pairs, &position)) != NULL;) {
        const struct pair_total *sum = e->value;
        if (evidence_name(&sum->destination) == hour->name)
            return hour->less < sum->out.value ? hour->less : sum->out.value;
    }
    return 0;
}

/* A cold host's own past says nothing yet. */
static void add_ratio(struct day_evidence *into, const struct profile *profile,
                      const struct civil *civil, uint64_t out, uint64_t in)
{
    if (evidence_is_cold(profile, civil))
        return;
    struct evidence_mark mark = evidence_ratio_of_hour(profile, civil, out, in);
    if (mark.l > 0)
        evidence_mark_exact(into, EVIDENCE_RATIO, mark.l, mark.bytes, 0);
}

static void join_made(struct day_evidence *into, struct day_evidence *made)
{
    for (int kind = 0; kind < EVIDENCES; kind++)
        if (!(made->mark[kind].l > 0))
            made->known &= ~(1u << kind);
    evidence_join(into, made);
}

void evidence_add_whole_hour(struct day_evidence *into, const struct profile *profile,
                             const struct fleet *fleet, const struct civil *civil,
                             const struct whole_hour *hour)
{
    struct day_evidence made = {0};
    const struct host_total *total = hour->total;
    uint64_t all = total->out.value;
    add_uploads(&made, profile, fleet, civil, hour);
    if (elsewhere_with(&total->elsewhere, all) == all)
        add_ratio(&made, profile, civil, fewer(all, less_of_hour(hour)), total->in_bytes);
    join_made(into, &made);
}

void evidence_add_closed_hour(struct day_evidence *into, const struct profile *profile,
                              const struct fleet *fleet, const struct civil *civil,
                              const struct closed_hour *hour)
{
    struct day_evidence made = {0};
    for (size_t i = 0; i < hour->pairs; i++) {
        const struct closed_pair *pair = &hour->pair[i];
        const struct asked asked = {&made, profile, pair->pair, pair->destination,
                                    fleet, civil,   pair->name};
        if (is_upload(asked.destination, pair->out_bytes, pair->in_bytes) && !pair->seen_more)
            ask_hour(&asked, pair->out_bytes, pair->in_bytes);
    }
    if (!hour->seen_more)
        add_ratio(&made, profile, civil, hour->out_bytes, hour->in_bytes);
    join_made(into, &made);
}

/* --- fewer bytes ------------------------------------------------------------------------------ */

/* Its hour is over; what that said was in proportion to how far it was beyond the edge. */
static double l_alone_of_fewer(const struct asked *asked, const struct evidence_mark *mark,
                               uint64_t bytes)
{
    double of_hour = fmax(0, mark->l - l_beyond_usual(asked, mark->bytes));
    double l = l_beyond_usual(asked, bytes);
    if (!(l > 0))
        return 0;
    return l + of_hour * evidence_beyond_edge(bytes) / evidence_beyond_edge(mark->bytes);
}

static void keep(struct day_evidence *into, const struct asked *asked, enum evidence_kind kind,
                 const struct evidence_mark *from, uint64_t bytes)
{
    struct evidence_mark mark = *from;
    if (bytes < EVIDENCE_FLOOR_BYTES)
        return;
    mark.bytes = histogram_floor(histogram_bin(bytes < mark.bytes ? bytes : mark.bytes));
    if (kind == EVIDENCE_UPLOAD)
        mark.l = fmin(mark.l, l_of_size(asked, 1, mark.bytes));
    if (kind == EVIDENCE_UPLOAD_AGAIN && asked->pair)
        mark.l = fmin(mark.l, l_again_of_fewer(asked, mark.bytes));
    if (kind == EVIDENCE_UPLOAD_GROWTH) {
        const struct days_before before = days_before(asked);
        mark.l = fmin(mark.l, l_of_surplus(&before, mark.bytes));
    }
    if (kind == EVIDENCE_UPLOAD_ALONE)
        mark.l = fmin(mark.l, l_alone_of_fewer(asked, from, mark.bytes));
    evidence_mark_exact(into, kind, mark.l, mark.bytes, mark.pair);
}

void evidence_keep_uploads(struct day_evidence *into, const struct day_evidence *from,
                           const struct asked_pair *of, uint64_t bytes)
{
    const struct asked asked = {into,
                                of->profile,
                                of->pair,
                                of->destination,
                                of->fleet,
                                of->civil,
                                evidence_name(of->destination)};
    for (int kind = EVIDENCE_UPLOAD; kind < EVIDENCES; kind++) {
        const struct evidence_mark *mark = &from->mark[kind];
        if (mark->pair == asked.name && mark->l > 0)
            keep(into, &asked, (enum evidence_kind)kind, mark, bytes);
    }
}
