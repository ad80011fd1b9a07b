/* What a host's day can come to while its hours are open, so that a day of which nothing can be
 * told is not weighed again with each of its records.
 *
 * A record is weighed by the closed hours of its day, as they are learned, and by the open hour so
 * far. Evidence never falls as totals grow (evidence.h), and all that the peers know is known by
 * then: so an hour that is open never says more than it does at its end, just before it is closed.
 * That is what is marked when it is learned, but for what is asked here:
 *
 *   the first of a day   is open before growth has the day before
 *   two at a time        are open for two minutes: the second of a day, too, is open before that,
 *                        and what has no pair, or what begins a pair's next seven days, may have
 *                        the bytes of both
 *   the last of a day    is closed, and no other's close marks its clocks
 *
 * Hours with "other" (totals.h), which a ledger does not have, can come to anything. The day's
 * largest marks, rounded up to the next calibration bin, are fused as its own are. E never falls
 * with a mark, nor p with E: where that is not rare enough to be told, nothing in between is.
 *
 * Engine thread. */
#include "hindsight_local.h"

#include <math.h>

/* --- marks ------------------------------------------------------------------------------------ */

/* So that bytes_before finds them. What was put there for another hour finds nothing. */
static void put_among(const struct open_hours *hours)
{
    for (size_t i = 0; hours->before && i < hours->before->pairs; i++)
        hours->among[hours->before->pair[i].number] = (uint32_t)i;
}

static uint64_t bytes_before(const struct open_hours *hours, uint32_t number)
{
    const struct closed_hour *before = hours->before;
    if (!before)
        return 0;
    uint32_t i = hours->among[number];
    return i < before->pairs && before->pair[i].number == number ? before->pair[i].out_bytes : 0;
}

static bool begins_span(const struct pair *pair, const struct civil *civil)
{
    int64_t age = civil->hour - pair->first_hour;
    return age > 0 && age % PAIR_YOUNG_HOURS == 0;
}

static bool has_other(const struct closed_hour *hour)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < hour->pairs; i++)
        sum = bytes_add(sum, hour->pair[i].out_bytes);
    return sum != hour->out_bytes;
}

static void add_pair(const struct open_hours *hours, const struct closed_pair *closed,
                     uint64_t before, struct day_evidence *most)
{
    const struct profile *profile = hours->past->profile;
    const struct pair *pair = closed->pair;
    uint64_t hour = closed->out_bytes, both = bytes_add(hour, before);
    uint64_t open = hours->both || !pair ? both : hour;
    struct amounts amounts = amounts_of_pair(pair, hours->civil, hour, open, open);
    if (pair && begins_span(pair, hours->civil))
        amounts.span = both;
    amounts.longest_s = closed->longest_s;
    evidence_add_pair(most, profile, pair, closed->destination, hours->fleet, hours->civil,
                      &amounts);
}

static void add_host(const struct open_hours *hours, struct day_evidence *most)
{
    const struct profile *profile = hours->past->profile;
    struct amounts host = {.hour = hours->now->out_bytes,
                           .day = hours->now->out_bytes,
                           .inside = hours->now->inside_bytes};
    if (hours->both) {
        host.day = bytes_add(host.day, hours->before->out_bytes);
        host.inside = bytes_add(host.inside, hours->before->inside_bytes);
    }
    evidence_add_host(most, profile, hours->fleet, hours->civil, &host);
    evidence_add_quiet(most, profile, hours->fleet, hours->civil, 0);
}

void open_mark(const struct open_hours *hours, struct open_day *open)
{
    const struct profile *profile = hours->past->profile;
    bool all = profile->today != hours->civil->day;
    open->unbounded |= has_other(hours->now);
    put_among(hours);
    for (size_t i = 0; i < hours->now->pairs; i++) {
        const struct closed_pair *closed = &hours->now->pair[i];
        if (!all && closed->pair && !begins_span(closed->pair, hours->civil))
            continue;
        uint64_t before = bytes_before(hours, closed->number);
        if (all || before > 0)
            add_pair(hours, closed, before, &open->most);
    }
    if (!all)
        return;
    add_host(hours, &open->most);
    evidence_add_closed_hour(&open->most, profile, hours->fleet, hours->civil, hours->now);
}

void open_end(const struct past *past, const struct civil *civil, const struct fleet *fleet,
              struct open_day *open, struct host_day *day)
{
    evidence_join(&open->most,
                  &past->profile->evidence); /* first: only larger ones are looked at */
    evidence_add_closed(&open->most, past->profile, fleet, civil);
    day->unbounded = open->unbounded;
    for (int kind = 0; kind < EVIDENCES; kind++) {
        double l = open->most.mark[kind].l;
        day->open_bin[kind] = (uint8_t)(l > 0 ? calibration_bin(l) + 1 : 0);
    }
}

/* --- how rare --------------------------------------------------------------------------------- */

static float no_more_than(double p)
{
    return nextafterf((float)p, 0);
}

void open_rate(const struct past *past, struct host_day *day)
{
    struct day_evidence most = {.known = day->known & ((1u << EVIDENCES) - 1)};
    for (int kind = 0; kind < EVIDENCES; kind++) {
        unsigned bin = day->open_bin[kind];
        most.mark[kind].l = bin < CALIBRATION_BINS ? calibration_edge(bin) : (double)INFINITY;
        most.known |= (uint32_t)(bin > 0) << kind;
    }
    for (int side = 0; side < EVIDENCE_SIDES; side++) {
        struct fused fused =
            evidence_fuse(&most, (enum evidence_side)side, day->off, &past->measures);
        day->open_p[side] = no_more_than(fused.p);
        if (side == EVIDENCE_SENT)
            day->open_absolute = no_more_than(fused.p_absolute);
    }
}

bool open_may_tell(const struct hindsight *hindsight, const struct host_day *day)
{
    bool may = day->unbounded;
    for (int side = 0; side < EVIDENCE_SIDES && !may; side++) {
        struct fused fused = {.p = (double)day->open_p[side], .p_absolute = 1, .p_upload = 1};
        if (side == EVIDENCE_SENT)
            fused.p_absolute = (double)day->open_absolute;
        may = fused_fires(&fused, &hindsight->limits[side]);
    }
    return may;
}

bool open_may_tell_on(const struct hindsight *hindsight, const struct past *past, int64_t day)
{
    size_t at = past_day(past, day);
    if (at == past->days || open_may_tell(hindsight, &past->day[at]))
        return true;
    return ++at < past->days && open_may_tell(hindsight, &past->day[at]);
}
