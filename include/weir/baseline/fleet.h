/* What is normal for everyone: tables shared by all hosts, read as of the previous hour and changed
 * only by fleet_apply after all hosts of an hour are closed. Engine thread.
 *
 * One peer group for now (grouping by role or zone comes with the profiles' deepening): every table
 * is keyed by nothing, so a group becomes one more struct group. Bounds: FLEET_DESTINATIONS
 * destinations for prevalence (when they are full the longest unseen sixteenth goes, counted). */
#ifndef WEIR_BASELINE_FLEET_H
#define WEIR_BASELINE_FLEET_H

#include "weir/base/calendar.h"
#include "weir/baseline/profile.h"

#define FLEET_SCHEMA       1
#define FLEET_DESTINATIONS 200000
#define FLEET_EXACT_HOSTS                                                                          \
    32 /* a destination's hosts are an exact set up to here, then HyperLogLog */
#define FLEET_HOUR_WEEKS 168

/* Residuals: log2 bytes minus the host's location, in quarter octaves around bin RESIDUAL_ZERO.
 * Counts are halved every 28 days, in steps of a week. */
#define RESIDUAL_ZERO 88
struct residuals {
    double count[HISTOGRAM_BINS];
    double total;
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

struct group {
    struct residuals host_hour, host_day, pair_hour, pair_day, served_hour, served_day;
    struct histogram absolute_hour, absolute_day; /* of hosts: transfer sizes are absolute */
    double active[FLEET_HOUR_WEEKS], seen[FLEET_HOUR_WEEKS]; /* host-hours by hour of week */
    /* Bytes of destinations new to a host in their whole first week, by prevalence when it ended;
     * and the host-days (active ones) in which that was counted. */
    struct histogram young[PREVALENCE_BUCKETS];
    struct histogram exposure; /* bin 0: host-days by week */
};

struct fleet;
struct fleet *fleet_new(void);
void fleet_free(struct fleet *fleet);
const struct group *fleet_group(const struct fleet *fleet, const struct ip *host);
uint32_t fleet_hosts(const struct fleet *fleet); /* hosts with a profile */
/* Hosts that sent to it in a closed hour (client role only: servers have their own rate). */
uint32_t fleet_prevalence(const struct fleet *fleet, const struct destination *destination);
/* With `more` hosts beyond those that are known. */
enum prevalence_bucket fleet_bucket(const struct fleet *fleet,
                                    const struct destination *destination, uint32_t more);
size_t fleet_destinations(const struct fleet *fleet);
uint64_t fleet_forgotten(const struct fleet *fleet); /* destinations, at the bound */

/* Notes from profile_close_hour; nothing that is read changes before fleet_apply. `location` is the
 * one before this value was learned, NAN while there was too little to have one. */
void fleet_note_host(struct fleet *fleet, const struct ip *host, const struct civil *civil,
                     bool active, uint64_t hour_bytes, double location);
void fleet_note_silent(struct fleet *fleet, const uint16_t hours[FLEET_HOUR_WEEKS]);
/* `exposed`: first weeks of what was new to the host could end on that day, and were counted. */
void fleet_note_host_day(struct fleet *fleet, uint64_t day_bytes, double location, bool exposed,
                         int64_t week);
void fleet_note_pair(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, uint64_t hour_bytes, double location,
                     const struct civil *civil);
void fleet_note_pair_day(struct fleet *fleet, const struct destination *destination,
                         uint64_t day_bytes, double location, int64_t week);
/* The first week of a destination new to a host is over; `more` as in fleet_bucket. */
void fleet_note_young(struct fleet *fleet, const struct destination *destination, uint32_t more,
                      uint64_t bytes, int64_t week);
void fleet_apply(struct fleet *fleet);

/* Takes the host out of every exact set of hosts: of so many. In so many sketches, which give
 * nobody back, it may still be counted. */
struct fleet_forgotten {
    uint32_t sets, sketches;
};
struct fleet_forgotten fleet_forget_host(struct fleet *fleet, const struct ip *host);

void fleet_pack(const struct fleet *fleet, struct buffer *out);
/* NULL and an error (what is wrong, never a guess) on a damaged blob or a newer schema. */
struct fleet *fleet_unpack(const void *data, size_t size, struct error *error);

#endif
