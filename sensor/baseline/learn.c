/* Learning: what a closed hour changes in a profile and tells the fleet.
 *
 *   the day before ended?  → what came from inside is learned (staged_size.c)
 *                          → its total joins the day histograms (host and pairs)
 *                          → what was new joins the tables of what is new (learn_new.c)
 *                          → the peers are asked about what was guarded a week ago
 *   the hour               → hour histograms, locations, shares of active hours
 *                          → rhythms, ratios, who was met (learn_more.c)
 *   bounds                 → the smallest decayed weight goes (learn_bound.c)
 *
 * Every size passes the guard first, so that one enormous value cannot make the next one ordinary;
 * running totals (today_bytes, first_week_bytes, span_bytes) stay true, since they are judged, not
 * learned from. The fleet is told of guarded sizes, with the location as it was before. Engine
 * thread. */
#include "profile_local.h"
#include "size.h"
#include "weir/baseline/evidence.h"
#include "weir/baseline/group.h"

#include <math.h>
#include <stdlib.h>

/* --- small things
 * ----------------------------------------------------------------------------------- */

/* Learned real numbers are kept as floats, so that a stored profile, which has four bytes for each,
 * goes on exactly like one that was never stored. */
static double storable(double value)
{
    return (double)(float)value;
}

/* A size as it is to be learned. What the guard made smaller is remembered, and told to the fleet,
 * whose answer may lift it a week later. `pair` NULL: of the host. */
static uint64_t guard(struct profile *profile, struct pair *pair, const struct size_model *model,
                      uint64_t bytes, int64_t day, bool of_day, struct fleet *fleet)
{
    struct clips *clips = pair ? &pair->clips : &profile->clips;
    struct size_model lately = *model;
    lately.clips = clips;
    lately.day = day;
    lately.of_day = of_day;
    uint64_t learned = size_guarded(&lately, bytes);
    struct clip clip = {.day = day, .of_day = of_day, .count = 1};
    clip.bin = (uint8_t)histogram_bin(bytes);
    clip.learned = (uint8_t)histogram_bin(learned);
    if (clip.learned >= clip.bin)
        return learned;
    clips_note(clips, pair ? PAIR_CLIPS : PROFILE_CLIPS, &clip);
    if (fleet)
        fleet_note_clip(fleet, &profile->host, pair ? &pair->destination : NULL, profile->group,
                        day);
    return learned;
}

/* --- days
 * ------------------------------------------------------------------------------------------- */

void learn_pair_day(struct profile *profile, struct pair *pair, struct fleet *fleet)
{
    int64_t week = histogram_week(pair->today);
    const struct peers peers = fleet_peers(fleet, profile->group);
    if (pair->today_bytes == 0)
        return;
    struct size_model model = size_pair_day(pair, &peers, week);
    uint64_t bytes = guard(profile, pair, &model, pair->today_bytes, pair->today, true, fleet);
    if (fleet)
        fleet_note_pair_day(fleet, profile->group, &pair->destination, bytes,
                            location_or_nan(&pair->day_location), week);
    if (pair->last_hour - pair->first_hour >= PAIR_YOUNG_HOURS &&
        pair->contacts < PAIR_KNOWN_CONTACTS) /* a rarity that returned is new again */
        learn_new(profile, YOUNG_FIRST_WEEK, &pair->destination, 0, pair->today_bytes, pair->today,
                  fleet);
    learn_pair_growth(pair);
    histogram_add(&pair->day, histogram_bin(bytes), week, 1);
    location_learn(&pair->day_location, bytes, LOCATION_DAY_LIMIT, LOCATION_DAY_CLIP);
    pair->today_bytes = pair->today_surplus = 0;
}

/* A small day is one in which something new could end, too: where all hosts send little, there are
 * no others. */
static void tell_exposed(const struct profile *profile, struct fleet *fleet)
{
    int64_t age = profile->today - profile->first_day;
    if (fleet && profile->today_bytes > 0 && age >= PROFILE_NOVELTY_DAYS)
        fleet_note_exposed_day(fleet, age >= PROFILE_YOUNG_DAYS, histogram_week(profile->today));
}

static void finish_host_day(struct profile *profile, struct fleet *fleet)
{
    int64_t week = histogram_week(profile->today);
    const struct peers peers = fleet_peers(fleet, profile->group);
    tell_exposed(profile, fleet);
    if (profile->today_bytes < PROFILE_ACTIVE_BYTES) {
        profile->today_bytes = 0;
        return;
    }
    struct size_model model = size_host_day(profile, &peers, week);
    uint64_t bytes =
        guard(profile, NULL, &model, profile->today_bytes, profile->today, true, fleet);
    if (fleet)
        fleet_note_host_day(fleet, profile->group, bytes, location_or_nan(&profile->day_location),
                            week);
    learn_host_growth(profile, fleet);
    histogram_add(&profile->day, histogram_bin(bytes), week, 1);
    location_learn(&profile->day_location, bytes, LOCATION_DAY_LIMIT, LOCATION_DAY_CLIP);
    profile->today_bytes = 0;
}

/* A week after the guard made something smaller, the peers are asked once: did enough of them move,
 * too, it is learned as it was sent. What else is left waits for the operator. */
static void ask_peers(struct profile *profile, struct pair *pair, int64_t day,
                      const struct fleet *fleet)
{
    struct clips *clips = pair ? &pair->clips : &profile->clips;
    const struct destination *destination = pair ? &pair->destination : NULL;
    for (size_t i = 0; fleet && i < clips->count;) {
        struct clip *clip = &clips->clip[i++];
        if (clip->asked || day - clip->day <= FLEET_MOVED_DAYS)
            continue;
        clip->asked = true;
        if (fleet_moved(fleet, destination, profile->group, clip->day))
            clips_lift(clips, --i, pair ? &pair->hour : &profile->hour,
                       pair ? &pair->day : &profile->day);
    }
}

static void drop_frozen_sums(struct profile *profile)
{
    for (uint32_t i = 0; profile->frozen_sums && i < profile->pair_count; i++)
        profile->pair[i]->today_bytes = profile->pair[i]->today_surplus = 0;
    if (profile->frozen_sums) {
        profile->today_bytes = 0;
        profile->evidence = (struct day_evidence){0};
    }
    profile->frozen_sums = false;
}

static void join_group(struct profile *profile, int64_t day, struct fleet *fleet)
{
    char before[GROUP_NAME_SIZE];
    memcpy(before, profile->group, sizeof before);
    group_decide(profile, day);
    if (fleet && strcmp(before, profile->group) != 0)
        fleet_note_left(fleet, &profile->host, before);
}

static void begin_day(struct profile *profile, const struct civil *civil, struct fleet *fleet)
{
    if (civil->day <= profile->today)
        return;
    memset(profile->new_told, 0, sizeof profile->new_told);
    learn_staged_day(profile, civil->day, fleet);
    drop_frozen_sums(profile);
    learn_evidence_day(profile, profile->day_off, civil, fleet);
    finish_host_day(profile, fleet);
    ask_peers(profile, NULL, civil->day, fleet);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        if (pair->today < civil->day)
            learn_pair_day(profile, pair, fleet);
        learn_spans(profile, pair, civil->hour, civil->day, fleet);
        ask_peers(profile, pair, civil->day, fleet);
        rhythm_end_day(&pair->rhythm, civil->day);
    }
    networks_forget(&profile->networks, civil->day);
    join_group(profile, civil->day, fleet);
    profile->today = civil->day;
    profile->day_off = civil->class >= HOUR_WORK_WEEKEND;
}

/* --- hours --------------------------------------------------------------------------------- */

static void learn_pair_hour(struct profile *profile, struct pair *pair,
                            const struct pair_total *sum, const struct civil *civil,
                            struct fleet *fleet)
{
    uint64_t bytes = sum->out.value;
    int64_t week = histogram_week(civil->day);
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = size_pair_hour(pair, &peers, week);
    uint64_t learned = guard(profile, pair, &model, bytes, civil->day, false, fleet);
    if (fleet)
        fleet_note_pair(fleet, &profile->host, profile->group, &pair->destination, learned,
                        location_or_nan(&pair->hour_location), civil);
    learn_spans(profile, pair, civil->hour, civil->day, fleet);
    learn_young_hour(profile, pair, bytes, civil, fleet);
    histogram_add(&pair->hour, histogram_bin(learned), week, 1);
    location_learn(&pair->hour_location, learned, LOCATION_HOUR_LIMIT, LOCATION_HOUR_CLIP);
    pair->weight = storable(fmin(1e18, learn_weight_on(pair, civil->day) + (double)bytes));
    pair->weight_day = civil->day;
    pair->last_hour = civil->hour;
    if (pair->contacts < UINT32_MAX)
        pair->contacts++;
    pair->today = civil->day;
    pair->today_bytes = bytes_add(pair->today_bytes, bytes);
    pair->today_surplus = bytes_add(pair->today_surplus, pair_surplus(bytes, sum->in_bytes));
    if (pair->destination.role == ROLE_CLIENT) /* of no other a clock is asked for */
        rhythm_hour(&pair->rhythm, civil, &sum->starts, sum->flows);
}

/* A newcomer that found no room is new each time it comes, until a client network was met often
 * enough; it counts as such, or a busy server would believe that nothing new ever happens to it. */
static void learn_passer_by(struct profile *profile, const struct destination *destination,
                            uint64_t bytes, const struct civil *civil, struct fleet *fleet)
{
    struct pair met;
    bool is_met = profile_stand_in(profile, destination, civil, &met);
    if (fleet)
        fleet_note_pair(fleet, &profile->host, profile->group, destination, bytes,
                        is_met ? location_or_nan(&met.hour_location) : NAN, civil);
    if (is_met && !profile_is_new(profile, &met, civil->hour))
        return;
    for (int kind = 0; kind < YOUNG_KINDS; kind++)
        learn_new(profile, (enum young_kind)kind, destination, 1, bytes, civil->day, fleet);
}

static void tell_host_hour(struct profile *profile, const struct civil *civil, uint64_t bytes,
                           uint64_t learned, double location, struct fleet *fleet)
{
    bool exposed = civil->day - profile->first_day >= PROFILE_NOVELTY_DAYS;
    fleet_note_host(fleet, &profile->host, profile->group, civil, bytes >= PROFILE_ACTIVE_BYTES,
                    learned, location, exposed);
    fleet_note_zone(fleet, profile->zone, civil, learned > 0 ? learned : bytes, true);
    fleet_note_silent(fleet, profile->group, profile->silent);
    memset(profile->silent, 0, sizeof profile->silent);
    uint64_t before = profile->today_bytes, after = bytes_add(before, bytes);
    if (bytes > 0 &&
        after >= PROFILE_ACTIVE_BYTES) /* of active days, as those it is compared with */
        fleet_note_today(fleet, profile->group, profile->today,
                         before >= PROFILE_ACTIVE_BYTES ? before : 0, after);
}

static void learn_host_hour(struct profile *profile, uint64_t bytes, const struct civil *civil,
                            struct fleet *fleet)
{
    int64_t week = histogram_week(civil->day);
    uint64_t learned = 0;
    double location = location_or_nan(&profile->hour_location);
    bool active = bytes >= PROFILE_ACTIVE_BYTES;
    uint64_t today = bytes_add(profile->today_bytes, bytes);
    if (active) {
        const struct peers peers = fleet_peers(fleet, profile->group);
        struct size_model model = size_host_hour(profile, &peers, week);
        learned = guard(profile, NULL, &model, bytes, civil->day, false, fleet);
        histogram_add(&profile->hour, histogram_bin(learned), week, 1);
        location_learn(&profile->hour_location, learned, LOCATION_HOUR_LIMIT, LOCATION_HOUR_CLIP);
    }
    if (profile->today_bytes < PROFILE_ACTIVE_BYTES && today >= PROFILE_ACTIVE_BYTES)
        profile->days_active[civil->class >= HOUR_WORK_WEEKEND]++;
    if (fleet)
        tell_host_hour(profile, civil, bytes, learned, location, fleet);
    profile->today_bytes = today;
}

static void learn_pairs(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet)
{
    const struct map_entry **entry = map_sorted(&total->pairs);
    for (size_t i = 0; i < total->pairs.count; i++) {
        struct pair_total *sum = entry[i]->value;
        uint64_t bytes = sum->out.value;
        if (bytes == 0 || destination_is_other(&sum->destination))
            continue;
        struct pair *pair = profile_pair_of(profile, sum);
        learn_contact(profile, &sum->destination, pair != NULL, civil, fleet);
        if (!pair)
            pair = learn_admit(profile, &sum->destination, bytes, civil, fleet);
        if (pair)
            learn_pair_hour(profile, pair, sum, civil, fleet);
        else
            learn_passer_by(profile, &sum->destination, bytes, civil, fleet);
        if (sum->destination.role == ROLE_SERVED)
            networks_meet(&profile->networks, evidence_name(&sum->destination), bytes, civil->day);
    }
    free(entry);
}

/* --- frozen ------------------------------------------------------------------------------------
 */

/* Only what is judged with: the running sums of the day, and of what is new. A first week of which
 * some was frozen is not told when it is over, nor are its spans. */
static void sum_pairs(struct profile *profile, const struct host_total *total,
                      const struct civil *civil)
{
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        char key[DESTINATION_KEY_SIZE];
        size_t size = destination_put_key(&pair->destination, key);
        const struct pair_total *sum = total ? map_get(&total->pairs, key, size) : NULL;
        uint64_t bytes = sum ? sum->out.value : 0;
        if (pair->today < civil->day)
            pair->today_bytes = pair->today_surplus = 0;
        pair->today = civil->day > pair->today ? civil->day : pair->today;
        pair->today_bytes = bytes_add(pair->today_bytes, bytes);
        if (sum)
            pair->today_surplus =
                bytes_add(pair->today_surplus, pair_surplus(bytes, sum->in_bytes));
        pair->told = pair->told || bytes > 0;
        pair->spans_told = bytes > 0 ? PAIR_SPANS : pair->spans_told;
        if (civil->hour - pair->first_hour < PAIR_YOUNG_HOURS)
            pair->first_week_bytes = bytes_add(pair->first_week_bytes, bytes);
        rhythm_end_day(&pair->rhythm, civil->day);
        if (bytes > 0 && pair->destination.role == ROLE_CLIENT)
            rhythm_hour(&pair->rhythm, civil, &sum->starts, sum->flows);
    }
}

/* Of an hour of which this host learns nothing, sums of all hosts are not learned either. */
static void tell_unlearned(const struct profile *profile, const struct host_total *total,
                           const struct civil *civil, struct fleet *fleet)
{
    size_t position = 0;
    if (!total || !fleet)
        return;
    fleet_note_zone(fleet, profile->zone, civil, total->out.value, false);
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        const struct pair_total *sum = e->value;
        fleet_note_place(fleet, &sum->destination, civil, sum->out.value, false);
    }
}

static void close_frozen(struct profile *profile, const struct host_total *total,
                         const struct civil *civil, struct fleet *fleet, struct buffer *blob)
{
    tell_unlearned(profile, total, civil, fleet);
    if (civil->day > profile->today) {
        staged_days_move(&profile->staged.days, civil->day - profile->today);
        profile->today = civil->day;
        profile->today_bytes = 0;
        profile->evidence = (struct day_evidence){0};
    }
    profile->frozen_sums = true;
    profile->today_bytes = bytes_add(profile->today_bytes, total ? total->out.value : 0);
    learn_staged_hour(profile, total, false);
    sum_pairs(profile, total, civil);
    profile->last_closed_hour = civil->hour;
    learn_drop_rhythms(profile, blob);
}

/* --- an hour's close ---------------------------------------------------------------------------
 */

static void close_learning(struct profile *profile, const struct host_total *total,
                           const struct civil *civil, struct fleet *fleet, struct buffer *blob)
{
    uint64_t bytes = total ? total->out.value : 0;
    profile->new_told[YOUNG_HOUR] = 0;
    begin_day(profile, civil, fleet);
    if (total)
        learn_evidence_of(profile, total, civil, fleet);
    profile_count_hour(profile, civil, bytes >= PROFILE_ACTIVE_BYTES);
    learn_host_hour(profile, bytes, civil, fleet);
    if (total)
        ratio_add(&profile->ratio, bytes, total->in_bytes, histogram_week(civil->day));
    learn_staged_hour(profile, total, true);
    if (total)
        learn_pairs(profile, total, civil, fleet);
    profile->last_closed_hour = civil->hour; /* what is packed is packed as of it */
    learn_keep_small(profile, civil->day, fleet, blob);
}

void profile_close_packed(struct profile *profile, const struct host_total *total,
                          const struct civil *civil, struct fleet *fleet, struct buffer *blob)
{
    if (civil->hour <= profile->last_closed_hour)
        profile_pack(profile, blob);
    else if (profile->frozen || profile->withheld)
        close_frozen(profile, total, civil, fleet, blob);
    else
        close_learning(profile, total, civil, fleet, blob);
}

void profile_close_hour(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet)
{
    struct buffer blob = {0};
    profile_close_packed(profile, total, civil, fleet, &blob);
    buffer_fini(&blob);
}

uint32_t profile_lift(struct profile *profile, const struct destination *destination)
{
    uint32_t lifted = 0;
    while (!destination && profile->clips.count > 0)
        lifted += clips_lift(&profile->clips, 0, &profile->hour, &profile->day);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        if (destination && profile_pair(profile, destination) != pair)
            continue;
        while (pair->clips.count > 0)
            lifted += clips_lift(&pair->clips, 0, &pair->hour, &pair->day);
    }
    return lifted;
}
