/* What is normal for one host: learned only at hour close, from the fleet's sum of the hour.
 * Shapes and formulas: shared by docs/detection.md and baseline/survival.h. Engine thread.
 *
 * At most PROFILE_PAIRS destinations and PROFILE_PACKED_BYTES packed; at either bound the smallest
 * decayed weight goes (a newcomer that weighs less than all does not come in), counted.
 * Packed and versioned for Redis (profile_pack); a newer schema is refused, never guessed at. */
#ifndef WEIR_BASELINE_PROFILE_H
#define WEIR_BASELINE_PROFILE_H

#include "weir/base/calendar.h"
#include "weir/baseline/histogram.h"
#include "weir/baseline/totals.h"

#define PROFILE_SCHEMA       1
#define PROFILE_PAIRS        64
#define PROFILE_PACKED_BYTES 16384
#define PROFILE_WARMUP_DAYS  7  /* all is new to a new host; what it meets later is new to it */
#define PROFILE_NOVELTY_DAYS 14 /* from here on the first weeks of that end, and are counted */

#define PAIR_YOUNG_HOURS    168 /* its first week */
#define PAIR_KNOWN_CONTACTS 5
#define PAIR_KNOWN_HOURS    48
#define LOCATION_MIN        5 /* a location of fewer values is not compared with anybody's */

/* Running mean of log2(bytes + 1): where this host's sizes lie. Step 1/min(n, limit), clipped. */
struct location {
    double mean;
    uint32_t count;
};

struct pair {
    struct destination destination;
    int64_t first_hour, last_hour; /* site hours of first and last contact */
    int64_t first_day;
    uint32_t contacts; /* hours with out bytes */
    double weight;     /* out bytes, halved every 28 days, as of weight_day */
    int64_t weight_day;
    struct histogram hour, day;
    struct location hour_location, day_location;
    int64_t today;             /* the site day that today_bytes belongs to */
    uint64_t today_bytes;      /* closed hours of that day */
    uint64_t first_week_bytes; /* everything in the first 7 days */
    bool told;                 /* its first week was counted, or never is (met in the warm-up) */
    uint32_t packed_bytes;     /* its share of the blob; not itself packed */
};

struct profile {
    struct ip host;
    int64_t first_hour, last_closed_hour;
    int64_t first_day, counted_day; /* the first and the last day in days_seen */
    uint32_t hours_seen[HOUR_CLASSES], hours_active[HOUR_CLASSES];
    uint32_t days_seen[2], days_active[2]; /* working days, others (weekend, holidays) */
    struct histogram hour, day;
    struct location hour_location, day_location;
    int64_t today; /* the site day that today_bytes belongs to */
    uint64_t today_bytes;
    /* Novelty of a server's clients, by the server's own rate: bytes served to networks new to it
     * in their whole first week (told when it is over, so that nobody is their own precedent), the
     * days (bin 0) in which that was counted, and how many networks that were. */
    struct histogram new_network, new_network_days;
    uint32_t new_networks;
    uint32_t pairs_evicted;
    struct pair *pair[PROFILE_PAIRS]; /* unordered */
    uint32_t pair_count;
    /* Not packed: hours of the week caught up as silent and not yet told to the fleet. */
    uint16_t silent[168];
};

enum baseline_state { BASELINE_LEARNING, BASELINE_READY, BASELINE_FROZEN, BASELINE_STALE };
extern const char *const baseline_state_name[];

struct fleet;

struct profile *profile_new(const struct ip *host, int64_t first_hour);
void profile_free(struct profile *profile);
struct pair *profile_pair(const struct profile *profile, const struct destination *destination);
/* New to the host: never met (NULL), met first after the warm-up and in its first week, or older
 * than a week and met in fewer than 5 hours. What is older and not new is known (survival.h). */
bool profile_is_new(const struct profile *profile, const struct pair *pair, int64_t hour);
/* Learning until `learn_days` of hours have passed since first seen. */
enum baseline_state profile_state(const struct profile *profile, int64_t hour, int learn_days);
/* In memory, as the allocator counts, give or take a little. */
size_t profile_bytes(const struct profile *profile);
/* Hours observed so far, for "hours: 504". */
uint32_t profile_hours(const struct profile *profile);
/* Counts the hours up to and including `hour` as seen (inactive), without learning anything else.
 * Of a gap of more than 26 weeks only the last 26 are counted. */
void profile_catch_up(struct profile *profile, int64_t hour, struct calendar *calendar);
/* Learns a closed hour. `total` may be another sensor's sum too, NULL: nothing was sent. Hours at
 * or before last_closed_hour are ignored (a replayed close changes nothing). Fleet tables are fed
 * through `fleet` (may be NULL), which applies them after all hosts of the hour. A size that is
 * very unlikely (S(x) < 1e-4, without the share of active hours) is learned at the bin where S =
 * 1e-4: an attacker cannot teach at once. */
void profile_close_hour(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet);

void profile_pack(const struct profile *profile, struct buffer *out);
/* NULL and an error (what is wrong, never a guess) on a damaged blob or a newer schema. */
struct profile *profile_unpack(const void *data, size_t size, struct error *error);

#endif
