/* What is going on now, for whoever looks: the hosts that sent something in the site's present
 * hour, and where to. Reading changes nothing: no profile is loaded, unpacked for good or moved in
 * the order of use, so what is judged next does not depend on who looked. Engine thread.
 *
 * Cost: a walk through all hosts (some 0.1 µs each, more where `fits` has to name each by its
 * pseudonym) and, for each host or destination that is
 * given, what its past says of it (a profile that is packed is unpacked, and let go: some 0.1 ms).
 */
#ifndef WEIR_ENGINE_PRESENT_H
#define WEIR_ENGINE_PRESENT_H

#include "weir/baseline/fleet.h"
#include "weir/baseline/survival.h"
#include "weir/detect/zones.h"
#include "weir/engine/engine.h"

enum present_order {
    PRESENT_OUT,
    PRESENT_IN,
    PRESENT_HOST
}; /* bytes: most first; of equals by host */

struct present_host {
    struct ip host;
    uint64_t out_bytes, in_bytes; /* of the hour; payload seen */
    uint64_t day_out_bytes;       /* of the site's day so far; past_known: with its closed hours */
    uint32_t destinations;        /* of the hour */
    bool state_known; /* else the two are of nothing: its profile is not in memory, or it is new
                       * and the store has not said yet that there is none */
    enum baseline_state state;
    uint32_t hours;                  /* observed */
    bool past_known;                 /* its profile is in memory */
    struct estimate hour;            /* … of out_bytes; p 0: there is nothing to say */
    const struct incident *incident; /* the gravest open one; NULL: none. Borrowed */
};

struct present_pair {
    struct destination destination;
    uint64_t out_bytes, in_bytes;
    uint32_t flows;                  /* that began in the hour */
    bool met_known;                  /* else its past is not in memory */
    bool met;                        /* in an hour before, as its profile knows … */
    struct ptime first;              /* … the start of the first of them; PTIME_MIN: not known */
    int64_t prevalence;              /* hosts that sent to it in closed hours; −1: not counted */
    struct estimate hour;            /* p 0: not known well enough */
    const struct incident *incident; /* to there */
};

struct present {
    bool known;        /* false: no record yet */
    struct civil hour; /* the present one */
    size_t total;      /* rows in all */
};

/* Which hosts are asked for; `fits` NULL: all. */
struct present_filter {
    bool (*fits)(const void *context, const struct ip *host);
    const void *context;
};
struct present_asked {
    enum present_order order;
    struct present_filter filter;
    size_t offset, room; /* rows from `offset` on, at most `room` */
};
/* How many rows were filled. */
size_t engine_present_hosts(struct engine *engine, const struct present_asked *asked,
                            struct present_host *row, struct present *present);
/* One of them; false: the host is not known. */
bool engine_present_host(struct engine *engine, const struct ip *ip, struct present_host *row,
                         struct present *present);
/* What it usually does: how often it sends in each hour of the week (0: Monday 00:00, of the
 * present week; NAN: it has no such hour), and 5 % to 95 % of its days' bytes (0, 0: none was
 * seen). False: its profile is not in memory, or knows nothing. */
#define PRESENT_WEEK 168
struct present_week {
    double share[PRESENT_WEEK];
    uint64_t day_expected[2];
    uint32_t hours; /* observed */
};
bool engine_present_week(struct engine *engine, const struct ip *ip, struct present_week *week);
/* Where it sent, the most bytes first. */
size_t engine_present_pairs(struct engine *engine, const struct ip *ip, struct present_pair *row,
                            size_t room, struct present *present);

/* Who sent to a destination of this name, the most bytes first; every role and kind of it. */
struct present_sender {
    struct ip host;
    struct present_pair pair;
};
size_t engine_present_senders(struct engine *engine, const char *name, struct present_sender *row,
                              size_t room, struct present *present);

/* What left in the hour, by destination and by zone. Of the hosts that sent most, until
 * PRESENT_PAIRS of their destinations were looked at: `whole` says whether that was all. */
#define PRESENT_PAIRS 65536
struct present_place {
    struct destination destination;
    uint64_t out_bytes;
    uint32_t hosts;
    struct fleet_band band; /* of whole hours like the present one */
};
struct present_zone {
    uint64_t out_bytes;
    uint32_t hosts; /* that sent or received in the hour */
    struct fleet_band band;
};
struct present_sums {
    uint64_t out_bytes; /* of all hosts */
    uint32_t hosts;
    bool whole;
    size_t places;                       /* that were filled, the most bytes first */
    struct present_zone zone[ZONE_ENDS]; /* by ends; of engine_zones */
};
void engine_present_sums(struct engine *engine, struct present_place *place, size_t room,
                         struct present_sums *sums, struct present *present);

/* A host that is known, and fits; false: none does. */
bool engine_find_host(const struct engine *engine, const struct present_filter *filter,
                      struct ip *found);

#endif
