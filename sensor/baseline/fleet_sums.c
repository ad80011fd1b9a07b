/* What all hosts together sent in an hour, out of a zone and to a destination: what is usual of
 * sums, which cannot be had from what is usual of each (quantiles do not add up).
 *
 * An hour's sum is gathered while its hosts are closed, and learned by fleet_apply: by class of
 * hour, as it was learned of each host, so what the guard made smaller is smaller here, too. Of an
 * hour in which one of them sent something and learned nothing (it is frozen, a change window was
 * open) the sum would be too small: it is not learned at all. Nor is one in which nothing was sent.
 *
 * A sum's weight is its bytes, halved each 28 days. At the bound the lightest gives way to what
 * sent more in this one hour, the largest first. Thread: the engine's. */
#include "fleet_local.h"

#include "varint.h"

#include <math.h>
#include <stdlib.h>

#define WEIGHT_MOST 1e18

struct sum {
    struct histogram hour[HOUR_CLASSES];
    double weight; /* as of `week` */
    int64_t week;  /* it was last something */
};

struct open_sum {
    uint64_t bytes;
    bool part; /* not all of it is learned */
};

static void free_sum(void *value)
{
    struct sum *sum = value;
    for (size_t i = 0; i < HOUR_CLASSES; i++)
        histogram_fini(&sum->hour[i]);
    free(sum);
}

void sums_init(struct sums *sums, size_t limit)
{
    *sums = (struct sums){.limit = limit};
    map_init(&sums->known);
    map_init(&sums->open);
}

void sums_fini(struct sums *sums)
{
    map_fini(&sums->known, free_sum);
    map_fini(&sums->open, free);
}

static void forget_open(struct sums *sums)
{
    map_fini(&sums->open, free);
    map_init(&sums->open);
}

/* --- noting ----------------------------------------------------------------------------------- */

static void note(struct fleet *fleet, struct sums *sums, const char *key, const struct civil *civil,
                 uint64_t bytes, bool learned)
{
    size_t size = strlen(key);
    if (bytes == 0)
        return;
    if (sums->civil.hour != civil->hour) /* what is left of one that was never applied */
        forget_open(sums);
    sums->civil = *civil;
    struct open_sum *open = map_get(&sums->open, key, size);
    if (!open && sums->open.count >= FLEET_SUMS_OPEN) {
        fleet->sums_refused++;
        return;
    }
    if (!open) {
        open = xcalloc(1, sizeof *open);
        map_put(&sums->open, key, size, open);
    }
    open->bytes = bytes_add(open->bytes, bytes);
    open->part = open->part || !learned;
}

void fleet_note_zone(struct fleet *fleet, const char *zone, const struct civil *civil,
                     uint64_t bytes, bool learned)
{
    if (zone && *zone && strlen(zone) < FLEET_ZONE_SIZE)
        note(fleet, &fleet->zones, zone, civil, bytes, learned);
}

void fleet_note_place(struct fleet *fleet, const struct destination *destination,
                      const struct civil *civil, uint64_t bytes, bool learned)
{
    char key[DESTINATION_KEY_SIZE];
    note(fleet, &fleet->places, destination_key(destination, key), civil, bytes, learned);
}

/* --- applying --------------------------------------------------------------------------------- */

static double weight_at(const struct sum *sum, int64_t week)
{
    return sum->weight * histogram_weight(week - sum->week);
}

static void learn(struct sum *sum, uint64_t bytes, const struct civil *civil)
{
    int64_t week = histogram_week(civil->day);
    week = week < 0 ? 0 : week > UINT16_MAX ? UINT16_MAX : week;
    sum->weight = fmin(WEIGHT_MOST, weight_at(sum, week) + (double)bytes);
    sum->week = week > sum->week ? week : sum->week;
    histogram_add(&sum->hour[civil->class], histogram_bin(bytes), week, 1);
}

static uint64_t bytes_of(const struct map_entry *entry)
{
    return ((const struct open_sum *)entry->value)->bytes;
}

static int by_key(const struct map_entry *one, const struct map_entry *other)
{
    size_t least = one->key_size < other->key_size ? one->key_size : other->key_size;
    int order = memcmp(one->key, other->key, least);
    return order ? order : one->key_size < other->key_size ? -1 : one->key_size > other->key_size;
}

/* The most first. */
static int by_bytes(const void *a, const void *b)
{
    const struct map_entry *one = *(const struct map_entry *const *)a,
                           *other = *(const struct map_entry *const *)b;
    if (bytes_of(one) != bytes_of(other))
        return bytes_of(one) > bytes_of(other) ? -1 : 1;
    return by_key(one, other);
}

/* Of equals the last by key. */
static const struct map_entry *lightest(const struct sums *sums, int64_t week, double *weight)
{
    const struct map_entry *found = NULL;
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&sums->known, &position)) != NULL;) {
        double own = weight_at(e->value, week);
        if (found && (own > *weight || (own >= *weight && by_key(e, found) < 0)))
            continue;
        found = e;
        *weight = own;
    }
    return found;
}

static void forget(struct sums *sums, const struct map_entry *entry)
{
    free_sum(map_remove(&sums->known, entry->key, entry->key_size));
}

/* False: it is too little, and so are all behind it. */
static bool admit(struct fleet *fleet, struct sums *sums, const struct map_entry *newcomer)
{
    if (sums->known.count >= sums->limit) {
        double weight = 0;
        const struct map_entry *least = lightest(sums, histogram_week(sums->civil.day), &weight);
        if (weight >= (double)bytes_of(newcomer))
            return false;
        forget(sums, least);
        fleet->sums_given_way++;
    }
    struct sum *sum = xcalloc(1, sizeof *sum);
    map_put(&sums->known, newcomer->key, newcomer->key_size, sum);
    learn(sum, bytes_of(newcomer), &sums->civil);
    return true;
}

/* What is known learns first, so that no newcomer is held against what is yet to grow. */
static void apply(struct fleet *fleet, struct sums *sums)
{
    const struct map_entry **newcomer = xcalloc(sums->open.count + 1, sizeof *newcomer);
    size_t position = 0, count = 0;
    for (const struct map_entry *e; (e = map_next(&sums->open, &position)) != NULL;) {
        struct sum *sum = map_get(&sums->known, e->key, e->key_size);
        if (((const struct open_sum *)e->value)->part)
            continue;
        if (sum)
            learn(sum, bytes_of(e), &sums->civil);
        else
            newcomer[count++] = e;
    }
    qsort(newcomer, count, sizeof *newcomer, by_bytes);
    for (size_t i = 0; i < count && admit(fleet, sums, newcomer[i]); i++)
        ;
    free(newcomer);
    forget_open(sums);
}

static void forget_faded(struct sums *sums)
{
    int64_t week = histogram_week(sums->civil.day); /* of the latest hour with anything */
    const struct map_entry **entry = map_sorted(&sums->known);
    size_t count = sums->known.count, faded = 0;
    struct map_entry *old = xcalloc(count + 1, sizeof *old);
    for (size_t i = 0; i < count; i++)
        if (week - ((const struct sum *)entry[i]->value)->week > HISTOGRAM_WEEKS)
            old[faded++] = *entry[i]; /* slots move when one is removed, keys do not */
    for (size_t i = 0; i < faded; i++)
        forget(sums, &old[i]);
    free(old);
    free(entry);
}

void fleet_apply_sums(struct fleet *fleet)
{
    struct sums *all[] = {&fleet->zones, &fleet->places};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        forget_faded(all[i]);
        apply(fleet, all[i]);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct fleet_band band_of(const struct sums *sums, const char *key,
                                 const struct civil *civil)
{
    const struct sum *sum = map_get(&sums->known, key, strlen(key));
    struct fleet_band band = {.hours = 0};
    if (!sum)
        return band;
    const struct histogram *hour = &sum->hour[civil->class];
    int64_t week = histogram_week(civil->day);
    band.hours = histogram_samples(hour);
    if (band.hours < FLEET_BAND_HOURS || histogram_total(hour, week) <= 0)
        return band;
    band.known = true;
    band.expected[0] = histogram_floor((unsigned)histogram_quantile(hour, 0.05, week));
    band.expected[1] = histogram_floor((unsigned)histogram_quantile(hour, 0.95, week) + 1);
    return band;
}

struct fleet_band fleet_zone_band(const struct fleet *fleet, const char *zone,
                                  const struct civil *civil)
{
    return band_of(&fleet->zones, zone, civil);
}

struct fleet_band fleet_place_band(const struct fleet *fleet, const struct destination *destination,
                                   const struct civil *civil)
{
    char key[DESTINATION_KEY_SIZE];
    return band_of(&fleet->places, destination_key(destination, key), civil);
}

uint64_t fleet_sums_refused(const struct fleet *fleet)
{
    return fleet->sums_refused;
}

uint64_t fleet_sums_given_way(const struct fleet *fleet)
{
    return fleet->sums_given_way;
}

/* --- packing ---------------------------------------------------------------------------------- */

/* What is being closed is not packed, as no note is. */
void sums_pack(const struct sums *sums, struct buffer *out)
{
    const struct map_entry **entry = map_sorted(&sums->known);
    put_unsigned(out, sums->known.count);
    for (size_t i = 0; i < sums->known.count; i++) {
        const struct sum *sum = entry[i]->value;
        put_unsigned(out, entry[i]->key_size);
        buffer_put(out, entry[i]->key, entry[i]->key_size);
        put_unsigned(out, (uint64_t)sum->week);
        buffer_f64(out, sum->weight);
        for (size_t c = 0; c < HOUR_CLASSES; c++)
            histogram_pack(&sum->hour[c], out);
    }
    free(entry);
}

static bool take_sum(struct sum *sum, struct cursor *in)
{
    sum->week = (int64_t)take_at_most(in, UINT16_MAX);
    sum->weight = take_f64(in);
    for (size_t i = 0; i < HOUR_CLASSES; i++)
        if (in->failed || !histogram_unpack(&sum->hour[i], in))
            return false;
    return sum->weight <= WEIGHT_MOST;
}

bool sums_unpack(struct sums *sums, size_t key_most, bool (*is_key)(const char *key, size_t size),
                 struct cursor *in)
{
    const uint8_t *before = NULL;
    size_t before_size = 0;
    uint64_t count = take_at_most(in, sums->limit);
    for (uint64_t i = 0; i < count; i++) {
        size_t size = take_at_most(in, key_most);
        const uint8_t *key = cursor_take(in, size);
        if (!key || size == 0 || !is_key((const char *)key, size) ||
            (before && !key_rises(before, before_size, key, size)))
            return false;
        before = key;
        before_size = size;
        struct sum *sum = xcalloc(1, sizeof *sum);
        map_put(&sums->known, key, size, sum);
        if (!take_sum(sum, in))
            return false;
    }
    return !in->failed;
}
