/* What is normal for one host: learned only at hour close, from the fleet's sum of the hour.
 * Shapes and formulas: shared by docs/detection.md and baseline/survival.h. Engine thread.
 *
 * At most PROFILE_PAIRS destinations and PROFILE_PACKED_BYTES packed; at either bound the smallest
 * decayed weight goes (a newcomer that weighs less than all does not come in), counted.
 * Packed and versioned for Redis (profile_pack); a newer schema is refused, never guessed at. */
#ifndef WEIR_BASELINE_PROFILE_H
#define WEIR_BASELINE_PROFILE_H

#include "weir/base/calendar.h"
#include "weir/baseline/calibration.h"
#include "weir/baseline/cusum.h"
#include "weir/baseline/histogram.h"
#include "weir/baseline/lately.h"
#include "weir/baseline/location.h"
#include "weir/baseline/networks.h"
#include "weir/baseline/novelty.h"
#include "weir/baseline/ratio.h"
#include "weir/baseline/rhythm.h"
#include "weir/baseline/staged.h"
#include "weir/baseline/totals.h"

#define PROFILE_SCHEMA 8 /* 1 to 7 are read too: what they do not know begins empty */
/* An hour or day below this is no activity: machines that are left on call home all night, and
 * would hide who comes at 3 a.m. */
#define PROFILE_ACTIVE_BYTES UINT64_C(65536)
#define PROFILE_PAIRS        64
#define PROFILE_PACKED_BYTES 16384
#define PROFILE_WARMUP_DAYS  7  /* all is new to a new host; what it meets later is new to it */
#define PROFILE_NOVELTY_DAYS 14 /* from here on the first weeks of that end, and are counted */
#define PROFILE_YOUNG_DAYS   28 /* and from here on the third weeks */
#define PROFILE_NEW_TOLD     4  /* of a kind of new destination the fleet is told of, see below */
#define PROFILE_NEW_BYTES    UINT64_C(65536)
#define PROFILE_CLIPS        8
#define PAIR_CLIPS           4
#define GROUP_NAME_SIZE      32

#define PAIR_YOUNG_HOURS    168 /* its first week */
#define PAIR_SPANS          3   /* spans of that length in which its seven-day totals are young */
#define PAIR_KNOWN_CONTACTS 5
#define PAIR_KNOWN_HOURS    48

/* Sizes that the guard against poisoning made smaller, to be put right when somebody says that they
 * were meant: an operator, or after a week enough of the peers (profile_lift). At the bound the
 * oldest goes; what it was stays as it was learned. */
struct clip {
    int64_t day;
    uint8_t bin, learned; /* as sent, as learned */
    bool of_day;          /* a day's total, else an hour's */
    bool asked;           /* the peers were asked, and did not move */
    uint16_t count;
};

struct clips {
    struct clip *clip; /* NULL: none */
    uint8_t count;
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
    uint64_t today_surplus;    /* what more went there than came back in them, hour by hour */
    uint64_t first_week_bytes; /* everything in the first 7 days */
    bool told;                 /* its first week was counted, or never is (met in the warm-up) */
    uint8_t spans_told;        /* likewise its three spans of seven days; PAIR_SPANS: all */
    uint64_t span_bytes;       /* of the span under way */
    struct clips clips;
    struct cusum cusum;    /* of days of CUSUM_PAIR_BYTES and more */
    struct cusum surplus;  /* of those days' surplus (pair_surplus_value); of no client network */
    struct rhythm rhythm;  /* in a frozen profile, too: it is of today */
    uint32_t packed_bytes; /* its share of the blob that was packed last; not itself packed */
    /* In hindsight (hindsight.h), not packed: its sizes are of later days too; its place in `pair`.
     */
    bool whole;
    bool
        settled; /* a client network that was there from the beginning, and stayed: it is not new */
    uint32_t place;
    uint8_t bucket; /* 1 + who else uses its destination (enum prevalence_bucket); 0: ask */
    uint32_t name;  /* evidence_name of its destination; 0: it stands in for one */
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
    /* Likewise, of single hours in the first week, and of spans of seven days in the first three
     * weeks. new_network_days has the days from the 28th on in bin 1: those are their exposure. */
    struct histogram new_network_hour, new_network_span;
    uint32_t new_networks;
    struct networks networks; /* that it has met, with a pair or without (networks.h) */
    uint32_t pairs_evicted;
    uint32_t weeks_thinned;      /* of histograms, when even without pairs there was no room */
    char group[GROUP_NAME_SIZE]; /* its peers (group.h); "": none yet */
    bool withheld;    /* the hour being closed is not to be learned, as if frozen; not packed */
    const char *zone; /* … and where the host is in it; NULL: there are no zones; borrowed */
    bool frozen;      /* by an operator: nothing is learned, only today's running sums go on */
    bool frozen_sums; /* some of today's were frozen: they are not learned after a thaw either */
    /* New destinations of PROFILE_NEW_BYTES and more that the fleet was told of: PROFILE_NEW_TOLD
     * first weeks and spans a day, hours an hour (those are not packed), or one host that meets
     * thousands would make them ordinary for all. */
    uint8_t new_told[3];
    struct clips clips;
    struct cusum cusum; /* of days, less the group's trend */
    struct ratio ratio;
    struct novelty novelty;                     /* of client pairs */
    uint32_t rhythms_dropped;                   /* of today, for want of room */
    struct day_evidence evidence;               /* of today's closed hours (evidence.h) */
    bool day_off;                               /* today is no working day */
    struct told_lately told[EVIDENCE_SIDES];    /* of its days, when they were over */
    struct counted_at counted_at[CALIBRATIONS]; /* its days of evidence, in the fleet's tables */
    struct staged staged;                       /* in a frozen profile, too: its days are judged */
    struct pair *pair[PROFILE_PAIRS];           /* unordered */
    uint32_t pair_name[PROFILE_PAIRS];          /* … evidence_name of each: to look it up by */
    uint32_t pair_count;
    uint32_t packed_bytes; /* of all but the pairs, while the bound is held; not itself packed */
    /* Not packed: hours of the week caught up as silent and not yet told to the fleet. */
    uint16_t silent[168];
    /* In hindsight, not packed: that it is; what its days are measured by (NULL: by its fleet). */
    bool whole;
    const struct measures *measures;
};

/* What more left in an hour than came back. */
uint64_t pair_surplus(uint64_t out_bytes, uint64_t in_bytes);
/* A day's, as its CUSUM takes it: log2, of CUSUM_PAIR_BYTES at least, so that days on which all was
 * answered are days on which little was not. */
double pair_surplus_value(uint64_t bytes);

enum baseline_state { BASELINE_LEARNING, BASELINE_READY, BASELINE_FROZEN, BASELINE_STALE };
extern const char *const baseline_state_name[];

struct fleet;

struct profile *profile_new(const struct ip *host, int64_t first_hour);
void profile_free(struct profile *profile);
struct pair *profile_pair(const struct profile *profile, const struct destination *destination);
/* What is remembered of a client network that has no pair, as a pair: since when and how often it
 * was met, and where its hours lie; no histograms, nothing of today. False: it was never met. */
bool profile_stand_in(const struct profile *profile, const struct destination *destination,
                      const struct civil *civil, struct pair *pair);
/* New to the host: never met (NULL), met first after the warm-up and in its first week, or older
 * than a week and met in fewer than 5 hours. What is older and not new is known (survival.h). */
bool profile_is_new(const struct profile *profile, const struct pair *pair, int64_t hour);
/* Frozen, or learning until `learn_days` of hours have passed since first seen. */
enum baseline_state profile_state(const struct profile *profile, int64_t hour, int learn_days);
/* In memory, as the allocator counts, give or take a little. */
size_t profile_bytes(const struct profile *profile);
/* Hours observed so far, for "hours: 504". */
uint32_t profile_hours(const struct profile *profile);
/* Counts the hours up to and including `hour` as seen (inactive), without learning anything else;
 * not those of which `withheld` (NULL: none) says that they are not to be learned. Of a gap of more
 * than 26 weeks only the last 26 are counted. */
void profile_catch_up(struct profile *profile, int64_t hour, struct calendar *calendar,
                      bool (*withheld)(void *context, const struct civil *civil), void *context);
/* Learns a closed hour. `total` may be another sensor's sum too, NULL: nothing was sent. Hours at
 * or before last_closed_hour are ignored (a replayed close changes nothing). Fleet tables are fed
 * through `fleet` (may be NULL), which applies them after all hosts of the hour. A size that is
 * very unlikely (S(x) < 1e-4, without the share of active hours) is learned at the bin where S =
 * 1e-4: an attacker cannot teach at once. A frozen profile learns nothing and tells nothing. */
void profile_close_hour(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet);
/* Likewise, and leaves behind what `blob` holds what profile_pack would: how large it is is known
 * from packing it. */
void profile_close_packed(struct profile *profile, const struct host_total *total,
                          const struct civil *civil, struct fleet *fleet, struct buffer *blob);

/* An operator says that it was meant: what the guard made smaller is learned as it was sent, of the
 * pair, or of the host and all its pairs (`destination` NULL). How many sizes that were. Locations
 * are not revisited, and what the fleet was told stays as it was told. */
uint32_t profile_lift(struct profile *profile, const struct destination *destination);
/* The peers as configured (a role, a zone; at most GROUP_NAME_SIZE − 2 bytes count), instead of
 * those that are like it; NULL: those again, from the next day on. */
void profile_set_group(struct profile *profile, const char *name);

void profile_pack(const struct profile *profile, struct buffer *out);
/* NULL and an error (what is wrong, never a guess) on a damaged blob or a newer schema. Schemas 1
 * to 5 are taken over. */
struct profile *profile_unpack(const void *data, size_t size, struct error *error);
/* The same, where a host's own is expected: another's is an error. */
struct profile *profile_unpack_of(const struct ip *host, const void *data, size_t size,
                                  struct error *error);

#endif
