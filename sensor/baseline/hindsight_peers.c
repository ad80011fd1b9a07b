/* The peers' tables in hindsight: of all hosts' days alike, and then without the host that is
 * judged.
 *
 *   who uses what, and who sent how much to what was new to all   real days (fleet_use.c)
 *   sizes, residuals, activity, what is new                       all in one week
 *
 * Of one host PROFILE_NEW_TOLD first weeks a day and hours an hour are counted, the largest, as a
 * live sensor counts those that end first: nobody makes thousands of new destinations ordinary for
 * all. What more than a fifth of the hosts use, or a wave is, is never asked about, and not
 * counted. Engine thread. */
#include "hindsight_local.h"

#include <math.h>
#include <stdlib.h>

#define UNASKED UINT8_MAX

struct first { /* how a host met a destination; by its number in the ledger */
    int64_t hour;
    uint64_t week_bytes, span_bytes[PAIR_SPANS];
    uint32_t later; /* hours beyond its first week */
    bool met, served, settled;
    bool asked; /* where what is new is asked about */
};

struct counting {
    struct hindsight *hindsight;
    struct first *first;
    uint32_t *touched;
    size_t count;                                /* of them */
    uint8_t *bucket;                             /* of each destination */
    uint32_t share[PEER_TABLES][HISTOGRAM_BINS]; /* of the host at hand */
};

/* --- the host's own part ---------------------------------------------------------------------- */

static void keep_shares(struct counting *counting, struct past *past)
{
    size_t more = 0;
    for (size_t t = 0; t < PEER_TABLES; t++)
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            more += counting->share[t][bin] > 0;
    past->share = xrealloc(past->share, (past->shares + more + 1) * sizeof *past->share);
    for (size_t t = 0; t < PEER_TABLES; t++)
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            if (counting->share[t][bin] > 0)
                past->share[past->shares++] =
                    (struct share){(uint8_t)t, (uint8_t)bin, counting->share[t][bin]};
    memset(counting->share, 0, sizeof counting->share);
}

/* --- who uses what ---------------------------------------------------------------------------- */

static void meet(struct counting *counting, const struct past *past)
{
    const struct hindsight *hindsight = counting->hindsight;
    counting->count = 0;
    for (size_t i = 0; i < past->from->count; i++) {
        struct ledger_sheet sheet = ledger_sheet(hindsight->ledger, past->from, i);
        int64_t hour = past->from->hour[i].hour;
        for (size_t n = 0; n < sheet.pairs; n++) {
            struct first *first = &counting->first[sheet.pair[n].destination];
            if (!first->met) {
                *first = (struct first){.hour = hour, .met = true};
                counting->touched[counting->count++] = sheet.pair[n].destination;
            }
            size_t span = (size_t)((hour - first->hour) / PAIR_YOUNG_HOURS);
            uint64_t bytes = sheet.pair[n].out_bytes;
            first->later += span > 0;
            if (span == 0)
                first->week_bytes = bytes_add(first->week_bytes, bytes);
            if (span < PAIR_SPANS)
                first->span_bytes[span] = bytes_add(first->span_bytes[span], bytes);
        }
    }
}

static void forget(struct counting *counting)
{
    for (size_t i = 0; i < counting->count; i++)
        counting->first[counting->touched[i]] = (struct first){.met = false};
    counting->count = 0;
}

static struct destination destination_at(const struct counting *counting, uint32_t number)
{
    struct destination destination;
    const char *key = ledger_destination(counting->hindsight->ledger, number);
    destination_parse(key, strlen(key), &destination);
    return destination;
}

/* The last use is the set's end: nothing of it is forgotten. */
static void note_uses(struct counting *counting, const struct past *past)
{
    struct hindsight *hindsight = counting->hindsight;
    meet(counting, past);
    for (size_t i = 0; i < counting->count; i++) {
        const struct first *first = &counting->first[counting->touched[i]];
        struct destination destination = destination_at(counting, counting->touched[i]);
        int64_t day = hindsight_civil(hindsight, first->hour)->day;
        if (destination.role != ROLE_CLIENT)
            continue;
        fleet_note_use(hindsight->fleet, &past->profile->host, &destination, day);
        fleet_note_sent(hindsight->fleet, &past->profile->host, &destination, first->week_bytes,
                        day);
    }
    forget(counting);
}

static void find_buckets(struct counting *counting)
{
    size_t count = ledger_destinations(counting->hindsight->ledger);
    counting->bucket = xcalloc(count + 1, 1);
    for (size_t i = 0; i < count; i++) {
        struct destination destination = destination_at(counting, (uint32_t)i);
        counting->bucket[i] =
            destination.role == ROLE_CLIENT
                ? (uint8_t)fleet_bucket(counting->hindsight->fleet, &destination, 0)
                : UNASKED;
    }
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void note_hour(struct counting *counting, struct past *past, int64_t hour,
                      const struct ledger_sheet *sheet, uint64_t sum[PROFILE_PAIRS])
{
    struct hindsight *hindsight = counting->hindsight;
    struct profile *profile = past->profile;
    struct civil civil = *hindsight_civil(hindsight, hour);
    bool active = sheet->out_bytes >= PROFILE_ACTIVE_BYTES;
    civil.day = hindsight->week * 7;
    fleet_note_host(hindsight->fleet, &profile->host, profile->group, &civil, active,
                    sheet->out_bytes, location_or_nan(&profile->hour_location), true);
    counting->share[PEERS_HOUR][histogram_bin(sheet->out_bytes)] += active;
    counting->share[PEERS_YOUNG + 1][0] += active;
    for (size_t n = 0; n < sheet->pairs; n++) {
        struct pair *pair = past_pair(hindsight, past, sheet->pair[n].destination);
        if (!pair)
            continue;
        fleet_note_pair_hour(hindsight->fleet, profile->group, &pair->destination,
                             sheet->pair[n].out_bytes, location_or_nan(&pair->hour_location),
                             hindsight->week);
        sum[pair->place] = bytes_add(sum[pair->place], sheet->pair[n].out_bytes);
    }
}

static void note_day(struct counting *counting, struct past *past, const struct host_day *day,
                     uint16_t silent[FLEET_HOUR_WEEKS])
{
    struct hindsight *hindsight = counting->hindsight;
    struct profile *profile = past->profile;
    uint64_t sum[PROFILE_PAIRS] = {0}, out = 0, inside = 0;
    for (size_t i = day->from; i < day->to; i++) {
        struct ledger_sheet sheet = ledger_sheet(hindsight->ledger, past->from, i);
        out = bytes_add(out, sheet.out_bytes);
        inside = bytes_add(inside, sheet.inside_bytes);
        silent[hindsight_civil(hindsight, past->from->hour[i].hour)->hour_of_week]--;
        note_hour(counting, past, past->from->hour[i].hour, &sheet, sum);
    }
    for (uint32_t i = 0; i < profile->pair_count; i++)
        if (sum[i] > 0)
            fleet_note_pair_day(hindsight->fleet, profile->group, &profile->pair[i]->destination,
                                sum[i], location_or_nan(&profile->pair[i]->day_location),
                                hindsight->week);
    if (inside > 0)
        fleet_note_inside_day(hindsight->fleet, profile->group, inside,
                              location_or_nan(&profile->staged.location), hindsight->week);
    if (out == 0)
        return;
    fleet_note_exposed_day(hindsight->fleet, true, hindsight->week);
    counting->share[PEERS_YOUNG][1]++;
    if (out < PROFILE_ACTIVE_BYTES)
        return;
    fleet_note_host_day(hindsight->fleet, profile->group, out,
                        location_or_nan(&profile->day_location), hindsight->week);
    counting->share[PEERS_DAY][histogram_bin(out)]++;
}

static void note_sizes(struct counting *counting, struct past *past)
{
    const struct hindsight *hindsight = counting->hindsight;
    const struct ledger_host *from = past->from;
    uint16_t silent[FLEET_HOUR_WEEKS] = {0};
    for (int64_t hour = from->hour[0].hour; hour <= from->hour[from->count - 1].hour; hour++)
        silent[hindsight_civil(hindsight, hour)->hour_of_week]++;
    for (size_t i = 0; i < past->days; i++)
        note_day(counting, past, &past->day[i], silent);
    fleet_note_silent(hindsight->fleet, past->profile->group, silent);
    keep_shares(counting, past);
}

/* --- what is new ------------------------------------------------------------------------------ */

static void tell(struct counting *counting, enum young_kind kind, uint32_t number, uint64_t bytes)
{
    struct hindsight *hindsight = counting->hindsight;
    struct destination destination = destination_at(counting, number);
    size_t table = 2 + (size_t)kind * PREVALENCE_BUCKETS + counting->bucket[number];
    fleet_note_young(hindsight->fleet, kind, &destination, 0, bytes, hindsight->week);
    counting->share[PEERS_YOUNG + table][histogram_bin(bytes)]++;
}

struct young_size {
    int64_t when; /* of equal ones so many are told */
    uint64_t bytes;
    uint32_t number;
};

static int by_time_and_size(const void *a, const void *b)
{
    const struct young_size *x = a, *y = b;
    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void tell_largest(struct counting *counting, enum young_kind kind, struct young_size *size,
                         size_t count)
{
    unsigned told = 0;
    if (count > 0)
        qsort(size, count, sizeof *size, by_time_and_size);
    for (size_t i = 0; i < count; i++) {
        told = i > 0 && size[i].when == size[i - 1].when ? told : 0;
        if (size[i].bytes >= PROFILE_NEW_BYTES && told++ >= PROFILE_NEW_TOLD) {
            fleet_note_crowd(counting->hindsight->fleet);
            continue;
        }
        tell(counting, kind, size[i].number, size[i].bytes);
    }
}

/* What was there from the beginning is told by its spans alone. */
static void tell_weeks(struct counting *counting, struct young_size *size)
{
    size_t count = 0;
    for (size_t i = 0; i < counting->count; i++) {
        const struct first *first = &counting->first[counting->touched[i]];
        int64_t day = hindsight_civil(counting->hindsight, first->hour)->day;
        if (first->asked && !first->settled)
            size[count++] = (struct young_size){day, first->week_bytes, counting->touched[i]};
    }
    tell_largest(counting, YOUNG_FIRST_WEEK, size, count);
    for (int span = 0; span < PAIR_SPANS; span++) {
        count = 0;
        for (size_t i = 0; i < counting->count; i++) {
            const struct first *first = &counting->first[counting->touched[i]];
            int64_t day = hindsight_civil(counting->hindsight, first->hour)->day;
            if (first->asked && first->span_bytes[span] > 0)
                size[count++] =
                    (struct young_size){day, first->span_bytes[span], counting->touched[i]};
        }
        tell_largest(counting, YOUNG_SPAN, size, count);
    }
}

static void tell_hours(struct counting *counting, const struct past *past, struct young_size *size)
{
    for (size_t i = 0; i < past->from->count; i++) {
        struct ledger_sheet sheet = ledger_sheet(counting->hindsight->ledger, past->from, i);
        int64_t hour = past->from->hour[i].hour;
        size_t count = 0;
        for (size_t n = 0; n < sheet.pairs; n++) {
            const struct first *first = &counting->first[sheet.pair[n].destination];
            if (first->asked && !first->settled && hour - first->hour < PAIR_YOUNG_HOURS)
                size[count++] =
                    (struct young_size){hour, sheet.pair[n].out_bytes, sheet.pair[n].destination};
        }
        tell_largest(counting, YOUNG_HOUR, size, count);
    }
}

static int by_first_day(const void *a, const void *b)
{
    const struct network_size *x = a, *y = b;
    return x->first_day < y->first_day ? -1 : x->first_day > y->first_day;
}

static void add_network(struct past *past, int64_t day, uint64_t bytes, bool of_hour)
{
    if ((past->networks & (past->networks - 1)) == 0)
        past->network = xrealloc(past->network, (2 * past->networks + 1) * sizeof *past->network);
    past->network[past->networks++] =
        (struct network_size){(int32_t)day, (uint8_t)histogram_bin(bytes), of_hour};
}

/* One that finds no room among the pairs is new each time it comes. They are in the server's tables
 * from here on. */
static void gather_networks(struct counting *counting, struct past *past)
{
    struct hindsight *hindsight = counting->hindsight;
    for (size_t i = 0; i < past->from->count; i++) {
        struct ledger_sheet sheet = ledger_sheet(hindsight->ledger, past->from, i);
        int64_t hour = past->from->hour[i].hour;
        for (size_t n = 0; n < sheet.pairs; n++) {
            const struct first *first = &counting->first[sheet.pair[n].destination];
            uint64_t bytes = sheet.pair[n].out_bytes;
            if (!first->served)
                continue;
            bool kept = past_pair(hindsight, past, sheet.pair[n].destination) != NULL;
            int64_t day = hindsight_civil(hindsight, kept ? first->hour : hour)->day;
            if (kept && first->settled)
                continue;
            if (!kept || first->hour == hour)
                add_network(past, day, kept ? first->week_bytes : bytes, false);
            if (!kept || hour - first->hour < PAIR_YOUNG_HOURS)
                add_network(past, day, bytes, true);
        }
    }
    if (past->networks > 0)
        qsort(past->network, past->networks, sizeof *past->network, by_first_day);
    past_count_networks(hindsight, past);
}

/* Nobody is told of any use from here on. */
static void keep_buckets(const struct counting *counting, const struct past *past)
{
    for (uint32_t i = 0; i < past->profile->pair_count; i++) {
        uint8_t bucket = counting->bucket[past->kept[i]];
        past->profile->pair[i]->bucket = (uint8_t)(bucket == UNASKED ? 0 : bucket + 1);
    }
}

static void note_new(struct counting *counting, struct past *past, struct young_size *size)
{
    const struct hindsight *hindsight = counting->hindsight;
    ledger_hold(hindsight->ledger, past->from);
    meet(counting, past);
    for (size_t i = 0; i < counting->count; i++) {
        uint32_t number = counting->touched[i];
        struct first *first = &counting->first[number];
        struct destination destination = destination_at(counting, number);
        first->served = destination.role == ROLE_SERVED;
        first->settled = hindsight_is_settled(hindsight, first->hour, first->later);
        first->asked = counting->bucket[number] < PREVALENCE_REST &&
                       !fleet_is_wave(hindsight->fleet, &destination, 0,
                                      hindsight_civil(hindsight, first->hour)->day);
    }
    keep_buckets(counting, past);
    tell_weeks(counting, size);
    tell_hours(counting, past, size);
    gather_networks(counting, past);
    keep_shares(counting, past);
    forget(counting);
}

/* --- all -------------------------------------------------------------------------------------- */

struct counting *peers_begin(struct hindsight *hindsight)
{
    size_t room = ledger_destinations(hindsight->ledger) + 1;
    struct counting *counting = xcalloc(1, sizeof *counting);
    counting->hindsight = hindsight;
    counting->first = xcalloc(room, sizeof *counting->first);
    counting->touched = xcalloc(room, sizeof *counting->touched);
    fleet_reach_week(hindsight->fleet, hindsight->week);
    fleet_apply(hindsight->fleet); /* no week begins any more, which would forget */
    return counting;
}

void peers_count(struct counting *counting, struct past *past)
{
    note_sizes(counting, past);
    note_uses(counting, past);
}

void peers_count_new(struct counting *counting)
{
    struct hindsight *hindsight = counting->hindsight;
    size_t room = ledger_destinations(hindsight->ledger) + 1;
    struct young_size *size = xcalloc(room, sizeof *size);
    fleet_apply(hindsight->fleet);
    find_buckets(counting);
    for (size_t i = 0; i < hindsight->pasts; i++)
        note_new(counting, hindsight->past[i], size);
    fleet_apply(hindsight->fleet);
    free(size);
}

void peers_end(struct counting *counting)
{
    free(counting->bucket);
    free(counting->touched);
    free(counting->first);
    free(counting);
}
