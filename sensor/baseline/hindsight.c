/* The life of a hindsight, and what is asked of it.
 *
 *   ledger → a profile a host, of all days (hindsight_count.c) → the peers' tables
 * (hindsight_peers.c) → what each host-day comes to, itself left out (hindsight_day.c), and how
 * rare that is (hindsight_measure.c)
 *
 * Then it is turned to one host and day after the other, as the records come: what is counted of
 * that day is taken out of the profile, what is counted of that host out of the peers' tables; both
 * are put back when it turns away. All are whole numbers, so nothing is left behind. Engine thread.
 */
#include "hindsight_local.h"

#include "weir/baseline/group.h"

#include <stdlib.h>

static void free_past(struct past *past)
{
    profile_free(past->profile);
    free(past->story.need);
    free(past->kept);
    free(past->share);
    free(past->network);
    free(past->day);
    free(past);
}

void hindsight_free(struct hindsight *hindsight)
{
    if (!hindsight)
        return;
    measure_fini(hindsight);
    apart_fini(hindsight);
    for (size_t i = 0; i < hindsight->pasts; i++)
        free_past(hindsight->past[i]);
    map_fini(&hindsight->index, NULL);
    if (!hindsight->fleet_taken)
        fleet_free(hindsight->fleet);
    free(hindsight->past);
    closed_hour_fini(&hindsight->hour);
    free(hindsight->place);
    free(hindsight->among);
    free(hindsight->civil);
    free(hindsight);
}

/* --- hours and days --------------------------------------------------------------------------- */

const struct civil *hindsight_civil(const struct hindsight *hindsight, int64_t hour)
{
    return &hindsight->civil[hour - hindsight->first];
}

/* The calendar speaks of times, the ledger of ordinals. */
static void make_calendar(struct hindsight *hindsight, struct calendar *calendar)
{
    size_t hours = (size_t)(hindsight->last - hindsight->first + 1);
    hindsight->civil = xcalloc(hours, sizeof *hindsight->civil);
    struct civil civil = profile_civil_of(calendar, hindsight->first);
    for (size_t i = 0; i < hours; i++, civil = calendar_at(calendar, civil.ends))
        hindsight->civil[i] = civil;
    hindsight->week = histogram_week(hindsight->civil[hours - 1].day);
}

bool hindsight_is_settled(const struct hindsight *hindsight, int64_t first_hour, uint32_t later)
{
    return first_hour - hindsight->first < INT64_C(24) * PROFILE_WARMUP_DAYS &&
           later >= PAIR_KNOWN_CONTACTS;
}

static void find_days(const struct hindsight *hindsight, struct past *past)
{
    const struct ledger_host *from = past->from;
    struct host_day *day = past->day = xcalloc(from->count, sizeof *past->day);
    for (size_t i = 0; i < from->count; i++) {
        const struct civil *civil = hindsight_civil(hindsight, from->hour[i].hour);
        if (i == 0 || day->day != civil->day) {
            day = &past->day[past->days++];
            *day = (struct host_day){.day = civil->day, .from = i};
        }
        day->off = civil->class >= HOUR_WORK_WEEKEND; /* as its last hour is */
        day->to = i + 1;
    }
    past->last_day = day->day;
    past->day = xrealloc(past->day, past->days * sizeof *past->day);
}

/* --- which pairs ------------------------------------------------------------------------------ */

struct met { /* a destination of the host at hand; by its number in the ledger */
    uint64_t bytes;
    int64_t first_hour, last_hour;
    uint32_t contacts, later; /* hours; those beyond its first week */
};

static int by_weight(const void *a, const void *b, void *context)
{
    const struct met *met = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (met[x].bytes != met[y].bytes)
        return met[x].bytes > met[y].bytes ? -1 : 1;
    return x < y ? -1 : x > y;
}

static struct pair *make_pair(const struct hindsight *hindsight, uint32_t destination,
                              const struct met *met)
{
    struct pair *pair = xcalloc(1, sizeof *pair);
    const char *key = ledger_destination(hindsight->ledger, destination);
    destination_parse(key, strlen(key), &pair->destination);
    pair->first_hour = met->first_hour;
    pair->last_hour = met->last_hour;
    pair->first_day = hindsight_civil(hindsight, met->first_hour)->day;
    pair->weight = (double)met->bytes;
    pair->weight_day = hindsight_civil(hindsight, met->last_hour)->day;
    pair->today = NO_DAY;
    pair->whole = true;
    pair->settled = hindsight_is_settled(hindsight, met->first_hour, met->later);
    return pair;
}

static void keep_pairs(struct hindsight *hindsight, struct past *past, struct met *met,
                       uint32_t *touched, size_t count)
{
    qsort_r(touched, count, sizeof *touched, by_weight, met);
    size_t kept = count < PROFILE_PAIRS ? count : PROFILE_PAIRS;
    past->kept = xcalloc(kept + 1, sizeof *past->kept);
    past->profile->pairs_evicted = (uint32_t)(count - kept);
    for (size_t i = 0; i < kept; i++) {
        struct pair *pair = make_pair(hindsight, touched[i], &met[touched[i]]);
        past->kept[i] = touched[i];
        pair->place = past->profile->pair_count;
        profile_put_pair(past->profile, pair);
    }
}

/* `met` has room for every destination of the ledger, all zero, and is left so. */
static void find_pairs(struct hindsight *hindsight, struct past *past, struct met *met,
                       uint32_t *touched)
{
    size_t count = 0;
    for (size_t i = 0; i < past->from->count; i++) {
        struct ledger_sheet sheet = ledger_sheet(hindsight->ledger, past->from, i);
        for (size_t n = 0; n < sheet.pairs; n++) {
            struct met *one = &met[sheet.pair[n].destination];
            if (one->contacts++ == 0) {
                one->first_hour = past->from->hour[i].hour;
                touched[count++] = sheet.pair[n].destination;
            }
            one->later += past->from->hour[i].hour - one->first_hour >= PAIR_YOUNG_HOURS;
            one->bytes = bytes_add(one->bytes, sheet.pair[n].out_bytes);
            one->last_hour = past->from->hour[i].hour;
        }
    }
    keep_pairs(hindsight, past, met, touched, count);
    for (size_t i = 0; i < count; i++)
        met[touched[i]] = (struct met){0};
}

/* --- all hosts -------------------------------------------------------------------------------- */

static bool sends(struct hindsight *hindsight, const struct ledger_host *host)
{
    for (size_t i = 0; i < host->count; i++)
        if (ledger_sheet(hindsight->ledger, host, i).pairs > 0)
            return true;
    return false;
}

/* All of what there is is past its warm-up: what a host is not known for is new. */
static struct past *make_past(struct hindsight *hindsight, const struct ledger_host *host)
{
    struct past *past = xcalloc(1, sizeof *past);
    int64_t back = PROFILE_YOUNG_DAYS + 1;
    past->from = host;
    past->left_out = past->asked.day = NO_DAY;
    find_days(hindsight, past);
    past->profile = profile_new(&host->ip, hindsight->first - 24 * back);
    past->profile->whole = true;
    past->profile->first_day = hindsight_civil(hindsight, hindsight->first)->day - back;
    return past;
}

static void add_past(struct hindsight *hindsight, struct past *past)
{
    past->number = hindsight->pasts;
    hindsight->past[hindsight->pasts++] = past;
    map_put(&hindsight->index, &past->from->ip, sizeof past->from->ip, past);
    hindsight->bytes += profile_bytes(past->profile) + past->days * sizeof *past->day +
                        past->profile->pair_count * sizeof *past->kept + past->from->count;
}

/* Each host is gone through from end to end while its hours are held. False: it came to more than
 * `most_bytes`. */
static bool make_pasts(struct hindsight *hindsight, struct counting *counting, uint64_t most_bytes)
{
    struct ledger *ledger = hindsight->ledger;
    struct met *met = xcalloc(ledger_destinations(ledger) + 1, sizeof *met);
    uint32_t *touched = xcalloc(ledger_destinations(ledger) + 1, sizeof *touched);
    hindsight->past = xcalloc(ledger_hosts(ledger) + 1, sizeof(struct past *));
    for (size_t i = 0; i < ledger_hosts(ledger) && hindsight->bytes <= most_bytes; i++) {
        const struct ledger_host *host = ledger_host(ledger, i);
        ledger_hold(ledger, host);
        if (!sends(hindsight, host))
            continue;
        struct past *past = make_past(hindsight, host);
        find_pairs(hindsight, past, met, touched);
        for (size_t day = 0; day < past->days; day++)
            past_count_day(hindsight, past, day, 1);
        past_count_silence(hindsight, past);
        past_locate(past, ALL_PAIRS, hindsight->week);
        group_decide(past->profile, past->last_day);
        add_past(hindsight, past);
        peers_count(counting, past);
    }
    free(touched);
    free(met);
    return hindsight->bytes <= most_bytes;
}

struct hindsight *hindsight_new(struct ledger *ledger, struct calendar *calendar,
                                uint64_t most_bytes)
{
    struct hindsight *hindsight = xcalloc(1, sizeof *hindsight);
    hindsight->ledger = ledger;
    hindsight->fleet = fleet_new();
    hindsight->fleet->memo = size_memo_new();
    map_init(&hindsight->index);
    ledger_span(ledger, &hindsight->first, &hindsight->last);
    if (hindsight->first > hindsight->last)
        return hindsight;
    make_calendar(hindsight, calendar);
    hindsight->place = xcalloc(ledger_destinations(ledger) + 1, 1);
    hindsight->among = xcalloc(ledger_destinations(ledger) + 1, sizeof *hindsight->among);
    struct counting *counting = peers_begin(hindsight);
    bool whole = make_pasts(hindsight, counting, most_bytes);
    if (whole)
        peers_count_new(counting);
    peers_end(counting);
    if (whole)
        measure_days(hindsight);
    ledger_hold_none(ledger);
    if (whole)
        return hindsight;
    hindsight_free(hindsight);
    return NULL;
}

struct fleet *hindsight_take_fleet(struct hindsight *hindsight)
{
    hindsight->fleet_taken = true;
    return hindsight->fleet;
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct past *past_of(struct hindsight *hindsight, const struct ip *host)
{
    if (!hindsight->found || ip_compare(&hindsight->found->from->ip, host) != 0)
        hindsight->found = map_get(&hindsight->index, host, sizeof *host);
    return hindsight->found;
}

int64_t hindsight_since(const struct hindsight *hindsight, const struct ip *host)
{
    const struct past *past = map_get(&hindsight->index, host, sizeof *host);
    return past ? past->from->hour[0].hour : INT64_MAX;
}

/* For the budget that the engine set. */
static bool is_trimmed(const struct hindsight *hindsight)
{
    const struct budget *now = &hindsight->fleet->budget, *then = &hindsight->trimmed_for;
    return then->trim > 0 && !(now->host_day < then->host_day) &&
           !(now->host_day > then->host_day) && !(now->day < then->day) && !(now->day > then->day);
}

static void keep_trimmed(struct hindsight *hindsight)
{
    if (is_trimmed(hindsight))
        return;
    trim_budget(hindsight);
    hindsight->trims++;
}

/* Each record asks. */
static bool may_tell(struct hindsight *hindsight, struct past *past, int64_t day)
{
    keep_trimmed(hindsight);
    if (past->asked.day != day || past->asked.trim != hindsight->trims) {
        past->asked.day = day;
        past->asked.trim = hindsight->trims;
        past->asked.may = open_may_tell_on(hindsight, past, day);
    }
    return past->asked.may;
}

struct profile *hindsight_profile(struct hindsight *hindsight, const struct ip *host,
                                  const struct civil *civil)
{
    struct past *past = past_of(hindsight, host);
    if (!past)
        return NULL;
    if (hindsight->passes && may_tell(hindsight, past, civil->day))
        past_catch_up(hindsight, past, hindsight->passed);
    past_leave_out(hindsight, past, civil->day);
    return past->profile;
}

struct profile *hindsight_known(struct hindsight *hindsight, const struct ip *host)
{
    const struct past *past = past_of(hindsight, host);
    return past ? past->profile : NULL;
}

void hindsight_turn(struct hindsight *hindsight, const struct ip *host)
{
    struct past *past = past_of(hindsight, host);
    if (!past)
        return;
    peers_without(hindsight, past);
    measure_without(hindsight, past);
    keep_trimmed(hindsight);
}

uint64_t hindsight_answers(struct hindsight *hindsight)
{
    keep_trimmed(hindsight);
    return hindsight->trims;
}

bool hindsight_may_tell(struct hindsight *hindsight, const struct ip *host, int64_t day)
{
    struct past *past = past_of(hindsight, host);
    return !past || may_tell(hindsight, past, day);
}

enum hindsight_need hindsight_needs(struct hindsight *hindsight, const struct ip *host,
                                    int64_t hour)
{
    struct past *past = past_of(hindsight, host);
    keep_trimmed(hindsight);
    return past ? past_needs(hindsight, past, hour) : HINDSIGHT_ALL;
}

/* Nothing can be told from that day on, so what its hours come to is for nobody. */
static bool is_over(struct hindsight *hindsight, struct past *past, int64_t day)
{
    keep_trimmed(hindsight);
    if (past->last.trim != hindsight->trims) {
        size_t i = past->days;
        while (i > 0 && !open_may_tell(hindsight, &past->day[i - 1]))
            i--;
        past->last.day = i > 0 ? past->day[i - 1].day : NO_DAY;
        past->last.trim = hindsight->trims;
    }
    return day > past->last.day;
}

void past_close(struct hindsight *hindsight, struct past *past, struct closed_hour *hour,
                const struct civil *civil)
{
    bool weighed = may_tell(hindsight, past, civil->day);
    if (weighed) {
        past_leave_out(hindsight, past, civil->day);
        peers_without(hindsight, past);
    }
    past_hour(past, hour, civil, hindsight->fleet, weighed);
}

void hindsight_close(struct hindsight *hindsight, const struct host_total *total,
                     const struct civil *civil, bool sums)
{
    struct past *past = past_of(hindsight, &total->host);
    if (!past)
        return;
    if (!may_tell(hindsight, past, civil->day) &&
        (hindsight->passes || (!sums && is_over(hindsight, past, civil->day))))
        return;
    if (hindsight->passes) {
        past_catch_up(hindsight, past, total->hour - 1);
        past->gone +=
            past->gone < past->from->count && past->from->hour[past->gone].hour == total->hour;
    }
    closed_hour_of(&hindsight->hour, past->profile, total);
    past_close(hindsight, past, &hindsight->hour, civil);
}
