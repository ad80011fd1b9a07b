/* The fleet's tables as a blob: "WF", schema (16 bits), XXH3 of the rest (64 bits), the rest. Notes
 * that are not applied yet are not packed. Destinations are sorted by key: the same tables give the
 * same bytes. Reading checks every range. Thread: the engine's. */
#include "fleet_local.h"
#include "varint.h"
#include "weir/base/digest.h"

#include <stdlib.h>

#define SEED      UINT64_C(0x666c656574)
#define NEVER     INT64_C(-1)
#define DAY_LIMIT (INT64_C(1) << 40)

/* --- writing
 * ---------------------------------------------------------------------------------------- */

static void put_counts(struct buffer *out, const double *count, unsigned size)
{
    unsigned used = 0;
    for (unsigned i = 0; i < size; i++)
        used += count[i] > 0;
    buffer_u8(out, (uint8_t)used);
    for (unsigned i = 0; i < size; i++)
        if (count[i] > 0) {
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
    }
    free(entry);
}

void fleet_pack(const struct fleet *fleet, struct buffer *out)
{
    struct buffer body = {0};
    struct fleet view = *fleet; /* the tables by index, without writing to them */
    put_signed(&body, fleet->week == INT64_MIN ? NEVER : fleet->week);
    for (size_t i = 0; i < GROUP_RESIDUALS; i++)
        put_counts(&body, group_residuals(&view.group, i)->count, HISTOGRAM_BINS);
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        histogram_pack(group_histogram(&view.group, i), &body);
    put_counts(&body, fleet->group.active, FLEET_HOUR_WEEKS);
    put_counts(&body, fleet->group.seen, FLEET_HOUR_WEEKS);
    hostset_pack(&fleet->hosts, fleet_shape, &body);
    put_destinations(&body, &fleet->destinations);
    buffer_put(out, "WF", 2);
    buffer_le16(out, FLEET_SCHEMA);
    buffer_le64(out, hash64(body.data, body.size, SEED));
    buffer_put(out, body.data, body.size);
    buffer_fini(&body);
}

/* --- reading
 * ---------------------------------------------------------------------------------------- */

static bool take_counts(struct cursor *in, double *count, unsigned size)
{
    unsigned used = cursor_u8(in), least = 0;
    for (unsigned i = 0; i < used; i++) {
        unsigned index = cursor_u8(in);
        double value = take_f64(in);
        if (in->failed || index < least || index >= size || value <= 0)
            return false;
        count[index] = value;
        least = index + 1;
    }
    return !in->failed;
}

static bool take_destination(struct cursor *in, struct fleet *fleet, char before[],
                             size_t *before_size)
{
    struct destination destination;
    size_t size = take_at_most(in, DESTINATION_KEY_SIZE - 1);
    const uint8_t *key = cursor_take(in, size);
    if (!key || !destination_parse((const char *)key, size, &destination))
        return false;
    size_t shorter = size < *before_size ? size : *before_size;
    int order = memcmp(before, key, shorter);
    if (order > 0 || (order == 0 && *before_size >= size))
        return false;
    memcpy(before, key, size);
    *before_size = size;
    struct used_by *used = xcalloc(1, sizeof *used);
    map_put(&fleet->destinations, key, size, used);
    used->last_day = take_signed(in);
    if (used->last_day <= -DAY_LIMIT || used->last_day >= DAY_LIMIT)
        return false;
    return hostset_unpack(&used->hosts, destination_shape, in);
}

static bool take_destinations(struct cursor *in, struct fleet *fleet)
{
    char before[DESTINATION_KEY_SIZE] = "";
    size_t before_size = 0;
    uint64_t count = take_at_most(in, FLEET_DESTINATIONS);
    for (uint64_t i = 0; i < count; i++)
        if (!take_destination(in, fleet, before, &before_size))
            return false;
    return !in->failed;
}

static bool take_body(struct cursor *in, struct fleet *fleet)
{
    bool good = true;
    int64_t week = take_signed(in);
    if (week < NEVER || week > UINT16_MAX)
        return false;
    fleet->week = week == NEVER ? INT64_MIN : week;
    for (size_t i = 0; good && i < GROUP_RESIDUALS; i++)
        good = take_counts(in, group_residuals(&fleet->group, i)->count, HISTOGRAM_BINS);
    for (size_t i = 0; good && i < GROUP_HISTOGRAMS; i++)
        good = histogram_unpack(group_histogram(&fleet->group, i), in);
    good = good && take_counts(in, fleet->group.active, FLEET_HOUR_WEEKS) &&
           take_counts(in, fleet->group.seen, FLEET_HOUR_WEEKS) &&
           hostset_unpack(&fleet->hosts, fleet_shape, in) && take_destinations(in, fleet);
    return good && cursor_left(in) == 0;
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
    if (schema != FLEET_SCHEMA) {
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
    if (!take_body(&in, fleet)) {
        error_set(error, ERROR_INPUT, "fleet tables are not well-formed (%zu bytes)", size);
        fleet_free(fleet);
        return NULL;
    }
    fleet_sum(&fleet->group);
    fleet_share(fleet);
    return fleet;
}
