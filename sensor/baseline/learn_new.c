/* What is new to a host, counted for those who come after: destinations in the fleet's tables, by
 * how many hosts use them; client networks in the server's own. Three ways each: the first week
 * when it is over, its hours one by one, and spans of seven days of the first three weeks.
 *
 * A total counts once, when its time is over: told day by day, a slow thief would be his own
 * precedent. Every size passes the guard of its table, and of one host the fleet is told so much
 * and no more (PROFILE_NEW_TOLD; beyond it is counted): p is a rate of the whole fleet's host-days,
 * and who meets thousands of destinations an hour says nothing of the others. Thread: the engine's.
 */
#include "profile_local.h"
#include "size.h"

/* --- the server's own tables ------------------------------------------------------------------ */

static void add_network(struct histogram *table, const struct peers *peers, bool of_day,
                        uint64_t bytes, int64_t week)
{
    struct size_of_new model = size_of_new(peers, of_day, week);
    tail_gather(&model.counts, table, week);
    histogram_add(table, histogram_bin(size_new_guarded(&model, bytes)), week, 1);
}

static void note_network(struct profile *profile, enum young_kind kind, const struct peers *peers,
                         uint64_t bytes, int64_t week)
{
    struct histogram *table = kind == YOUNG_FIRST_WEEK ? &profile->new_network
                              : kind == YOUNG_HOUR     ? &profile->new_network_hour
                                                       : &profile->new_network_span;
    add_network(table, peers, kind != YOUNG_HOUR, bytes, week);
    profile->new_networks += kind == YOUNG_FIRST_WEEK;
}

/* --- the fleet's ------------------------------------------------------------------------------ */

static void note_destination(struct fleet *fleet, enum young_kind kind, const struct peers *peers,
                             const struct destination *destination, uint32_t more, uint64_t bytes,
                             int64_t week)
{
    struct size_of_new model = size_of_new(peers, kind != YOUNG_HOUR, week);
    const struct histogram *table = young_table(fleet_young(fleet), kind);
    for (int k = 0; k < PREVALENCE_BUCKETS; k++)
        tail_gather(&model.counts, &table[k], week);
    fleet_note_young(fleet, kind, destination, more, size_new_guarded(&model, bytes), week);
}

_Static_assert(sizeof((struct profile *)NULL)->new_told == YOUNG_KINDS, "one each");

static bool may_tell(struct profile *profile, enum young_kind kind, uint64_t bytes,
                     struct fleet *fleet)
{
    if (bytes < PROFILE_NEW_BYTES) /* as much is not judged */
        return true;
    if (profile->new_told[kind] == PROFILE_NEW_TOLD) {
        fleet_note_crowd(fleet);
        return false;
    }
    profile->new_told[kind]++;
    return true;
}

/* --- when ------------------------------------------------------------------------------------- */

void learn_new(struct profile *profile, enum young_kind kind, const struct destination *destination,
               uint32_t more, uint64_t bytes, int64_t day, struct fleet *fleet)
{
    int64_t from = kind == YOUNG_SPAN ? PROFILE_YOUNG_DAYS : PROFILE_NOVELTY_DAYS;
    if (bytes == 0 || day - profile->first_day < from)
        return;
    const struct peers peers = fleet_peers(fleet, profile->group);
    if (destination->role == ROLE_SERVED)
        note_network(profile, kind, &peers, bytes, histogram_week(day));
    else if (fleet && may_tell(profile, kind, bytes, fleet))
        note_destination(fleet, kind, &peers, destination, more, bytes, histogram_week(day));
}

static void tell_first_week(struct profile *profile, struct pair *pair, int64_t day,
                            struct fleet *fleet)
{
    if (!pair->told)
        learn_new(profile, YOUNG_FIRST_WEEK, &pair->destination, 0, pair->first_week_bytes, day,
                  fleet);
    pair->told = true;
}

static void tell_span(struct profile *profile, struct pair *pair, int64_t day, struct fleet *fleet)
{
    learn_new(profile, YOUNG_SPAN, &pair->destination, 0, pair->span_bytes, day, fleet);
    pair->span_bytes = 0;
    pair->spans_told++;
}

void learn_spans(struct profile *profile, struct pair *pair, int64_t hour, int64_t day,
                 struct fleet *fleet)
{
    while (pair->spans_told < PAIR_SPANS &&
           hour - pair->first_hour >= INT64_C(1) * PAIR_YOUNG_HOURS * (pair->spans_told + 1))
        tell_span(profile, pair, day, fleet);
    if (hour - pair->first_hour >= PAIR_YOUNG_HOURS)
        tell_first_week(profile, pair, day, fleet);
}

void learn_gone(struct profile *profile, struct pair *pair, int64_t day, struct fleet *fleet)
{
    tell_first_week(profile, pair, day, fleet);
    if (pair->spans_told < PAIR_SPANS)
        tell_span(profile, pair, day, fleet);
}

void learn_young_hour(struct profile *profile, struct pair *pair, uint64_t bytes,
                      const struct civil *civil, struct fleet *fleet)
{
    bool young = civil->hour - pair->first_hour < PAIR_YOUNG_HOURS;
    if (young)
        pair->first_week_bytes = bytes_add(pair->first_week_bytes, bytes);
    if (young && fleet)
        fleet_note_sent(fleet, &profile->host, &pair->destination, pair->first_week_bytes,
                        civil->day);
    if (pair->spans_told < PAIR_SPANS)
        pair->span_bytes = bytes_add(pair->span_bytes, bytes);
    if (young && pair->first_day - profile->first_day >= PROFILE_WARMUP_DAYS)
        learn_new(profile, YOUNG_HOUR, &pair->destination, pair->contacts == 0, bytes, civil->day,
                  fleet);
}
