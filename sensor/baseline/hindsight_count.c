/* What a host's days taught, a day at a time: each joins, and can leave again. Only whole numbers
 * are kept, all in one week, so that what is left is to the last bit what the other days alone
 * would have made (tests/unit/baseline/test_hindsight.c). Engine thread. */
#include "hindsight_local.h"

#include <stdlib.h>

static void count(struct histogram *table, unsigned bin, int64_t week, int sign)
{
    if (sign > 0)
        histogram_add(table, bin, week, 1);
    else
        histogram_take(table, bin, week, 1);
}

static void add(uint32_t *counter, int sign)
{
    *counter += (uint32_t)sign;
}

static void place_pairs(struct hindsight *hindsight, const struct past *past)
{
    const struct past *before = hindsight->placed;
    for (uint32_t i = 0; before && i < before->profile->pair_count; i++)
        hindsight->place[before->kept[i]] = 0;
    for (uint32_t i = 0; i < past->profile->pair_count; i++)
        hindsight->place[past->kept[i]] = (uint8_t)(i + 1);
    hindsight->placed = past;
}

struct pair *past_pair(struct hindsight *hindsight, const struct past *past, uint32_t destination)
{
    if (hindsight->placed != past)
        place_pairs(hindsight, past);
    unsigned place = hindsight->place[destination];
    return place ? past->profile->pair[place - 1] : NULL;
}

/* --- time that was seen ----------------------------------------------------------------------- */

/* All hours of a day, active or not, from any hour of it. */
static void count_seen(const struct hindsight *hindsight, struct past *past, int64_t hour, int sign)
{
    struct profile *profile = past->profile;
    int64_t day = hindsight_civil(hindsight, hour)->day;
    while (hour > hindsight->first && hindsight_civil(hindsight, hour - 1)->day == day)
        hour--;
    bool off = hindsight_civil(hindsight, hour)->class >= HOUR_WORK_WEEKEND;
    for (; hour <= hindsight->last && hindsight_civil(hindsight, hour)->day == day; hour++)
        add(&profile->hours_seen[hindsight_civil(hindsight, hour)->class], sign);
    add(&profile->days_seen[off], sign);
    add(&profile->staged.learned, sign);
    count(&profile->new_network_days, 0, hindsight->week, sign);
}

void past_count_silence(const struct hindsight *hindsight, struct past *past)
{
    const struct ledger_host *from = past->from;
    size_t day = 0;
    for (int64_t hour = from->hour[0].hour; hour <= from->hour[from->count - 1].hour; hour++) {
        const struct civil *civil = hindsight_civil(hindsight, hour);
        while (past->day[day].day < civil->day)
            day++;
        if (past->day[day].day == civil->day ||
            hindsight_civil(hindsight, hour - 1)->day == civil->day)
            continue;
        count_seen(hindsight, past, hour, 1);
    }
}

/* --- a day ------------------------------------------------------------------------------------ */

static void count_hour(const struct hindsight *hindsight, struct profile *profile, int64_t hour,
                       const struct ledger_sheet *sheet, int sign)
{
    uint64_t out = sheet->out_bytes, in = sheet->in_bytes;
    if (out >= PROFILE_ACTIVE_BYTES) {
        add(&profile->hours_active[hindsight_civil(hindsight, hour)->class], sign);
        count(&profile->hour, histogram_bin(out), hindsight->week, sign);
    }
    if (bytes_add(out, in) >= RATIO_LEAST_BYTES)
        count(&profile->ratio.hours, ratio_bin(out, in), hindsight->week, sign);
}

static void count_pairs(struct hindsight *hindsight, struct past *past,
                        const struct ledger_sheet *sheet, uint64_t sum[PROFILE_PAIRS], int sign)
{
    for (size_t n = 0; n < sheet->pairs; n++) {
        struct pair *pair = past_pair(hindsight, past, sheet->pair[n].destination);
        if (!pair)
            continue;
        add(&pair->contacts, sign);
        count(&pair->hour, histogram_bin(sheet->pair[n].out_bytes), hindsight->week, sign);
        sum[pair->place] = bytes_add(sum[pair->place], sheet->pair[n].out_bytes);
    }
}

pair_set past_count_day(struct hindsight *hindsight, struct past *past, size_t index, int sign)
{
    const struct host_day *day = &past->day[index];
    struct profile *profile = past->profile;
    uint64_t sum[PROFILE_PAIRS] = {0}, out = 0, inside = 0;
    pair_set pairs = 0;
    for (size_t i = day->from; i < day->to; i++) {
        struct ledger_sheet sheet = ledger_sheet(hindsight->ledger, past->from, i);
        count_hour(hindsight, profile, past->from->hour[i].hour, &sheet, sign);
        count_pairs(hindsight, past, &sheet, sum, sign);
        out = bytes_add(out, sheet.out_bytes);
        inside = bytes_add(inside, sheet.inside_bytes);
    }
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        if (sum[i] == 0)
            continue;
        count(&profile->pair[i]->day, histogram_bin(sum[i]), hindsight->week, sign);
        pairs |= UINT64_C(1) << i;
    }
    if (out >= PROFILE_ACTIVE_BYTES) {
        add(&profile->days_active[day->off], sign);
        count(&profile->day, histogram_bin(out), hindsight->week, sign);
    }
    if (inside > 0)
        count(&profile->staged.day, histogram_bin(inside), hindsight->week, sign);
    count_seen(hindsight, past, past->from->hour[day->from].hour, sign);
    return pairs;
}

/* --- where sizes lie -------------------------------------------------------------------------- */

/* The middle of the bin that half of them do not exceed. */
static struct location median(const struct histogram *sizes, int64_t week)
{
    uint64_t samples = histogram_samples(sizes);
    if (samples == 0)
        return (struct location){.count = 0};
    double middle = (histogram_quantile(sizes, 0.5, week) + 0.5) / 4;
    return (struct location){(double)(float)middle,
                             samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX};
}

void past_locate(struct past *past, pair_set pairs, int64_t week)
{
    struct profile *profile = past->profile;
    profile->hour_location = median(&profile->hour, week);
    profile->day_location = median(&profile->day, week);
    profile->staged.location = median(&profile->staged.day, week);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        if (!(pairs >> i & 1))
            continue;
        pair->hour_location = median(&pair->hour, week);
        pair->day_location = median(&pair->day, week);
    }
}

/* --- turning ---------------------------------------------------------------------------------- */

static void count_networks(const struct hindsight *hindsight, struct past *past, int sign)
{
    struct profile *profile = past->profile;
    for (size_t i = past->window_from; i < past->window_to; i++) {
        const struct network_size *network = &past->network[i];
        count(network->of_hour ? &profile->new_network_hour : &profile->new_network, network->bin,
              hindsight->week, sign);
        if (!network->of_hour)
            add(&profile->new_networks, sign);
    }
}

void past_count_networks(const struct hindsight *hindsight, struct past *past)
{
    past->window_from = 0;
    past->window_to = past->networks;
    count_networks(hindsight, past, 1);
    past->window_to = 0;
}

/* Who a server met within a week before that day and on it. */
static void find_window(struct past *past, int64_t day)
{
    size_t i = 0;
    while (i < past->networks && past->network[i].first_day <= day - PAIR_YOUNG_HOURS / 24)
        i++;
    past->window_from = i;
    while (i < past->networks && past->network[i].first_day <= day)
        i++;
    past->window_to = i;
}

size_t past_day(const struct past *past, int64_t day)
{
    size_t low = 0;
    for (size_t high = past->days; low < high;) {
        size_t middle = (low + high) / 2;
        if (past->day[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < past->days && past->day[low].day == day ? low : past->days;
}

static pair_set count_day_of(struct hindsight *hindsight, struct past *past, int64_t day, int sign)
{
    size_t index = past_day(past, day);
    return index < past->days ? past_count_day(hindsight, past, index, sign) : 0;
}

void past_leave_out(struct hindsight *hindsight, struct past *past, int64_t day)
{
    pair_set changed = 0;
    if (past->left_out == day)
        return;
    if (past->left_out != NO_DAY) {
        changed |= count_day_of(hindsight, past, past->left_out, 1);
        count_networks(hindsight, past, 1);
    }
    past->left_out = day;
    size_memo_forget_own(hindsight->fleet->memo);
    if (day != NO_DAY) {
        find_window(past, day);
        changed |= count_day_of(hindsight, past, day, -1);
        count_networks(hindsight, past, -1);
    }
    past_locate(past, changed, hindsight->week);
}
