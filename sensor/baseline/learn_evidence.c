/* A host's evidence of the day: marked hour by hour with what the fleet sent in all, told when the
 * day is over. Computed here, and not where it is judged, so that what the fleet learns does not
 * depend on which sensor saw what.
 *
 * A host's first seven days are told and not counted: they are no measure of anything. Days of
 * which an hour was frozen are neither. Thread: the engine's. */
#include "closed_hour.h"
#include "profile_local.h"

static struct amounts amounts_of_host(const struct profile *profile, const struct civil *civil,
                                      const struct closed_hour *hour)
{
    bool same = profile->today == civil->day;
    uint64_t out = hour->out_bytes, before = same ? profile->today_bytes : 0;
    uint64_t inside = same ? profile->staged.days.in[0] : 0;
    return (struct amounts){
        .hour = out, .day = before + out, .inside = bytes_add(inside, hour->inside_bytes)};
}

void learn_evidence(struct profile *profile, const struct closed_hour *hour,
                    const struct civil *civil, const struct fleet *fleet)
{
    struct amounts host = amounts_of_host(profile, civil, hour);
    if (hour->out_bytes == 0)
        return;
    evidence_drop_waves(&profile->evidence, profile, fleet);
    evidence_add_host(&profile->evidence, profile, fleet, civil, &host);
    evidence_add_quiet(&profile->evidence, profile, fleet, civil, 0);
    evidence_add_closed(&profile->evidence, profile, fleet, civil);
    evidence_add_closed_hour(&profile->evidence, profile, fleet, civil, hour);
    /* In any order: of equal marks one is always preferred. */
    for (size_t i = 0; i < hour->pairs; i++) {
        const struct closed_pair *pair = &hour->pair[i];
        uint64_t bytes = pair->out_bytes;
        struct amounts amounts = amounts_of_pair(pair->pair, civil, bytes, bytes, bytes);
        amounts.longest_s = pair->longest_s;
        if (bytes > 0)
            evidence_add_pair(&profile->evidence, profile, pair->pair, pair->destination, fleet,
                              civil, &amounts);
    }
}

void learn_evidence_of(struct profile *profile, const struct host_total *total,
                       const struct civil *civil, const struct fleet *fleet)
{
    struct closed_hour hour = {.hour = 0};
    closed_hour_of(&hour, profile, total);
    learn_evidence(profile, &hour, civil, fleet);
    closed_hour_fini(&hour);
}

/* Whether a side's day is told, and not within the silence of what was told before. */
static bool tells(struct told_lately *told, const struct day_evidence *evidence,
                  const struct fused *fused, const struct limits *limits, int64_t day)
{
    uint32_t place = fused_place(fused, evidence, limits);
    if (!fused_fires(fused, limits) || fused->e < lately_silent_e(told, day, place, INT64_MIN))
        return false;
    lately_tell(told, day, fused->e, place);
    return true;
}

static void count(struct profile *profile, struct told_day *day, unsigned which, double l,
                  const struct measures *measures)
{
    if (day->day - profile->first_day < PROFILE_WARMUP_DAYS)
        return;
    day->known |= 1u << which;
    day->bin[which] = (uint8_t)calibration_guarded(measures, which, day->day_off, l);
    day->last[which] = profile->counted_at[which];
    calibration_remember(&profile->counted_at[which], day->day, day->bin[which]);
}

static void fuse_side(struct profile *profile, struct told_day *day, enum evidence_side side,
                      const struct measures *measures, struct fleet *fleet)
{
    struct fused fused = evidence_fuse(&profile->evidence, side, day->day_off, measures);
    struct limits limits = fleet_limits(fleet, side);
    bool known = false;
    for (int kind = 0; kind < EVIDENCES; kind++)
        known |= (profile->evidence.known >> kind & 1u) &&
                 evidence_side((enum evidence_kind)kind) == side;
    if (known)
        count(profile, day, EVIDENCES + (unsigned)side, fused.e, measures);
    day->told += tells(&profile->told[side], &profile->evidence, &fused, &limits, day->day);
}

void learn_evidence_day(struct profile *profile, bool day_off, const struct civil *civil,
                        struct fleet *fleet)
{
    const struct measures measures = fleet_measures(fleet, profile->group);
    struct told_day day = {.day = profile->today, .day_off = day_off};
    if (fleet && profile->evidence.known) {
        evidence_drop_waves(&profile->evidence, profile, fleet);
        for (int kind = 0; kind < EVIDENCES; kind++)
            if (profile->evidence.known >> kind & 1u)
                count(profile, &day, (unsigned)kind, profile->evidence.mark[kind].l, &measures);
        for (int side = 0; side < EVIDENCE_SIDES; side++)
            fuse_side(profile, &day, (enum evidence_side)side, &measures, fleet);
        fleet_note_evidence(fleet, profile->group, &day, civil);
    }
    profile->evidence = (struct day_evidence){0};
}
