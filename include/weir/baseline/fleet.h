/* What is normal for everyone: tables shared by all hosts, read as of the previous hour and changed
 * only by fleet_apply after all hosts of an hour are closed. Engine thread.
 *
 * Sizes and activity are kept once for the whole fleet and once for each peer group (group.h); a
 * group counts in what is said of peers by how many others are in it and by what they did
 * (survival.h), so that a lone server is not its own judge. New destinations and prevalence are the
 * fleet's.
 *
 * Bounds: FLEET_GROUPS groups (hosts of one more are judged by the fleet; counted);
 * FLEET_DESTINATIONS destinations for prevalence (when they are full the longest unseen sixteenth
 * goes, counted); FLEET_CLIPS sets of hosts whose sizes were guarded (further ones are not noted,
 * counted: then nothing is lifted); the sums of FLEET_ZONES zones and FLEET_PLACES destinations
 * (fleet_sums.c: what sent least gives way, counted) and, of the hour being closed, of
 * FLEET_SUMS_OPEN (further ones are not learned of that hour, counted). */
#ifndef WEIR_BASELINE_FLEET_H
#define WEIR_BASELINE_FLEET_H

#include "weir/base/calendar.h"
#include "weir/baseline/profile.h"

#define FLEET_SCHEMA       8 /* 1 to 7 are read too (there was no 5); of 1 the one group is the fleet */
#define FLEET_GROUPS       64
#define FLEET_DESTINATIONS 200000
#define FLEET_CLIPS        4096
#define FLEET_ZONES        128 /* twice as many as one configuration has */
#define FLEET_ZONE_SIZE    33  /* of a name, with its end */
#define FLEET_PLACES       1024
#define FLEET_SUMS_OPEN    65536
#define FLEET_BAND_HOURS   20 /* of fewer neither 5 % nor 95 % is said */
#define FLEET_EXACT_HOSTS                                                                          \
    32 /* a destination's hosts are an exact set up to here, then HyperLogLog */
#define FLEET_SHARED_DAYS  7               /* a destination is new to the fleet so long */
#define FLEET_SHARED_HOSTS 5               /* and rare when no more hosts use it, nor more than */
#define FLEET_SHARED_SHARE 0.02            /* of them (but always two) */
#define FLEET_SHARED_BYTES UINT64_C(65536) /* that each sent at least */
#define FLEET_HOUR_WEEKS   168
#define FLEET_DAYS         8 /* of which the sizes of the hosts' days are known one by one */
#define FLEET_MEDIAN_HOSTS 5 /* no median of fewer */
#define FLEET_MOVED_DAYS   6 /* peers move together when that many days or fewer apart */
#define FLEET_MOVED_HOSTS  3
#define FLEET_MOVED_SHARE  0.05

struct tail {      /* of a table (tail.h) */
    double total;  /* N; 0: nothing is known, S is 0 */
    unsigned from; /* t */
    double above;  /* A */
    double sigma;  /* bins */
};

/* Residuals: log2 bytes minus the host's location, in quarter octaves around bin RESIDUAL_ZERO.
 * Counts are halved every 28 days, in steps of a week. */
#define RESIDUAL_ZERO 88
struct residuals {
    double count[HISTOGRAM_BINS];
    double total;
    unsigned first;   /* bins below it are empty, so that nobody goes through them */
    unsigned spare;   /* tables are compared as bytes */
    struct tail tail; /* of a group's: fitted when it was summed */
};
unsigned residual_bin(uint64_t bytes, double location);

enum prevalence_bucket { /* how many hosts use a destination */
                         PREVALENCE_ONE,
                         PREVALENCE_FEW, /* 2–3 */
                         PREVALENCE_2_PERCENT,
                         PREVALENCE_20_PERCENT,
                         PREVALENCE_REST,
                         PREVALENCE_BUCKETS
};

/* The totals of one day so far, a host each: how many hosts in which bin. */
struct day_sizes {
    int64_t day;
    uint32_t count[HISTOGRAM_BINS];
};

/* Contacts (a host, a client destination, an hour) and those of them with something new to the
 * host, by how many hosts used it then with this one. Halved every 28 days, as residuals are. */
struct contacts {
    double all[DESTINATION_KINDS];
    double first[DESTINATION_KINDS][PREVALENCE_BUCKETS];
};

/* A histogram's counts, weighted as of a week, with their tail: asked far more often than it
 * changes. */
struct sizes {
    int64_t week;
    struct residuals counts;
};

struct group {
    struct residuals host_hour, host_day, pair_hour, pair_day, served_hour, served_day,
        inside_day;                                   /* what came from inside (staged.h) */
    struct histogram absolute_hour, absolute_day;     /* of hosts: transfer sizes are absolute */
    struct histogram absolute_inside;                 /* of a day */
    struct sizes sizes_hour, sizes_day, sizes_inside; /* the three, as they are asked for */
    double active[FLEET_HOUR_WEEKS], seen[FLEET_HOUR_WEEKS]; /* host-hours by hour of week */
    struct day_sizes day[FLEET_DAYS];                        /* by day modulo FLEET_DAYS */
    struct contacts contacts;
    struct calibrations calibrations; /* of host-days' evidence */
};

/* The operator's budget, and what was made of it: each day it is trimmed by what was told the day
 * before, so that as much is told as was asked for. */
struct budget {
    double host_day;  /* asked for: alerts a host and day; or, when it is not 0, */
    double day;       /* alerts a day in all */
    double trim;      /* in [BUDGET_TRIM_LEAST, BUDGET_TRIM_MOST]; ± 20 % a day at most */
    int64_t trim_day; /* whose host-days are under way: */
    double expected, told;
};
#define BUDGET_TRIM_LEAST 0.1
#define BUDGET_TRIM_MOST  4.0

/* Bytes of destinations new to a host, by prevalence when they were counted, and the exposure: how
 * much there was in which they could have been counted. */
struct young {
    struct histogram first_week[PREVALENCE_BUCKETS]; /* whole, when it is over */
    struct histogram hour[PREVALENCE_BUCKETS];       /* each of the first week */
    struct histogram span[PREVALENCE_BUCKETS];       /* seven days each, of the first 21 */
    /* Host-days with any byte by week: bin 0 from the 14th day on, bin 1 from the 28th: spans are
     * counted from then on. */
    struct histogram exposure;
    struct histogram exposure_hours; /* active host-hours from the 14th day on, in bin 0 */
};

/* Who a host is compared with. */
struct peers {
    const struct group *group; /* NULL: nobody else is like it */
    const struct group *all;   /* NULL: there is no fleet */
    /* What the group counts in all that is said of peers: others/(others + 4), before it is asked
     * how much they did (peers_weight). */
    double share;
    struct size_memo *memo; /* what was asked of them, in hindsight; NULL: nothing is kept */
};

struct fleet;
struct fleet *fleet_new(void);
/* What the operator asks for (not packed): a host and day, and a day in all (0: not given). */
void fleet_set_budget(struct fleet *fleet, double host_day, double day);
/* Alerts a host and day, as asked for and trimmed. */
double fleet_budget(const struct fleet *fleet);
double fleet_budget_trim(const struct fleet *fleet);
/* Of the day whose host-days are being closed: alerts asked for so far, and told. */
void fleet_budget_day(const struct fleet *fleet, double *expected, double *told);
/* How that is shared. What hosts serve has three tenths of all that is told (seven, where all are
 * servers), but no more than one alert a server and week; what they send has the rest, a fifth of
 * it by the absolute day alone, and two fifths more by an upload alone, which the trim pays for. A
 * fleet has few servers, so each may speak up more often than a host does. */
struct limits fleet_limits(const struct fleet *fleet, enum evidence_side side);
struct measures fleet_measures(const struct fleet *fleet, const char *group); /* fleet NULL: none */
/* What the host's days are measured by: its own measures in hindsight, else those. */
struct measures fleet_measures_of(const struct fleet *fleet, const struct profile *profile);
void fleet_free(struct fleet *fleet);
const struct group *fleet_all(const struct fleet *fleet);
const struct group *fleet_group(const struct fleet *fleet, const char *group); /* NULL: unknown */
const struct young *fleet_young(const struct fleet *fleet);
struct peers fleet_peers(const struct fleet *fleet, const char *group); /* fleet NULL: nobody */
/* share·values/(values + 100): how much of the peers' word the group has, the fleet has the rest.
 */
double peers_weight(const struct peers *peers, double values);
/* log2(bytes + 1) of the median host that sent anything on that day, as of the last closed hour (so
 * that, once the day is over, it is the whole day's): of the group, or of the fleet when fewer than
 * FLEET_MEDIAN_HOSTS of the group sent; NAN when fewer of the fleet did, or the day is not among
 * the last FLEET_DAYS. */
double fleet_day_median(const struct fleet *fleet, const char *group, int64_t day);
/* How much busier than usual everybody was: that median minus the median of all remembered days of
 * the same hosts; 0 when there is none. What a day is to be detrended by: unlike the median it does
 * not jump when group and fleet take turns. */
double fleet_day_trend(const struct fleet *fleet, const char *group, int64_t day);
uint32_t fleet_hosts(const struct fleet *fleet); /* hosts with a profile */
uint32_t fleet_group_hosts(const struct fleet *fleet, const char *group);
size_t fleet_groups(const struct fleet *fleet);
uint64_t fleet_groups_refused(const struct fleet *fleet); /* notes without a group, at the bound */
uint64_t
fleet_crowded(const struct fleet *fleet); /* new destinations not noted: of one host too many */
uint64_t fleet_clips_refused(const struct fleet *fleet); /* guarded sizes not noted, at the bound */
/* Hosts that sent to it in a closed hour (client role only: servers have their own rate). */
uint32_t fleet_prevalence(const struct fleet *fleet, const struct destination *destination);
/* With `more` hosts beyond those that are known. */
enum prevalence_bucket fleet_bucket(const struct fleet *fleet,
                                    const struct destination *destination, uint32_t more);
/* A service that is rolled out: first met by anybody less than FLEET_WAVE_DAYS before `day`, used
 * by more than 2 % of the hosts, and FLEET_WAVE_HOSTS of them sent it FLEET_SHARED_BYTES or more
 * (in their first week, or `hosts_now` in the open hour). */
#define FLEET_WAVE_DAYS  21
#define FLEET_WAVE_HOSTS 3
bool fleet_is_wave(const struct fleet *fleet, const struct destination *destination,
                   uint32_t hosts_now, int64_t day);
/* A client destination that the fleet met within FLEET_SHARED_DAYS and few hosts use: who else
 * sends to it. As of the last closed hour. */
struct shared {
    uint32_t others; /* who sent FLEET_SHARED_BYTES or more; 0 too: it is not new, or not rare */
    int64_t since;   /* the day on which the fleet met it */
    uint64_t bytes[FLEET_SHARED_HOSTS]; /* of each since it met it, floors of bins, largest first */
};
struct shared fleet_shared(const struct fleet *fleet, const struct ip *host,
                           const struct destination *destination, int64_t day);
size_t fleet_destinations(const struct fleet *fleet);
uint64_t fleet_forgotten(const struct fleet *fleet); /* destinations, at the bound */
/* Enough others were guarded within FLEET_MOVED_DAYS of `day`: hosts of the group, or at the
 * destination. FLEET_MOVED_HOSTS, and FLEET_MOVED_SHARE of those there are: in a large fleet three
 * are guarded every day by chance. */
bool fleet_moved(const struct fleet *fleet, const struct destination *destination,
                 const char *group, int64_t day);

/* What hosts together usually send in an hour, out of a zone or to a destination: of the closed
 * hours of the same class in which it was anything, as all sensors of the store saw them, weighted
 * as all sizes are (histogram.h). The smallest bins up to which 5 % and 95 % lie: the inverse of
 * the empirical distribution function (Hyndman, Fan, The American Statistician 50, 1996, definition
 * 1), of bins: its edges are up to 19 % beyond the values. */
struct fleet_band {
    uint64_t hours;       /* of this class that are known */
    bool known;           /* … enough of them */
    uint64_t expected[2]; /* bytes */
};
struct fleet_band fleet_zone_band(const struct fleet *fleet, const char *zone,
                                  const struct civil *civil);
struct fleet_band fleet_place_band(const struct fleet *fleet, const struct destination *destination,
                                   const struct civil *civil);
uint64_t fleet_sums_refused(const struct fleet *fleet);   /* additions, at FLEET_SUMS_OPEN */
uint64_t fleet_sums_given_way(const struct fleet *fleet); /* at FLEET_ZONES and FLEET_PLACES */

/* Notes from profile_close_hour; nothing that is read changes before fleet_apply. `group` is the
 * host's, "" while it has none. `location` is the one before this value was learned, NAN while
 * there was too little to have one. `exposed`: what was new to the host could be counted (from its
 * 14th day on). */
void fleet_note_host(struct fleet *fleet, const struct ip *host, const char *group,
                     const struct civil *civil, bool active, uint64_t hour_bytes, double location,
                     bool exposed);
void fleet_note_silent(struct fleet *fleet, const char *group,
                       const uint16_t hours[FLEET_HOUR_WEEKS]);
void fleet_note_host_day(struct fleet *fleet, const char *group, uint64_t day_bytes,
                         double location, int64_t week);
/* A host's day on which it sent anything, however little, and first weeks (`spans`: spans of seven
 * days too) could be counted. */
void fleet_note_exposed_day(struct fleet *fleet, bool spans, int64_t week);
/* A host's day in which something came from inside. */
void fleet_note_inside_day(struct fleet *fleet, const char *group, uint64_t day_bytes,
                           double location, int64_t week);
/* The host's running total of a day grew from `before` to `after`. */
void fleet_note_today(struct fleet *fleet, const char *group, int64_t day, uint64_t before,
                      uint64_t after);
void fleet_note_pair(struct fleet *fleet, const struct ip *host, const char *group,
                     const struct destination *destination, uint64_t hour_bytes, double location,
                     const struct civil *civil);
/* What a host sent out of its zone (NULL: none), or to a destination, where fleet_note_pair does
 * not say it. `learned` false: nothing of it is, so neither is the hour's sum. */
void fleet_note_zone(struct fleet *fleet, const char *zone, const struct civil *civil,
                     uint64_t bytes, bool learned);
void fleet_note_place(struct fleet *fleet, const struct destination *destination,
                      const struct civil *civil, uint64_t bytes, bool learned);
/* A pair's hour, of its size alone. */
void fleet_note_pair_hour(struct fleet *fleet, const char *group,
                          const struct destination *destination, uint64_t hour_bytes,
                          double location, int64_t week);
void fleet_note_pair_day(struct fleet *fleet, const char *group,
                         const struct destination *destination, uint64_t day_bytes, double location,
                         int64_t week);
/* The first week of a destination new to a host is over; or an hour of it; or seven days of its
 * first three weeks. `more` as in fleet_bucket. */
enum young_kind { YOUNG_FIRST_WEEK, YOUNG_HOUR, YOUNG_SPAN, YOUNG_KINDS };
void fleet_note_young(struct fleet *fleet, enum young_kind kind,
                      const struct destination *destination, uint32_t more, uint64_t bytes,
                      int64_t week);
void fleet_note_crowd(struct fleet *fleet); /* one that is not noted, see learn_new.c */
/* `bytes`: that the host sent in all to a destination in its first week there. */
void fleet_note_sent(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, uint64_t bytes, int64_t day);
/* A contact; `first`: the host is not known to have used it before. */
void fleet_note_contact(struct fleet *fleet, const struct ip *host, const char *group,
                        const struct destination *destination, bool first, int64_t week);
/* The host is in another group now. */
void fleet_note_left(struct fleet *fleet, const struct ip *host, const char *group);
/* A size of the host (`destination` NULL) or of its pair was guarded. */
void fleet_note_clip(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, const char *group, int64_t day);
/* A host's day of evidence by component and fused, of those in `known` (1 << which): its bin
 * (calibration_guarded), and what the host was counted at before. */
struct told_day {
    int64_t day;
    uint8_t bin[CALIBRATIONS];
    struct counted_at last[CALIBRATIONS];
    uint32_t known;
    bool day_off;
    unsigned told; /* alerts it made, silence apart */
};
void fleet_note_evidence(struct fleet *fleet, const char *group, const struct told_day *day,
                         const struct civil *civil);
void fleet_apply(struct fleet *fleet);

/* Takes the host out of every exact set of hosts: of so many. In so many sketches, which give
 * nobody back, it may still be counted. */
struct fleet_forgotten {
    uint32_t sets, sketches;
};
struct fleet_forgotten fleet_forget_host(struct fleet *fleet, const struct ip *host);

void fleet_pack(const struct fleet *fleet, struct buffer *out);
/* NULL and an error (what is wrong, never a guess) on a damaged blob or a newer schema. Schemas 1
 * to 3 are taken over. */
struct fleet *fleet_unpack(const void *data, size_t size, struct error *error);

#endif
