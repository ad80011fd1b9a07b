/* Shared by hindsight*.c only. */
#ifndef WEIR_BASELINE_LOCAL_HINDSIGHT_H
#define WEIR_BASELINE_LOCAL_HINDSIGHT_H

#include "fleet_local.h"
#include "profile_local.h"
#include "weir/baseline/evidence.h"
#include "weir/baseline/hindsight.h"

struct kept { /* a destination that is a pair of the profile */
    uint32_t destination;
    struct pair *pair;
};

/* What the host is counted for in the peers' tables (enum peer_table). */
struct share {
    uint8_t table, bin;
    uint32_t count;
};

enum peer_table {
    PEERS_HOUR, /* absolute sizes, of the fleet and of the host's group */
    PEERS_DAY,
    PEERS_YOUNG, /* and from here on young_histogram's */
    PEER_TABLES = PEERS_YOUNG + YOUNG_HISTOGRAMS
};

/* A client network's first week, or one hour of it, by when the server met it. */
struct network_size {
    int32_t first_day;
    uint8_t bin;
    bool of_hour;
};

struct host_day {
    int64_t day;
    size_t from, to; /* its hours in the ledger */
    bool off;
    uint32_t known;        /* by kind and, fused, EVIDENCES + side */
    float l[CALIBRATIONS]; /* what it came to */
    float p[EVIDENCE_SIDES], p_absolute;
};

struct past { /* of a host that sent */
    const struct ledger_host *from;
    struct profile *profile;
    struct kept *kept; /* by destination */
    size_t kept_count;
    struct share *share;
    size_t shares;
    struct network_size *network;            /* by first day */
    size_t networks, window_from, window_to; /* … and which of them are left out */
    struct host_day *day;
    size_t days;
    int64_t left_out; /* the day; NO_DAY: none */
    int64_t last_day;
    size_t number;
    struct measures measures;
};

struct hindsight {
    struct ledger *ledger;
    struct fleet *fleet;
    bool fleet_taken;
    struct civil *civil; /* of each hour from `first` to `last` */
    int64_t first, last;
    int64_t week; /* everything is counted in: the last one, so that all weigh the same */
    struct past **past;
    size_t pasts;
    uint64_t bytes;     /* of them, about */
    struct map index;   /* struct ip → struct past */
    struct past *apart; /* the host that the peers' tables are without */
    bool measured;
    struct budget trimmed_for; /* what was asked for when its trim was found */
    struct {
        struct past *past;
        struct calibrations *calibrations;
    } measure[HINDSIGHT_MEASURES];
};

const struct civil *hindsight_civil(const struct hindsight *hindsight, int64_t hour);
/* Met in the first week of all, and in so many hours beyond its own. */
bool hindsight_is_settled(const struct hindsight *hindsight, int64_t first_hour, uint32_t later);

/* hindsight_count.c: a day's hours join what the profile knows (`sign` 1), or leave it (−1). */
void past_count_day(struct hindsight *hindsight, struct past *past, size_t index, int sign);
/* All but that day (NO_DAY: all), and of a server's networks those met in another week. */
void past_leave_out(struct hindsight *hindsight, struct past *past, int64_t day);
/* Hours of its days in which it was not seen at all; once. */
void past_count_silence(const struct hindsight *hindsight, struct past *past);
/* Where the sizes that it knows lie. */
void past_locate(struct past *past, int64_t week);
void past_count_networks(const struct hindsight *hindsight, struct past *past); /* all; once */
struct pair *past_pair(const struct past *past, uint32_t destination);

/* hindsight_peers.c: the fleet's tables, of all; without a host. */
void peers_count_all(struct hindsight *hindsight);
void peers_without(struct hindsight *hindsight, struct past *past);

/* hindsight_measure.c: what host-days come to, of all; and what the others' come to. */
void measure_days(struct hindsight *hindsight);
void measure_without(struct hindsight *hindsight, struct past *past);
void measure_fini(struct hindsight *hindsight);
/* hindsight_trim.c: so that as many host-days are told as the operator asked for. */
void trim_budget(struct hindsight *hindsight);

/* hindsight_day.c: running sums begin anew; an hour joins its day's; the day is over. `into`: where
 * what it came to is kept; NULL: nowhere. */
void past_begin(struct past *past);
void past_hour(struct past *past, const struct host_total *total, const struct civil *civil,
               const struct fleet *fleet);
void past_end(struct past *past, const struct fleet *fleet, struct host_day *into);

#endif
