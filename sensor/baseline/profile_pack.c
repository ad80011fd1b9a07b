/* A profile as a blob: "WP", schema (16 bits), XXH3 of the rest (64 bits), the rest. Numbers are
 * varints, times differences to the last closed hour and its day, pairs sorted by key: the same
 * profile gives the same bytes, about 150 a pair. Reading checks every range, since what comes from
 * a store may be anybody's. Thread: any (pure). */
#include "profile_local.h"
#include "varint.h"
#include "weir/base/digest.h"

#include <stdlib.h>

#define HEADER_BYTES 12
#define SEED         UINT64_C(0x70726f66696c65)
#define TOLD         0x80
#define TIME_LIMIT                                                                                 \
    (INT64_C(1) << 40) /* hours or days either side of 1970: differences cannot overflow */

/* --- writing
 * ---------------------------------------------------------------------------------------- */

static void put_location(struct buffer *out, const struct location *location)
{
    put_unsigned(out, location->count);
    if (location->count)
        put_f32(out, location->mean);
}

static void put_pair(struct buffer *out, const struct pair *pair, int64_t hour, int64_t day)
{
    size_t name_size = strlen(pair->destination.name);
    buffer_u8(out, (uint8_t)((pair->told ? TOLD : 0) | pair->destination.role << 4 |
                             pair->destination.kind));
    buffer_u8(out, (uint8_t)name_size);
    buffer_put(out, pair->destination.name, name_size);
    put_signed(out, hour - pair->first_hour);
    put_signed(out, hour - pair->last_hour);
    put_signed(out, day - pair->first_day);
    put_unsigned(out, pair->contacts);
    put_f32(out, pair->weight);
    put_signed(out, day - pair->weight_day);
    put_signed(out, day - pair->today);
    put_unsigned(out, pair->today_bytes);
    put_unsigned(out, pair->first_week_bytes);
    put_location(out, &pair->hour_location);
    put_location(out, &pair->day_location);
    histogram_pack(&pair->hour, out);
    histogram_pack(&pair->day, out);
}

uint32_t pair_packed_bytes(const struct pair *pair)
{
    struct buffer out = {0};
    put_pair(&out, pair, pair->last_hour, pair->today);
    uint32_t size = (uint32_t)out.size;
    buffer_fini(&out);
    return size;
}

static int by_destination(const void *a, const void *b)
{
    const struct pair *x = *(struct pair *const *)a, *y = *(struct pair *const *)b;
    if (x->destination.role != y->destination.role)
        return x->destination.role < y->destination.role ? -1 : 1;
    if (x->destination.kind != y->destination.kind)
        return x->destination.kind < y->destination.kind ? -1 : 1;
    return strcmp(x->destination.name, y->destination.name);
}

static void put_body(struct buffer *out, const struct profile *profile)
{
    struct pair *sorted[PROFILE_PAIRS];
    int64_t hour = profile->last_closed_hour, day = profile->today;
    buffer_put(out, profile->host.byte, sizeof profile->host.byte);
    put_signed(out, hour);
    put_signed(out, hour - profile->first_hour);
    put_signed(out, day);
    put_signed(out, profile->first_day);
    put_signed(out, profile->counted_day);
    for (int i = 0; i < HOUR_CLASSES; i++) {
        put_unsigned(out, profile->hours_seen[i]);
        put_unsigned(out, profile->hours_active[i]);
    }
    for (int other = 0; other < 2; other++) {
        put_unsigned(out, profile->days_seen[other]);
        put_unsigned(out, profile->days_active[other]);
    }
    put_unsigned(out, profile->today_bytes);
    put_unsigned(out, profile->new_networks);
    put_unsigned(out, profile->pairs_evicted);
    put_location(out, &profile->hour_location);
    put_location(out, &profile->day_location);
    histogram_pack(&profile->hour, out);
    histogram_pack(&profile->day, out);
    histogram_pack(&profile->new_network, out);
    histogram_pack(&profile->new_network_days, out);
    put_unsigned(out, profile->pair_count);
    memcpy(sorted, profile->pair, sizeof sorted);
    qsort(sorted, profile->pair_count, sizeof *sorted, by_destination);
    for (uint32_t i = 0; i < profile->pair_count; i++)
        put_pair(out, sorted[i], hour, day);
}

void profile_pack(const struct profile *profile, struct buffer *out)
{
    struct buffer body = {0};
    put_body(&body, profile);
    buffer_put(out, "WP", 2);
    buffer_le16(out, PROFILE_SCHEMA);
    buffer_le64(out, hash64(body.data, body.size, SEED));
    buffer_put(out, body.data, body.size);
    buffer_fini(&body);
}

/* --- reading
 * ---------------------------------------------------------------------------------------- */

static int64_t take_time(struct cursor *in)
{
    int64_t value = take_signed(in);
    if (value > -TIME_LIMIT && value < TIME_LIMIT)
        return value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

/* A time given as a difference. */
static int64_t take_since(struct cursor *in, int64_t from)
{
    return from - take_time(in);
}

static uint32_t take_u32(struct cursor *in)
{
    return (uint32_t)take_at_most(in, UINT32_MAX);
}

static struct location take_location(struct cursor *in)
{
    struct location location = {0, take_u32(in)};
    if (location.count)
        location.mean = take_f32(in);
    if (location.mean > 64) /* log2 of a count of bytes */
        in->failed = true;
    return location;
}

static bool take_destination(struct cursor *in, struct pair *pair)
{
    struct destination *destination = &pair->destination;
    uint8_t kinds = cursor_u8(in), size = cursor_u8(in);
    const uint8_t *name = cursor_take(in, size);
    pair->told = kinds & TOLD;
    kinds &= (uint8_t)~TOLD;
    if (!name || size == 0 || memchr(name, '\0', size) || kinds >> 4 >= ROLES ||
        (kinds & 15) >= DESTINATION_KINDS)
        return false;
    destination->role = (enum pair_role)(kinds >> 4);
    destination->kind = (enum destination_kind)(kinds & 15);
    memcpy(destination->name, name, size);
    return true;
}

static bool take_pair(struct cursor *in, struct pair *pair, int64_t hour, int64_t day)
{
    size_t before = cursor_left(in);
    if (!take_destination(in, pair))
        return false;
    pair->first_hour = take_since(in, hour);
    pair->last_hour = take_since(in, hour);
    pair->first_day = take_since(in, day);
    pair->contacts = take_u32(in);
    pair->weight = take_f32(in);
    pair->weight_day = take_since(in, day);
    pair->today = take_since(in, day);
    pair->today_bytes = take_unsigned(in);
    pair->first_week_bytes = take_unsigned(in);
    pair->hour_location = take_location(in);
    pair->day_location = take_location(in);
    if (in->failed || !histogram_unpack(&pair->hour, in) || !histogram_unpack(&pair->day, in))
        return false;
    pair->packed_bytes = (uint32_t)(before - cursor_left(in));
    return true;
}

static bool take_pairs(struct cursor *in, struct profile *profile)
{
    uint32_t count = (uint32_t)take_at_most(in, PROFILE_PAIRS);
    for (uint32_t i = 0; i < count; i++) {
        struct pair *pair = xcalloc(1, sizeof *pair);
        profile->pair[profile->pair_count++] = pair;
        if (!take_pair(in, pair, profile->last_closed_hour, profile->today))
            return false;
        if (i > 0 && by_destination(&profile->pair[i - 1], &profile->pair[i]) >= 0)
            return false;
    }
    return true;
}

static bool take_body(struct cursor *in, struct profile *profile)
{
    const uint8_t *host = cursor_take(in, sizeof profile->host.byte);
    if (!host)
        return false;
    memcpy(profile->host.byte, host, sizeof profile->host.byte);
    profile->last_closed_hour = take_time(in);
    profile->first_hour = take_since(in, profile->last_closed_hour);
    profile->today = take_time(in);
    profile->first_day = take_time(in);
    profile->counted_day = take_time(in);
    for (int i = 0; i < HOUR_CLASSES; i++) {
        profile->hours_seen[i] = take_u32(in);
        profile->hours_active[i] = take_u32(in);
    }
    for (int other = 0; other < 2; other++) {
        profile->days_seen[other] = take_u32(in);
        profile->days_active[other] = take_u32(in);
    }
    profile->today_bytes = take_unsigned(in);
    profile->new_networks = take_u32(in);
    profile->pairs_evicted = take_u32(in);
    profile->hour_location = take_location(in);
    profile->day_location = take_location(in);
    return !in->failed && histogram_unpack(&profile->hour, in) &&
           histogram_unpack(&profile->day, in) && histogram_unpack(&profile->new_network, in) &&
           histogram_unpack(&profile->new_network_days, in) && take_pairs(in, profile) &&
           !in->failed && cursor_left(in) == 0;
}

struct profile *profile_unpack(const void *data, size_t size, struct error *error)
{
    struct cursor in = cursor_make(data, size);
    const uint8_t *magic = cursor_take(&in, 2);
    unsigned schema = cursor_le16(&in);
    uint64_t hash = cursor_le64(&in);
    if (in.failed || memcmp(magic, "WP", 2) != 0) {
        error_set(error, ERROR_INPUT, "not a host profile (%zu bytes)", size);
        return NULL;
    }
    if (schema != PROFILE_SCHEMA) {
        error_set(error, ERROR_INPUT, "host profile of schema %u, this sensor reads schema %d",
                  schema, PROFILE_SCHEMA);
        return NULL;
    }
    if (hash64(in.at, cursor_left(&in), SEED) != hash) {
        error_set(error, ERROR_INPUT, "host profile is damaged (%zu bytes, checksum differs)",
                  size);
        return NULL;
    }
    struct profile *profile = xcalloc(1, sizeof *profile);
    if (!take_body(&in, profile)) {
        error_set(error, ERROR_INPUT, "host profile is not well-formed (%zu bytes)", size);
        profile_free(profile);
        return NULL;
    }
    return profile;
}
