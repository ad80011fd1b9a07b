/* Evidence of uploads: in an hour more went to a destination than came back from it. Most of what a
 * host does is asked for and answered with more than the question; a copy that is sent out is not.
 * So the same size, rare for the pair or for what is new, says more the less of it was a question;
 * and that something new is sent to again and again says more than that it is come back to.
 *
 * An answer may come later than what was sent, so only whole hours are looked at, as ratios are
 * (evidence_manner.c): marks while the next hour in which the host sends is open, and learned at
 * that one's close. Thread: any (pure). */
#include "evidence_local.h"

#include <math.h>

#define AGAIN_TIMES 4 /* L of a return, in those of persistence: as if one in sixteen returned */

static bool is_young(const struct asked *asked)
{
    int64_t first = asked->pair ? asked->pair->first_day : asked->civil->day;
    return survival_exposure_days(asked->fleet) >= EXPOSED_DAYS && evidence_is_young(asked) &&
           fleet_bucket(asked->fleet, asked->destination, asked->pair ? 0 : 1) != PREVALENCE_REST &&
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

void evidence_upload_due(struct day_evidence *into, const struct profile *profile,
                         const struct host_total *total, const struct fleet *fleet,
                         const struct civil *civil)
{
    struct day_evidence due = {0};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        const struct pair_total *sum = e->value;
        const struct destination *to = &sum->destination;
        uint64_t out = sum->out.value, in = sum->in_bytes;
        if (to->role != ROLE_CLIENT || destination_is_other(to) || out < EVIDENCE_FLOOR_BYTES ||
            in >= out)
            continue;
        const struct asked asked = {&due,  profile, profile_pair(profile, to), to,
                                    fleet, civil,   evidence_name(to)};
        double part = ((double)out - (double)in) / ((double)out + (double)in);
        uint64_t bytes = histogram_floor(histogram_bin(out));
        evidence_mark_exact(&due, EVIDENCE_UPLOAD, l_of_size(&asked, part, bytes), bytes,
                            asked.name);
        evidence_mark_exact(&due, EVIDENCE_UPLOAD_AGAIN, part * l_of_return(&asked), bytes,
                            asked.name);
    }
    into->upload_due = due.mark[EVIDENCE_UPLOAD];
    into->again_due = due.mark[EVIDENCE_UPLOAD_AGAIN];
}

static void mark(struct day_evidence *into, enum evidence_kind kind,
                 const struct evidence_mark *due)
{
    if (due->l > 0)
        evidence_mark_exact(into, kind, due->l, due->bytes, due->pair);
}

void upload_add_closed(struct day_evidence *into, const struct day_evidence *closed)
{
    mark(into, EVIDENCE_UPLOAD, &closed->upload_due);
    mark(into, EVIDENCE_UPLOAD_AGAIN, &closed->again_due);
}

void evidence_keep_uploads(struct day_evidence *into, const struct day_evidence *from,
                           const struct asked_pair *of, uint64_t bytes)
{
    uint32_t name = evidence_name(of->destination);
    const struct asked asked = {into,      of->profile, of->pair, of->destination,
                                of->fleet, of->civil,   name};
    struct evidence_mark size = from->mark[EVIDENCE_UPLOAD];
    if (bytes < EVIDENCE_FLOOR_BYTES)
        return;
    size.bytes = histogram_floor(histogram_bin(bytes < size.bytes ? bytes : size.bytes));
    size.l = fmin(size.l, l_of_size(&asked, 1, size.bytes));
    if (size.pair == name)
        mark(into, EVIDENCE_UPLOAD, &size);
    if (from->mark[EVIDENCE_UPLOAD_AGAIN].pair == name)
        mark(into, EVIDENCE_UPLOAD_AGAIN, &from->mark[EVIDENCE_UPLOAD_AGAIN]);
}
