/* A day as it goes on, in hindsight: running sums, what its hours showed, and what goes by the
 * order of days (growth, clocks, what was gathered). What is learned is not touched (learn.c has
 * the same for a profile that learns). Engine thread. */
#include "hindsight_local.h"

static void begin_pair(struct pair *pair)
{
    pair->today = NO_DAY;
    pair->today_bytes = pair->today_surplus = pair->first_week_bytes = pair->span_bytes = 0;
    pair->spans_told = 0;
    pair->cusum = pair->surplus = (struct cusum){0};
    rhythm_fini(&pair->rhythm);
}

void past_begin(struct past *past)
{
    struct profile *profile = past->profile;
    profile->today = NO_DAY;
    profile->today_bytes = 0;
    profile->evidence = (struct day_evidence){0};
    profile->staged.days = (struct staged_days){0};
    profile->cusum = (struct cusum){0};
    profile->last_closed_hour = past->from->hour[0].hour - 1;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        begin_pair(profile->pair[i]);
}

/* --- days ------------------------------------------------------------------------------------- */

void past_keep(const struct past *past, struct host_day *into)
{
    const struct day_evidence *evidence = &past->profile->evidence;
    into->known = evidence->known;
    for (int kind = 0; kind < EVIDENCES; kind++)
        into->l[kind] = (float)evidence->mark[kind].l;
}

static void end_day(struct past *past, const struct fleet *fleet)
{
    struct profile *profile = past->profile;
    if (profile->today_bytes >= PROFILE_ACTIVE_BYTES)
        learn_host_growth(profile, fleet);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        if (pair->today_bytes > 0)
            learn_pair_growth(pair);
        pair->today_bytes = pair->today_surplus = 0;
    }
    profile->today_bytes = 0;
    profile->evidence = (struct day_evidence){0};
}

static void begin_day(struct past *past, const struct civil *civil, const struct fleet *fleet)
{
    struct profile *profile = past->profile;
    if (civil->day <= profile->today)
        return;
    end_day(past, fleet);
    staged_days_move(&profile->staged.days, civil->day - profile->today);
    for (uint32_t i = 0; i < profile->pair_count; i++)
        rhythm_drop(
            &profile->pair[i]->rhythm); /* nobody asks for the score of a day that is over */
    profile->today = civil->day;
    profile->day_off = civil->class >= HOUR_WORK_WEEKEND;
}

/* --- hours ------------------------------------------------------------------------------------ */

/* `rhythm`: somebody may ask for it. */
static void add_to_pair(struct closed_hour *hour, const struct closed_pair *closed,
                        const struct civil *civil, bool rhythm)
{
    struct pair *pair = closed->pair;
    uint64_t bytes = closed->out_bytes;
    int64_t age = civil->hour - pair->first_hour;
    while (pair->spans_told < PAIR_SPANS &&
           age >= INT64_C(1) * PAIR_YOUNG_HOURS * (pair->spans_told + 1)) {
        pair->spans_told++;
        pair->span_bytes = 0;
    }
    if (age < PAIR_YOUNG_HOURS)
        pair->first_week_bytes = bytes_add(pair->first_week_bytes, bytes);
    if (pair->spans_told < PAIR_SPANS)
        pair->span_bytes = bytes_add(pair->span_bytes, bytes);
    pair->today = civil->day;
    pair->today_bytes = bytes_add(pair->today_bytes, bytes);
    pair->today_surplus = bytes_add(pair->today_surplus, pair_surplus(bytes, closed->in_bytes));
    if (rhythm)
        rhythm_hour(&pair->rhythm, civil, closed_hour_starts(hour, closed), closed->flows);
}

void past_hour(struct past *past, struct closed_hour *hour, const struct civil *civil,
               const struct fleet *fleet, bool weighed)
{
    struct profile *profile = past->profile;
    begin_day(past, civil, fleet);
    if (weighed)
        learn_evidence(profile, hour, civil, fleet);
    staged_days_add(&profile->staged.days, hour->inside_bytes, hour->out_bytes);
    profile->today_bytes = bytes_add(profile->today_bytes, hour->out_bytes);
    for (size_t i = 0; i < hour->pairs; i++) {
        const struct closed_pair *closed = &hour->pair[i];
        if (closed->pair && closed->out_bytes > 0)
            add_to_pair(hour, closed, civil,
                        weighed && evidence_asks_rhythm(profile, closed->pair, fleet, civil));
    }
    profile->last_closed_hour = civil->hour;
}
