/* The fleet's tables as a blob: "WF", schema (16 bits), XXH3 of the rest (64 bits), the rest. Notes
 * that are not applied yet are not packed. Groups, destinations and guarded hosts are sorted by
 * key: the same tables give the same bytes. Reading checks every range.
 *
 * Schema 1 ends behind the destinations, and its tables are the whole fleet's: it is taken over
 * with no groups, no days of their own and nothing young but first weeks. Schema 2 measured no
 * evidence: that begins, and the budget as it is asked for. Schema 3 counted every host-day's
 * evidence where it was (that fades), had fewer kinds, knew of no destination since when, and
 * nothing of what comes from inside. Schema 6 had no sums of zones and destinations: they begin.
 * Thread: the engine's.
 */
#include "fleet_local.h"
#include "varint.h"
#include "weir/base/digest.h"

#include <math.h>
#include <stdlib.h>

#define SEED                UINT64_C(0x666c656574)
#define NEVER               INT64_C(-1)
#define DAY_LIMIT           (INT64_C(1) << 40)
#define RESIDUALS_SCHEMA_3  6 /* tables of a group, and */
#define HISTOGRAMS_SCHEMA_3 2

/* --- writing
 * ---------------------------------------------------------------------------------------- */

static void put_counts(struct buffer *out, const double *count, unsigned size)
{
    unsigned used = 0;
    for (unsigned i = 0; i < size; i++)
        used += isgreater(count[i], 0) || isless(count[i], 0);
    buffer_u8(out, (uint8_t)used);
    for (unsigned i = 0; i < size; i++)
        if (isgreater(count[i], 0) || isless(count[i], 0)) {
            buffer_u8(out, (uint8_t)i);
            buffer_f64(out, count[i]);
        }
}

static void put_destinations(struct buffer *out, const struct map *destinations)
{
    const struct map_entry **entry = map_sorted(destinations);
    put_unsigned(out, destinations->count);
    for (size_t i = 0; i < destinations->count; i++) {
        const struct used_by *used = entry[i]->value;
        put_unsigned(out, entry[i]->key_size);
        buffer_put(out, entry[i]->key, entry[i]->key_size);
        put_signed(out, used->last_day);
        hostset_pack(&used->hosts, destination_shape, out);
        sent_pack(used, out);
    }
    free(entry);
}

static void put_group(struct buffer *out, struct group *group)
{
    for (size_t i = 0; i < GROUP_RESIDUALS; i++)
        put_counts(out, group_residuals(group, i)->count, HISTOGRAM_BINS);
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        histogram_pack(group_histogram(group, i), out);
    put_counts(out, group->active, FLEET_HOUR_WEEKS);
    put_counts(out, group->seen, FLEET_HOUR_WEEKS);
}

/* A day: bins in use, then each as the difference to the one before and its count. */
static void put_days(struct buffer *out, const struct group *group)
{
    for (size_t i = 0; i < FLEET_DAYS; i++) {
        const struct day_sizes *sizes = &group->day[i];
        unsigned used = 0, last = 0;
        for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++)
            used += sizes->count[bin] > 0;
        put_signed(out, sizes->day);
        buffer_u8(out, (uint8_t)used);
        for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++)
            if (sizes->count[bin] > 0) {
                put_unsigned(out, bin - last);
                put_unsigned(out, sizes->count[bin]);
                last = bin;
            }
    }
}

static void put_contacts(struct buffer *out, const struct contacts *contacts)
{
    put_counts(out, contacts->all, DESTINATION_KINDS);
    for (int kind = 0; kind < DESTINATION_KINDS; kind++)
        put_counts(out, contacts->first[kind], PREVALENCE_BUCKETS);
}

static void put_calibrations(struct buffer *out, const struct calibrations *calibrations)
{
    for (size_t which = 0; which < CALIBRATIONS; which++)
        for (int off = 0; off < 2; off++)
            put_counts(out, calibrations->of[which][off].count, CALIBRATION_BINS);
}

static void put_budget(struct buffer *out, const struct budget *budget)
{
    buffer_f64(out, budget->trim);
    put_signed(out, budget->trim_day);
    buffer_f64(out, budget->expected);
    buffer_f64(out, budget->told);
}

static void put_groups(struct buffer *out, const struct map *groups)
{
    const struct map_entry **entry = map_sorted(groups);
    uint64_t known = 0;
    for (size_t i = 0; i < groups->count; i++)
        known += ((const struct peer_group *)entry[i]->value)->known;
    put_unsigned(out, known);
    for (size_t i = 0; i < groups->count; i++) {
        struct peer_group *group = entry[i]->value;
        if (!group->known)
            continue;
        buffer_u8(out, (uint8_t)entry[i]->key_size);
        buffer_put(out, entry[i]->key, entry[i]->key_size);
        put_group(out, &group->now);
        put_days(out, &group->now);
        put_contacts(out, &group->now.contacts);
        put_calibrations(out, &group->now.calibrations);
        hostset_pack(&group->hosts, destination_shape, out);
    }
    free(entry);
}

static void put_clips(struct buffer *out, const struct fleet *fleet)
{
    const struct map_entry **entry = map_sorted(&fleet->clips);
    put_signed(out, fleet->clips_day);
    put_unsigned(out, fleet->clips.count);
    for (size_t i = 0; i < fleet->clips.count; i++) {
        put_unsigned(out, entry[i]->key_size);
        buffer_put(out, entry[i]->key, entry[i]->key_size);
        hostset_pack(entry[i]->value, destination_shape, out);
    }
    free(entry);
}

void fleet_pack(const struct fleet *fleet, struct buffer *out)
{
    struct buffer body = {0};
    struct fleet view = *fleet; /* the tables by index, without writing to them */
    put_signed(&body, fleet->week == INT64_MIN ? NEVER : fleet->week);
    put_group(&body, &view.all.now);
    hostset_pack(&fleet->all.hosts, fleet_shape, &body);
    put_destinations(&body, &fleet->destinations);
    for (size_t i = 0; i < YOUNG_HISTOGRAMS; i++)
        histogram_pack(young_histogram(&view.young, i), &body);
    put_days(&body, &fleet->all.now);
    put_contacts(&body, &fleet->all.now.contacts);
    put_calibrations(&body, &fleet->all.now.calibrations);
    put_budget(&body, &fleet->budget);
    put_groups(&body, &fleet->groups);
    put_clips(&body, fleet);
    sums_pack(&fleet->zones, &body);
    sums_pack(&fleet->places, &body);
    buffer_put(out, "WF", 2);
    buffer_le16(out, FLEET_SCHEMA);
    buffer_le64(out, hash64(body.data, body.size, SEED));
    buffer_put(out, body.data, body.size);
    buffer_fini(&body);
}

/* --- reading
 * ---------------------------------------------------------------------------------------- */

static bool take_counts(struct cursor *in, double *count, unsigned size, bool may_be_owed)
{
    unsigned used = cursor_u8(in), least = 0;
    for (unsigned i = 0; i < used; i++) {
        unsigned index = cursor_u8(in);
        double value = may_be_owed ? take_either_f64(in) : take_f64(in);
        if (in->failed || index < least || index >= size || fpclassify(value) == FP_ZERO)
            return false;
        count[index] = value;
        least = index + 1;
    }
    return !in->failed;
}

static bool take_destination(struct cursor *in, struct fleet *fleet, unsigned schema, char before[],
                             size_t *before_size)
{
    struct destination destination;
    size_t size = take_at_most(in, DESTINATION_KEY_SIZE - 1);
    const uint8_t *key = cursor_take(in, size);
    if (!key || !destination_parse((const char *)key, size, &destination))
        return false;
    if (!key_rises((const uint8_t *)before, *before_size, key, size))
        return false;
    memcpy(before, key, size);
    *before_size = size;
    struct used_by *used = xcalloc(1, sizeof *used);
    map_put(&fleet->destinations, key, size, used);
    used->last_day = take_signed(in);
    if (used->last_day <= -DAY_LIMIT || used->last_day >= DAY_LIMIT)
        return false;
    used->first_day = used->last_day - FLEET_WAVE_DAYS;
    return hostset_unpack(&used->hosts, destination_shape, in) &&
           (schema < 4 || sent_unpack(used, in));
}

static bool take_destinations(struct cursor *in, struct fleet *fleet, unsigned schema)
{
    char before[DESTINATION_KEY_SIZE] = "";
    size_t before_size = 0;
    uint64_t count = take_at_most(in, FLEET_DESTINATIONS);
    for (uint64_t i = 0; i < count; i++)
        if (!take_destination(in, fleet, schema, before, &before_size))
            return false;
    return !in->failed;
}

/* `young`: of schema 1. */
static bool take_group(struct cursor *in, struct group *group, unsigned schema, struct young *young)
{
    size_t residuals = schema > 3 ? GROUP_RESIDUALS : RESIDUALS_SCHEMA_3;
    size_t histograms = schema > 3 ? GROUP_HISTOGRAMS : HISTOGRAMS_SCHEMA_3;
    bool good = true;
    for (size_t i = 0; good && i < residuals; i++)
        good = take_counts(in, group_residuals(group, i)->count, HISTOGRAM_BINS, false);
    for (size_t i = 0; good && i < histograms; i++)
        good = histogram_unpack(group_histogram(group, i), in);
    if (schema == 1) {
        good = good && histogram_unpack(&young->exposure, in);
        for (size_t i = 0; good && i < PREVALENCE_BUCKETS; i++)
            good = histogram_unpack(&young->first_week[i], in);
    }
    return good && take_counts(in, group->active, FLEET_HOUR_WEEKS, false) &&
           take_counts(in, group->seen, FLEET_HOUR_WEEKS, false);
}

static bool take_day(struct cursor *in, struct day_sizes *sizes, size_t slot)
{
    sizes->day = take_signed(in);
    unsigned used = cursor_u8(in), bin = 0;
    if (in->failed || sizes->day <= -DAY_LIMIT || sizes->day >= DAY_LIMIT ||
        (sizes->day != 0 && (uint64_t)sizes->day % FLEET_DAYS != slot))
        return false;
    for (unsigned i = 0; i < used; i++) {
        uint64_t step = take_at_most(in, HISTOGRAM_BINS - 1 - bin);
        uint64_t count = take_at_most(in, UINT32_MAX);
        if (in->failed || count == 0 || (i > 0 && step == 0))
            return false;
        bin += (unsigned)step;
        sizes->count[bin] = (uint32_t)count;
    }
    return true;
}

static bool take_days(struct cursor *in, struct group *group)
{
    for (size_t i = 0; i < FLEET_DAYS; i++)
        if (!take_day(in, &group->day[i], i))
            return false;
    return true;
}

static bool take_contacts(struct cursor *in, struct contacts *contacts)
{
    bool good = take_counts(in, contacts->all, DESTINATION_KINDS, false);
    for (int kind = 0; good && kind < DESTINATION_KINDS; kind++)
        good = take_counts(in, contacts->first[kind], PREVALENCE_BUCKETS, false);
    return good;
}

static bool take_calibrations(struct cursor *in, struct calibrations *calibrations, unsigned schema)
{
    unsigned all = calibrations_of_schema(schema);
    bool good = true;
    for (unsigned i = 0; good && i < 2 * all; i++) {
        unsigned which = calibration_of_schema(schema, i / 2);
        good = take_counts(in, calibrations->of[which][i % 2].count, CALIBRATION_BINS, true);
    }
    for (unsigned which = 0; which < CALIBRATIONS; which++)
        if (calibration_is_of_before(schema, which))
            memset(calibrations->of[which], 0, sizeof calibrations->of[which]);
    return good;
}

static bool take_budget(struct cursor *in, struct budget *budget, unsigned schema)
{
    if (schema < 3)
        return true;
    budget->trim = take_f64(in);
    budget->trim_day = take_signed(in);
    budget->expected = take_f64(in);
    budget->told = take_f64(in);
    return !in->failed && budget->trim >= BUDGET_TRIM_LEAST && budget->trim <= BUDGET_TRIM_MOST &&
           budget->trim_day > -DAY_LIMIT && budget->trim_day < DAY_LIMIT;
}

static bool take_groups(struct cursor *in, struct fleet *fleet, unsigned schema)
{
    char before[GROUP_NAME_SIZE] = "";
    uint64_t count = take_at_most(in, FLEET_GROUPS);
    for (uint64_t i = 0; i < count; i++) {
        char name[GROUP_NAME_SIZE] = "";
        size_t size = cursor_u8(in);
        const uint8_t *text = cursor_take(in, size);
        if (!text || size == 0 || size >= sizeof name || memchr(text, '\0', size))
            return false;
        memcpy(name, text, size);
        if (strcmp(before, name) >= 0)
            return false;
        memcpy(before, name, sizeof before);
        struct peer_group *group = peer_group_new();
        map_put(&fleet->groups, name, size, group);
        if (!take_group(in, &group->now, schema, NULL) || !take_days(in, &group->now) ||
            !take_contacts(in, &group->now.contacts) ||
            !take_calibrations(in, &group->now.calibrations, schema) ||
            !hostset_unpack(&group->hosts, destination_shape, in))
            return false;
    }
    return !in->failed;
}

static bool take_clips(struct cursor *in, struct fleet *fleet)
{
    uint8_t before[CLIP_KEY_SIZE] = {0};
    size_t before_size = 0;
    fleet->clips_day = take_signed(in);
    uint64_t count = take_at_most(in, FLEET_CLIPS);
    if (fleet->clips_day < 0 || fleet->clips_day >= DAY_LIMIT)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        size_t size = take_at_most(in, CLIP_KEY_SIZE - 1);
        const uint8_t *key = cursor_take(in, size);
        if (!key || size <= 8 || !key_rises(before, before_size, key, size))
            return false;
        memcpy(before, key, size);
        before_size = size;
        struct hostset *hosts = xcalloc(1, sizeof *hosts);
        map_put(&fleet->clips, key, size, hosts);
        if (!hostset_unpack(hosts, destination_shape, in))
            return false;
    }
    return !in->failed;
}

static bool is_zone(const char *key, size_t size)
{
    return !memchr(key, '\0', size);
}

static bool is_destination(const char *key, size_t size)
{
    struct destination destination;
    return destination_parse(key, size, &destination);
}

static bool take_sums(struct cursor *in, struct fleet *fleet, unsigned schema)
{
    return schema < 7 ||
           (sums_unpack(&fleet->zones, FLEET_ZONE_SIZE - 1, is_zone, in) &&
            sums_unpack(&fleet->places, DESTINATION_KEY_SIZE - 1, is_destination, in));
}

static bool take_body(struct cursor *in, struct fleet *fleet, unsigned schema)
{
    int64_t week = take_signed(in);
    if (week < NEVER || week > UINT16_MAX)
        return false;
    fleet->week = week == NEVER ? INT64_MIN : week;
    bool good = take_group(in, &fleet->all.now, schema, &fleet->young) &&
                hostset_unpack(&fleet->all.hosts, fleet_shape, in) &&
                take_destinations(in, fleet, schema);
    if (schema == 1)
        return good && cursor_left(in) == 0;
    for (size_t i = 0; good && i < YOUNG_HISTOGRAMS; i++)
        good = histogram_unpack(young_histogram(&fleet->young, i), in);
    return good && take_days(in, &fleet->all.now) && take_contacts(in, &fleet->all.now.contacts) &&
           take_calibrations(in, &fleet->all.now.calibrations, schema) &&
           take_budget(in, &fleet->budget, schema) && take_groups(in, fleet, schema) &&
           take_clips(in, fleet) && take_sums(in, fleet, schema) && cursor_left(in) == 0;
}

struct fleet *fleet_unpack(const void *data, size_t size, struct error *error)
{
    struct cursor in = cursor_make(data, size);
    const uint8_t *magic = cursor_take(&in, 2);
    unsigned schema = cursor_le16(&in);
    uint64_t hash = cursor_le64(&in);
    if (in.failed || memcmp(magic, "WF", 2) != 0) {
        error_set(error, ERROR_INPUT, "not the fleet's tables (%zu bytes)", size);
        return NULL;
    }
    if (schema < 1 || schema > FLEET_SCHEMA) {
        error_set(error, ERROR_INPUT, "fleet tables of schema %u, this sensor reads schema %d",
                  schema, FLEET_SCHEMA);
        return NULL;
    }
    if (hash64(in.at, cursor_left(&in), SEED) != hash) {
        error_set(error, ERROR_INPUT, "fleet tables are damaged (%zu bytes, checksum differs)",
                  size);
        return NULL;
    }
    struct fleet *fleet = fleet_new();
    if (!take_body(&in, fleet, schema)) {
        error_set(error, ERROR_INPUT, "fleet tables are not well-formed (%zu bytes)", size);
        fleet_free(fleet);
        return NULL;
    }
    fleet_share(fleet);
    return fleet;
}
