/* A host's profile: its life, its clock, and look-ups. What is learned is in learn.c, how it is
 * stored in profile_pack.c. Engine thread. */
#include "profile_local.h"
#include "weir/baseline/evidence.h"

#include <stdlib.h>

const char *const baseline_state_name[] = {"learning", "ready", "frozen", "stale"};

#define CATCH_UP_HOURS (INT64_C(7) * 24 * HISTOGRAM_WEEKS)
#define ALLOCATED      16 /* what an allocation costs beside its bytes */
#define HOUR_LIMIT     (INT64_MAX / NS_PER_HOUR - 48)

struct profile *profile_new(const struct ip *host, int64_t first_hour)
{
    struct profile *profile = xcalloc(1, sizeof *profile);
    profile->host = *host;
    profile->first_hour = first_hour;
    profile->last_closed_hour = first_hour - 1;
    profile->first_day = profile->counted_day = profile->today = NO_DAY;
    return profile;
}

void pair_free(struct pair *pair)
{
    histogram_fini(&pair->hour);
    histogram_fini(&pair->day);
    rhythm_fini(&pair->rhythm);
    clips_fini(&pair->clips);
    free(pair);
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        pair_free(profile->pair[i]);
    histogram_fini(&profile->hour);
    histogram_fini(&profile->day);
    histogram_fini(&profile->new_network);
    histogram_fini(&profile->new_network_days);
    histogram_fini(&profile->new_network_hour);
    histogram_fini(&profile->new_network_span);
    networks_fini(&profile->networks);
    clips_fini(&profile->clips);
    ratio_fini(&profile->ratio);
    staged_fini(&profile->staged);
    free(profile);
}

static struct pair *find_pair(const struct profile *profile, const struct destination *destination,
                              uint32_t name)
{
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        if (profile->pair_name[i] != name)
            continue;
        const struct destination *have = &profile->pair[i]->destination;
        if (have->role == destination->role && have->kind == destination->kind &&
            strcmp(have->name, destination->name) == 0)
            return profile->pair[i];
    }
    return NULL;
}

struct pair *profile_pair(const struct profile *profile, const struct destination *destination)
{
    return find_pair(profile, destination, evidence_name(destination));
}

struct pair *profile_pair_of(const struct profile *profile, struct pair_total *sum)
{
    if (sum->name == 0)
        sum->name = evidence_name(&sum->destination);
    return find_pair(profile, &sum->destination, sum->name);
}

void profile_put_pair(struct profile *profile, struct pair *pair)
{
    pair->name = evidence_name(&pair->destination);
    profile->pair_name[profile->pair_count] = pair->name;
    profile->pair[profile->pair_count++] = pair;
}

void profile_take_pair(struct profile *profile, uint32_t index)
{
    uint32_t last = --profile->pair_count;
    profile->pair[index] = profile->pair[last];
    profile->pair_name[index] = profile->pair_name[last];
}

bool profile_stand_in(const struct profile *profile, const struct destination *destination,
                      const struct civil *civil, struct pair *pair)
{
    if (destination->role != ROLE_SERVED)
        return false;
    const struct network *network = networks_find(&profile->networks, evidence_name(destination));
    if (!network)
        return false;
    *pair = (struct pair){.first_hour = civil->hour - 24 * (civil->day - network->first_day),
                          .last_hour = civil->hour - 24 * (civil->day - network->last_day),
                          .first_day = network->first_day,
                          .weight_day = network->last_day,
                          .today = network->last_day,
                          .contacts = network->hours,
                          .hour_location = {(network->usual + 0.5) / 4, network->hours}};
    destination_copy(destination, &pair->destination);
    return true;
}

bool profile_is_new(const struct profile *profile, const struct pair *pair, int64_t hour)
{
    if (!pair)
        return true;
    if (hour - pair->first_hour >= PAIR_YOUNG_HOURS)
        return pair->contacts < PAIR_KNOWN_CONTACTS;
    return pair->first_day - profile->first_day >= PROFILE_WARMUP_DAYS;
}

enum baseline_state profile_state(const struct profile *profile, int64_t hour, int learn_days)
{
    if (profile->frozen)
        return BASELINE_FROZEN;
    return hour - profile->first_hour < (int64_t)learn_days * 24 ? BASELINE_LEARNING
                                                                 : BASELINE_READY;
}

static size_t histogram_bytes(const struct histogram *h)
{
    return h->room ? h->room * sizeof *h->cell + ALLOCATED : 0;
}

size_t profile_bytes(const struct profile *profile)
{
    size_t bytes = sizeof *profile + ALLOCATED + histogram_bytes(&profile->hour) +
                   histogram_bytes(&profile->day) + histogram_bytes(&profile->new_network) +
                   histogram_bytes(&profile->new_network_days) +
                   profile->networks.room * sizeof *profile->networks.network;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        bytes += sizeof(struct pair) + ALLOCATED + histogram_bytes(&profile->pair[i]->hour) +
                 histogram_bytes(&profile->pair[i]->day);
    return bytes;
}

uint32_t profile_hours(const struct profile *profile)
{
    uint32_t hours = 0;
    for (int i = 0; i < HOUR_CLASSES; i++)
        hours += profile->hours_seen[i];
    return hours;
}

void profile_count_hour(struct profile *profile, const struct civil *civil, bool active)
{
    profile->hours_seen[civil->class]++;
    profile->hours_active[civil->class] += active;
    if (civil->day <= profile->counted_day)
        return;
    if (profile->first_day == NO_DAY)
        profile->first_day = civil->day;
    profile->counted_day = civil->day;
    profile->days_seen[civil->class >= HOUR_WORK_WEEKEND]++;
    int64_t age = civil->day - profile->first_day;
    if (age >= PROFILE_NOVELTY_DAYS)
        histogram_add(&profile->new_network_days, age >= PROFILE_YOUNG_DAYS,
                      histogram_week(civil->day), 1);
}

/* The calendar speaks of times, profiles of ordinals: the zone's offset is found by asking. */
struct civil profile_civil_of(struct calendar *calendar, int64_t hour)
{
    struct ptime time = {hour * NS_PER_HOUR};
    struct civil civil = calendar_at(calendar, time);
    for (int i = 0; i < 4 && civil.hour != hour; i++) {
        time.ns += (hour - civil.hour) * NS_PER_HOUR;
        civil = calendar_at(calendar, time);
    }
    return civil;
}

void profile_catch_up(struct profile *profile, int64_t hour, struct calendar *calendar,
                      bool (*withheld)(void *context, const struct civil *civil), void *context)
{
    int64_t from = profile->last_closed_hour + 1;
    if (hour < from || hour > HOUR_LIMIT || hour < -HOUR_LIMIT)
        return;
    if (hour - from >= CATCH_UP_HOURS)
        from = hour - CATCH_UP_HOURS + 1;
    for (struct civil civil = profile_civil_of(calendar, from);
         !profile->frozen && civil.hour <= hour; civil = calendar_at(calendar, civil.ends)) {
        if (withheld && withheld(context, &civil))
            continue;
        profile_count_hour(profile, &civil, false);
        if (profile->silent[civil.hour_of_week] < UINT16_MAX)
            profile->silent[civil.hour_of_week]++;
    }
    profile->last_closed_hour = hour;
}
