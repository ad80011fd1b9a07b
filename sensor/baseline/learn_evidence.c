/* A host's evidence of the day: marked hour by hour with what the fleet sent in all, told when the
 * day is over. Computed here, and not where it is judged, so that what the fleet learns does not
 * depend on which sensor saw what.
 *
 * A host's first seven days are not marked: all of it would be new. Days of which an hour was
 * frozen are not told. Thread: the engine's. */
#include "profile_local.h"
#include "weir/baseline/evidence.h"

static struct amounts amounts_of_host(const struct profile *profile, const struct civil *civil,
                                      const struct host_total *total)
{
    bool same = profile->today == civil->day;
    uint64_t hour = total->out.value, before = same ? profile->today_bytes : 0;
    uint64_t inside = same ? profile->staged.days.in[0] : 0;
    return (struct amounts){
        .hour = hour, .day = before + hour, .inside = bytes_add(inside, total->inside_bytes)};
}

void learn_evidence(struct profile *profile, const struct host_total *total,
                    const struct civil *civil, const struct fleet *fleet)
{
    struct amounts host = amounts_of_host(profile, civil, total);
    size_t position = 0;
    if (profile->first_day == NO_DAY || civil->day - profile->first_day < PROFILE_WARMUP_DAYS ||
        total->out.value == 0)
        return;
    evidence_add_host(&profile->evidence, profile, fleet, civil, &host);
    /* In any order: of equal marks one is always preferred. */
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        const struct pair_total *sum = e->value;
        uint64_t bytes = sum->out.value;
        const struct pair *pair = profile_pair(profile, &sum->destination);
        struct amounts amounts = amounts_of_pair(pair, civil, bytes, bytes, bytes);
        if (bytes > 0)
            evidence_add_pair(&profile->evidence, profile, pair, &sum->destination, fleet, civil,
                              &amounts);
    }
}

/* Whether a side's day is told, and not within the silence of what was told before. */
static bool tells(struct last_told *told, const struct fused *fused, double budget, int64_t day)
{
    bool silent = told->e > 0 && day - told->day < SILENT_DAYS;
    if (!fused_fires(fused, budget) || (silent && fused->e < SILENT_FACTOR * told->e))
        return false;
    *told = (struct last_told){day, (double)(float)fused->e};
    return true;
}

void learn_evidence_day(struct profile *profile, bool day_off, const struct civil *civil,
                        struct fleet *fleet)
{
    const struct measures measures = fleet_measures(fleet, profile->group);
    struct told_day day = {.known = profile->evidence.known, .day_off = day_off};
    for (int kind = 0; kind < EVIDENCES; kind++) {
        bool known = profile->evidence.known >> kind & 1u;
        day.l[kind] = profile->evidence.mark[kind].l;
        if (known) /* and with it what its side fuses to */
            day.known |= 1u << (EVIDENCES + evidence_side((enum evidence_kind)kind));
    }
    for (int side = 0; fleet && side < EVIDENCE_SIDES; side++) {
        struct fused fused =
            evidence_fuse(&profile->evidence, (enum evidence_side)side, day_off, &measures);
        day.l[EVIDENCES + side] = fused.e;
        day.told += tells(&profile->told[side], &fused, fleet_budget(fleet), profile->today);
    }
    if (fleet && profile->evidence.known)
        fleet_note_evidence(fleet, profile->group, &day, civil);
    profile->evidence = (struct day_evidence){0};
}
