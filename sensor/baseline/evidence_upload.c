/* Evidence of uploads: in an hour more went to a destination than came back from it. Most of what a
 * host does is asked for and answered with more than the question; a copy that is sent out is not.
 * So the same size, rare for the pair or for what is new, says more the less of it was a question;
 * and that something new is sent to again and again says more than that it is come back to. What a
 * known place does not answer is held against its own days: of most it is next to nothing.
 *
 * An answer may come later than what was sent, so only whole hours are looked at, as ratios are
 * (evidence_manner.c): marks while the next hour in which the host sends is open, be that of a
 * later day, and learned at that one's close. Thread: any (pure). */
#include "evidence_local.h"
#include "profile_local.h"

#include <math.h>
#include <string.h>

#define AGAIN_TIMES 4 /* L of a return, in those of persistence: as if one in sixteen returned */

static bool is_young(const struct asked *asked)
{
    int64_t first = asked->pair ? asked->pair->first_day : asked->civil->day;
    return survival_exposure_days(asked->fleet) >= EXPOSED_DAYS && evidence_is_young(asked) &&
           pair_bucket(asked->fleet, asked->pair, asked->destination) != PREVALENCE_REST &&
           !fleet_is_wave(asked->fleet, asked->destination, 0, first);
}

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

static double l_of_return(const struct asked *asked)
{
    if (!asked->pair || !is_young(asked))
        return 0;
    return AGAIN_TIMES * M_LN2 *
           (double)histogram_samples_at_least(&asked->pair->day,
                                              histogram_bin(EVIDENCE_FLOOR_BYTES));
}

/* --- growth ----------------------------------------------------------------------------------- */

/* Of most of what a host uses, nearly all is answered with more. What is sent out beside that is
 * small in the day's bytes, and large in what was not answered. */
static double l_of_surplus(const struct pair *pair, uint64_t bytes)
{
    return pair ? cusum_with(&pair->surplus, pair_surplus_value(bytes)) : 0;
}

struct estimate upload_growth_estimate(const struct asked *asked, uint64_t bytes)
{
    const struct pair *pair = asked->pair;
    struct estimate estimate = {.p = exp(-l_of_surplus(pair, bytes))};
    if (!pair)
        return estimate;
    estimate.samples = pair->surplus.days;
    estimate.expected[0] = estimate.expected[1] =
        (uint64_t)exp2(fmax(0, fmin(62, pair->surplus.reference)));
    return estimate;
}

static void ask_growth(const struct asked *asked, uint64_t surplus)
{
    const struct pair *pair = asked->pair;
    if (!pair || pair->surplus.days < CUSUM_WARMUP ||
        evidence_is_cold(asked->profile, asked->civil) ||
        !survival_pair_known(pair, asked->civil->hour))
        return;
    if (pair->today == asked->civil->day)
        surplus = bytes_add(surplus, pair->today_surplus);
    uint64_t bytes = histogram_floor(histogram_bin(surplus));
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD_GROWTH, l_of_surplus(pair, bytes), bytes,
                        asked->name);
}

/* --- hours ------------------------------------------------------------------------------------ */

static void ask_hour(const struct asked *asked, uint64_t out, uint64_t in)
{
    double part = ((double)out - (double)in) / ((double)out + (double)in);
    uint64_t bytes = histogram_floor(histogram_bin(out));
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD, l_of_size(asked, part, bytes), bytes,
                        asked->name);
    evidence_mark_exact(asked->into, EVIDENCE_UPLOAD_AGAIN, part * l_of_return(asked), bytes,
                        asked->name);
    ask_growth(asked, pair_surplus(out, in));
}

void evidence_upload_due(struct day_evidence *into, const struct profile *profile,
                         const struct host_total *total, const struct fleet *fleet,
                         const struct civil *civil)
{
    struct day_evidence due = {0};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        struct pair_total *sum = e->value;
        const struct destination *to = &sum->destination;
        uint64_t out = sum->out.value, in = sum->in_bytes;
        if (to->role != ROLE_CLIENT || destination_is_other(to) || out < EVIDENCE_FLOOR_BYTES ||
            in >= out)
            continue;
        const struct pair *pair = profile_pair_of(profile, sum);
        const struct asked asked = {&due, profile, pair, to, fleet, civil, sum->name};
        ask_hour(&asked, out, in);
    }
    memcpy(into->upload_due, &due.mark[EVIDENCE_UPLOAD], sizeof into->upload_due);
}

void upload_add_closed(struct day_evidence *into, const struct profile *profile,
                       const struct fleet *fleet)
{
    struct day_evidence due = {0};
    memcpy(&due.mark[EVIDENCE_UPLOAD], profile->evidence.upload_due,
           sizeof profile->evidence.upload_due);
    evidence_drop_waves(&due, profile, fleet);
    for (int kind = EVIDENCE_UPLOAD; kind < EVIDENCES; kind++)
        due.known |= (uint32_t)(due.mark[kind].l > 0) << kind;
    evidence_join(into, &due);
}

/* --- fewer bytes ------------------------------------------------------------------------------ */

static void keep(struct day_evidence *into, const struct asked *asked, enum evidence_kind kind,
                 const struct evidence_mark *from, uint64_t bytes)
{
    struct evidence_mark mark = *from;
    if (bytes < EVIDENCE_FLOOR_BYTES)
        return;
    mark.bytes = histogram_floor(histogram_bin(bytes < mark.bytes ? bytes : mark.bytes));
    if (kind == EVIDENCE_UPLOAD)
        mark.l = fmin(mark.l, l_of_size(asked, 1, mark.bytes));
    if (kind == EVIDENCE_UPLOAD_GROWTH)
        mark.l = fmin(mark.l, l_of_surplus(asked->pair, mark.bytes));
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
        if (mark->pair != asked.name || mark->l <= 0)
            continue;
        if (mark->bytes > of->day_bytes)
            evidence_mark_exact(into, (enum evidence_kind)kind, mark->l, mark->bytes, mark->pair);
        else
            keep(into, &asked, (enum evidence_kind)kind, mark, bytes);
    }
}
