/* See present.h. A profile is looked at as it lies: the unpacked one where there is one, else a
 * copy that is unpacked for this look. Thread: the engine's. */
#include "weir/engine/present.h"

#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct look {
    struct engine *engine;
    const struct host *host;
    struct profile *profile; /* NULL: it has none, or not in memory */
    struct profile *copy;    /* … to be freed */
};

/* What is complete belongs to this hour; before the first watermark the last record says it. */
static bool find_hour(struct engine *engine, struct present *present)
{
    struct ptime now = engine->order.complete;
    *present = (struct present){.known = false};
    if (now.ns <= 0 || now.ns == PTIME_MAX.ns)
        now = engine->counts.last;
    if (now.ns <= 0 || now.ns == PTIME_MAX.ns)
        return false;
    present->known = true;
    present->hour = account_hour(engine, now);
    return true;
}

static struct look look_at(struct engine *engine, const struct host *host)
{
    struct error damaged = {0};
    struct look look = {.engine = engine, .host = host, .profile = host->profile};
    if (!look.profile && host->blob)
        look.profile = look.copy =
            profile_unpack_of(&host->ip, host->blob, host->blob_size, &damaged);
    return look;
}

/* Else there may be a past that is not in memory: it was let go, changed by people, is damaged, or
 * the store was not asked yet. */
static bool is_known(const struct look *look)
{
    const struct host *host = look->host;
    return look->profile || (host->loaded && !host->blob && !host->damaged);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static uint64_t day_of(const struct look *look, const struct civil *civil)
{
    struct host host = *look->host; /* as if it were unpacked */
    host.profile = look->profile;
    uint64_t bytes = account_open(look->engine, &host, account_first_of_day(look->engine, civil),
                                  civil->hour, NULL)
                         .value;
    if (look->profile && look->profile->today == civil->day)
        bytes = bytes_add(bytes, look->profile->today_bytes);
    return bytes;
}

static void describe(const struct look *look, const struct civil *civil, struct present_host *row)
{
    const struct engine *engine = look->engine;
    const struct host *host = look->host;
    const struct host_total *total = totals_get(engine->totals, &host->ip, civil->hour);
    *row = (struct present_host){.host = host->ip,
                                 .day_out_bytes = day_of(look, civil),
                                 .state_known = is_known(look),
                                 .state = BASELINE_LEARNING,
                                 .past_known = look->profile != NULL};
    if (total) {
        row->out_bytes = total->out.value;
        row->in_bytes = total->in_bytes;
        row->destinations = (uint32_t)total->pairs.count;
    }
    if (!look->profile)
        return;
    row->state = hosts_state(engine, look->profile, civil->hour);
    row->hours = profile_hours(look->profile);
    row->hour = survival_host_hour(look->profile, engine->fleet, civil, row->out_bytes);
}

static int by_host(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return ip_compare(&(*one)->host, &(*other)->host);
}

static int falling(uint64_t one, uint64_t other, const void *a, const void *b)
{
    return one != other ? (one > other ? -1 : 1) : by_host(a, b);
}

static int by_out(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return falling((*one)->out.value, (*other)->out.value, a, b);
}

static int by_in(const void *a, const void *b)
{
    const struct host_total *const *one = a, *const *other = b;
    return falling((*one)->in_bytes, (*other)->in_bytes, a, b);
}

static bool fits(const struct present_filter *filter, const struct host *host)
{
    return !filter->fits || filter->fits(filter->context, &host->ip);
}

/* Those that sent or received over the border in the hour, in order. Caller frees. */
static const struct host_total **active(const struct engine *engine,
                                        const struct present_asked *asked,
                                        const struct civil *civil, size_t *count)
{
    static int (*const compare[])(const void *, const void *) = {
        [PRESENT_OUT] = by_out, [PRESENT_IN] = by_in, [PRESENT_HOST] = by_host};
    const struct host_total **all = xcalloc(engine->hosts.count + 1, sizeof *all);
    size_t position = 0;
    *count = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        const struct host_total *total = totals_get(engine->totals, &host->ip, civil->hour);
        if (total && (total->out.high > 0 || total->in_bytes > 0) && fits(&asked->filter, host))
            all[(*count)++] = total;
    }
    qsort(all, *count, sizeof *all, compare[asked->order]);
    return all;
}

/* The gravest comes first. */
static void add_incidents(const struct engine *engine, struct present_host *row, size_t rows)
{
    size_t count;
    const struct incident **all = incidents_sorted(engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < rows && !all[i]->closed; r++)
            if (!row[r].incident && ip_compare(&all[i]->story.host, &row[r].host) == 0)
                row[r].incident = all[i];
    free(all);
}

size_t engine_present_hosts(struct engine *engine, const struct present_asked *asked,
                            struct present_host *row, struct present *present)
{
    size_t rows = 0;
    if (!find_hour(engine, present))
        return 0;
    const struct host_total **all = active(engine, asked, &present->hour, &present->total);
    for (size_t i = asked->offset; i < present->total && rows < asked->room; i++) {
        struct look look = look_at(engine, hosts_get(engine, &all[i]->host));
        describe(&look, &present->hour, &row[rows++]);
        profile_free(look.copy);
    }
    free(all);
    add_incidents(engine, row, rows);
    return rows;
}

bool engine_present_host(struct engine *engine, const struct ip *ip, struct present_host *row,
                         struct present *present)
{
    const struct host *host = hosts_get(engine, ip);
    if (!find_hour(engine, present) || !host)
        return false;
    struct look look = look_at(engine, host);
    describe(&look, &present->hour, row);
    profile_free(look.copy);
    add_incidents(engine, row, 1);
    present->total = 1;
    return true;
}

bool engine_find_host(const struct engine *engine, const struct present_filter *filter,
                      struct ip *found)
{
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        if (fits(filter, host)) {
            *found = host->ip;
            return true;
        }
    }
    return false;
}

/* Of the present week, so its holidays are in it. Where clocks are turned it has an hour more or
 * less: an hour that it has not is not known. */
static void describe_week(struct engine *engine, const struct profile *profile,
                          const struct civil *now, struct present_week *week)
{
    const struct estimate day = survival_host_day(profile, engine->fleet, now, 0);
    struct ptime at = {now->starts.ns - (now->hour_of_week + 1) * NS_PER_HOUR};
    const int64_t monday = now->day - now->day_of_week;
    week->day_expected[0] = day.expected[0];
    week->day_expected[1] = day.expected[1];
    for (int i = 0; i < PRESENT_WEEK; i++)
        week->share[i] = NAN;
    for (int i = 0; i < PRESENT_WEEK + 2; i++) {
        struct civil civil = calendar_at(engine->config.calendar, at);
        if (civil.day >= monday && civil.day < monday + 7)
            week->share[civil.hour_of_week] = survival_hour_share(profile, engine->fleet, &civil);
        at = civil.ends;
    }
}

bool engine_present_week(struct engine *engine, const struct ip *ip, struct present_week *week)
{
    struct present present;
    const struct host *host = hosts_get(engine, ip);
    *week = (struct present_week){.hours = 0};
    if (!host || !find_hour(engine, &present))
        return false;
    struct look look = look_at(engine, host);
    if (look.profile)
        week->hours = profile_hours(look.profile);
    if (week->hours > 0)
        describe_week(engine, look.profile, &present.hour, week);
    profile_free(look.copy);
    return week->hours > 0;
}

/* --- destinations ----------------------------------------------------------------------------- */

static int by_pair_out(const void *a, const void *b)
{
    const struct pair_total *one = *(const struct pair_total *const *)a,
                            *other = *(const struct pair_total *const *)b;
    char key[2][DESTINATION_KEY_SIZE];
    if (one->out.value != other->out.value)
        return one->out.value > other->out.value ? -1 : 1;
    return strcmp(destination_key(&one->destination, key[0]),
                  destination_key(&other->destination, key[1]));
}

/* Of a profile that somebody made up it may be no time. */
static struct ptime time_of(const struct civil *now, int64_t hour)
{
    if (hour <= 0 || hour > now->hour)
        return PTIME_MIN;
    return (struct ptime){now->starts.ns - (now->hour - hour) * NS_PER_HOUR};
}

/* Of servers' clients nobody counts it. */
static int64_t prevalence_of(const struct engine *engine, const struct destination *destination)
{
    if (!engine->fleet || destination->role != ROLE_CLIENT)
        return -1;
    return fleet_prevalence(engine->fleet, destination);
}

static void describe_pair(const struct look *look, const struct civil *civil,
                          const struct pair_total *total, struct present_pair *row)
{
    const struct pair *pair =
        look->profile ? profile_pair(look->profile, &total->destination) : NULL;
    *row = (struct present_pair){.out_bytes = total->out.value,
                                 .in_bytes = total->in_bytes,
                                 .flows = total->flows,
                                 .met_known = is_known(look),
                                 .met = pair != NULL,
                                 .first = pair ? time_of(civil, pair->first_hour) : PTIME_MIN,
                                 .prevalence = prevalence_of(look->engine, &total->destination)};
    destination_copy(&total->destination, &row->destination);
    if (pair && survival_pair_known(pair, civil->hour))
        row->hour =
            survival_pair_hour(look->profile, pair, look->engine->fleet, civil, total->out.value);
}

static bool leads_to(const struct incident *incident, const struct ip *host,
                     const struct destination *destination)
{
    const struct story *story = &incident->story;
    return !incident->closed && story->has_destination && ip_compare(&story->host, host) == 0 &&
           story->destination.role == destination->role &&
           strcmp(story->destination.name, destination->name) == 0;
}

static void add_pair_incidents(const struct engine *engine, const struct ip *host,
                               struct present_pair *row, size_t rows)
{
    size_t count;
    const struct incident **all = incidents_sorted(engine->incidents, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < rows && !all[i]->closed; r++)
            if (!row[r].incident && leads_to(all[i], host, &row[r].destination))
                row[r].incident = all[i];
    free(all);
}

size_t engine_present_pairs(struct engine *engine, const struct ip *ip, struct present_pair *row,
                            size_t room, struct present *present)
{
    const struct host *host = hosts_get(engine, ip);
    if (!find_hour(engine, present) || !host)
        return 0;
    const struct host_total *total = totals_get(engine->totals, ip, present->hour.hour);
    const struct pair_total **all = xcalloc(total ? total->pairs.count + 1 : 1, sizeof *all);
    size_t position = 0, rows = 0;
    for (const struct map_entry *e; total && (e = map_next(&total->pairs, &position)) != NULL;)
        all[present->total++] = e->value;
    qsort(all, present->total, sizeof *all, by_pair_out);
    struct look look = look_at(engine, host);
    for (; rows < present->total && rows < room; rows++)
        describe_pair(&look, &present->hour, all[rows], &row[rows]);
    profile_free(look.copy);
    free(all);
    add_pair_incidents(engine, ip, row, rows);
    return rows;
}

/* --- who sends to one ------------------------------------------------------------------------- */

static int by_sender(const void *a, const void *b)
{
    const struct present_sender *one = a, *other = b;
    if (one->pair.out_bytes != other->pair.out_bytes)
        return one->pair.out_bytes > other->pair.out_bytes ? -1 : 1;
    return ip_compare(&one->host, &other->host);
}

/* The least of those that are there gives way, when there is no room. */
static void keep_sender(struct present_sender *row, size_t *rows, size_t room,
                        const struct present_sender *sender)
{
    size_t at = *rows;
    if (*rows == room) {
        at = 0;
        for (size_t i = 1; i < room; i++)
            if (by_sender(&row[i], &row[at]) > 0)
                at = i;
        if (by_sender(sender, &row[at]) >= 0)
            return;
    } else {
        ++*rows;
    }
    row[at] = *sender;
}

static void look_for(const struct host_total *total, const char *name, struct present_sender *row,
                     size_t *rows, size_t room, struct present *present)
{
    char key[DESTINATION_KEY_SIZE];
    struct destination destination;
    snprintf(destination.name, sizeof destination.name, "%s", name);
    for (int role = 0; role < ROLES; role++)
        for (int kind = 0; kind < DESTINATION_KINDS; kind++) {
            destination.role = (enum pair_role)role;
            destination.kind = (enum destination_kind)kind;
            destination_key(&destination, key);
            const struct pair_total *pair = map_get(&total->pairs, key, strlen(key));
            if (!pair)
                continue;
            present->total++;
            keep_sender(row, rows, room,
                        &(struct present_sender){
                            .host = total->host,
                            .pair = {.destination = destination, .out_bytes = pair->out.value}});
        }
}

static void describe_sender(struct engine *engine, const struct civil *civil,
                            struct present_sender *row)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(&row->pair.destination, key);
    const struct host_total *total = totals_get(engine->totals, &row->host, civil->hour);
    const struct pair_total *pair = total ? map_get(&total->pairs, key, strlen(key)) : NULL;
    const struct host *host = hosts_get(engine, &row->host);
    if (!pair || !host)
        return;
    struct look look = look_at(engine, host);
    describe_pair(&look, civil, pair, &row->pair);
    profile_free(look.copy);
    add_pair_incidents(engine, &row->host, &row->pair, 1);
}

size_t engine_present_senders(struct engine *engine, const char *name, struct present_sender *row,
                              size_t room, struct present *present)
{
    const struct present_asked all = {.order = PRESENT_OUT};
    size_t count, rows = 0;
    if (!find_hour(engine, present))
        return 0;
    const struct host_total **total = active(engine, &all, &present->hour, &count);
    for (size_t i = 0; i < count; i++)
        look_for(total[i], name, row, &rows, room, present);
    free(total);
    qsort(row, rows, sizeof *row, by_sender);
    for (size_t i = 0; i < rows; i++)
        describe_sender(engine, &present->hour, &row[i]);
    return rows;
}

/* --- all that leaves -------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct present_place *one = *(const struct present_place *const *)a,
                               *other = *(const struct present_place *const *)b;
    char key[2][DESTINATION_KEY_SIZE];
    if (one->out_bytes != other->out_bytes)
        return one->out_bytes > other->out_bytes ? -1 : 1;
    return strcmp(destination_key(&one->destination, key[0]),
                  destination_key(&other->destination, key[1]));
}

static void add_places(const struct host_total *total, struct map *places, size_t *looked)
{
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL; ++*looked) {
        const struct pair_total *pair = e->value;
        struct present_place *place = map_get(places, e->key, e->key_size);
        if (!place) {
            place = xcalloc(1, sizeof *place);
            destination_copy(&pair->destination, &place->destination);
            map_put(places, e->key, e->key_size, place);
        }
        place->out_bytes = bytes_add(place->out_bytes, pair->out.value);
        place->hosts++;
    }
}

static size_t sort_places(const struct map *places, struct present_place *place, size_t room)
{
    const struct present_place **all = xcalloc(places->count + 1, sizeof *all);
    size_t position = 0, count = 0, rows = 0;
    for (const struct map_entry *e; (e = map_next(places, &position)) != NULL;)
        all[count++] = e->value;
    qsort(all, count, sizeof *all, by_place);
    for (; rows < count && rows < room; rows++)
        place[rows] = *all[rows];
    free(all);
    return rows;
}

static void add_host(const struct engine *engine, const struct host_total *total,
                     struct present_sums *sums)
{
    const struct zones *zones = engine->zoned.zones;
    sums->out_bytes = bytes_add(sums->out_bytes, total->out.value);
    if (!zones)
        return;
    struct present_zone *zone = &sums->zone[zones_end(zones, &total->host, true)];
    zone->out_bytes = bytes_add(zone->out_bytes, total->out.value);
    zone->hosts++;
}

/* Live, there may be no tables yet. */
static void add_bands(const struct engine *engine, struct present_place *place,
                      struct present_sums *sums, const struct civil *civil)
{
    const struct zones *zones = engine->zoned.zones;
    if (!engine->fleet)
        return;
    for (unsigned end = 0; zones && end <= ZONE_INSIDE; end++)
        sums->zone[end].band = fleet_zone_band(engine->fleet, zones_end_name(zones, end), civil);
    for (size_t i = 0; i < sums->places; i++)
        place[i].band = fleet_place_band(engine->fleet, &place[i].destination, civil);
}

void engine_present_sums(struct engine *engine, struct present_place *place, size_t room,
                         struct present_sums *sums, struct present *present)
{
    const struct present_asked asked = {.order = PRESENT_OUT};
    struct map places;
    size_t count, looked = 0;
    *sums = (struct present_sums){.whole = true};
    if (!find_hour(engine, present))
        return;
    const struct host_total **all = active(engine, &asked, &present->hour, &count);
    map_init_borrowing(&places); /* the totals' keys outlive it */
    sums->hosts = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        add_host(engine, all[i], sums);
        sums->whole = sums->whole && looked < PRESENT_PAIRS;
        if (sums->whole)
            add_places(all[i], &places, &looked);
    }
    free(all);
    present->total = places.count;
    sums->places = sort_places(&places, place, room);
    map_fini(&places, free);
    add_bands(engine, place, sums, &present->hour);
}
