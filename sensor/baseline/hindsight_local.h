/* Shared by hindsight*.c only. */
#ifndef WEIR_BASELINE_LOCAL_HINDSIGHT_H
#define WEIR_BASELINE_LOCAL_HINDSIGHT_H

#include "closed_hour.h"
#include "fleet_local.h"
#include "profile_local.h"
#include "size_memo.h"
#include "weir/baseline/hindsight.h"

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
    /* … and what it can have come to meanwhile (hindsight_open.c) */
    bool unbounded;
    uint8_t open_bin[EVIDENCES]; /* its calibration bin is below this one */
    float open_p[EVIDENCE_SIDES], open_absolute;
};

struct open_day { /* while its hours are gone through */
    struct day_evidence most;
    bool unbounded;
};

struct open_hours {
    const struct past *past; /* … which `before` has joined, unless both are open */
    const struct closed_hour *before, *now; /* before: of the hour before; NULL: there is none */
    bool both;
    const struct civil *civil; /* of now */
    const struct fleet *fleet;
    uint32_t *among; /* hindsight's */
};

struct past { /* of a host that sent */
    const struct ledger_host *from;
    struct profile *profile;
    uint32_t *kept; /* the destinations of its pairs, by their places */
    struct share *share;
    size_t shares;
    struct network_size *network;            /* by first day */
    size_t networks, window_from, window_to; /* … and which of them are left out */
    struct host_day *day;
    size_t days;
    int64_t left_out; /* the day; NO_DAY: none */
    size_t gone;      /* hours of the ledger that were closed, where they are passed */
    int64_t last_day;
    size_t number;
    struct measures measures;
    struct {
        int64_t day;
        uint64_t trim;
        bool may;
    } asked; /* last, whether anything can be told */
    struct {
        int64_t day;
        uint64_t trim;
    } last; /* of which anything can; NO_DAY: none */
    struct {
        uint8_t *need; /* of each of its hours in the ledger; NULL: not asked for yet */
        uint64_t trim;
        size_t at; /* where the last one asked for was */
    } story;       /* … and whether a story that goes on then may be (hindsight_story.c) */
};

#define APART_TABLES (4 + YOUNG_HISTOGRAMS)

struct apart {         /* the peers' tables without a host; while they are read, those of all */
    struct past *past; /* NULL: of nobody */
    struct peer_group *group; /* its own, or NULL */
    uint64_t set;             /* size_memo.h */
    struct histogram table[APART_TABLES];
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
    struct past *found; /* there, last: each record asks several times */
    struct past *apart; /* the host that the peers' tables are without, and where those are */
    struct apart without[HINDSIGHT_APART];
    uint8_t *place; /* of each destination: 1 + where it is among the pairs of … */
    const struct past *placed;
    uint32_t *among;         /* where in the hour before it may be (hindsight_open.c) */
    struct closed_hour hour; /* that is closed */
    bool measured;
    bool passes;    /* hours are closed when somebody asks (hindsight_pass.c) … */
    int64_t passed; /* … through this one */
    uint64_t trims;
    struct budget trimmed_for;            /* what was asked for when its trim was found … */
    struct limits limits[EVIDENCE_SIDES]; /* … and by which is told then */
    struct {
        struct past *past;
        struct calibrations *calibrations;
    } measure[HINDSIGHT_MEASURES];
};

const struct civil *hindsight_civil(const struct hindsight *hindsight, int64_t hour);
/* Met in the first week of all, and in so many hours beyond its own. */
bool hindsight_is_settled(const struct hindsight *hindsight, int64_t first_hour, uint32_t later);

typedef uint64_t pair_set; /* of a profile's, by their places */
#define ALL_PAIRS UINT64_MAX
_Static_assert(PROFILE_PAIRS == 64, "a bit each");

/* hindsight_count.c: a day's hours join what the profile knows (`sign` 1), or leave it (−1); whose
 * they are. */
pair_set past_count_day(struct hindsight *hindsight, struct past *past, size_t index, int sign);
/* All but that day (NO_DAY: all), and of a server's networks those met in another week. */
void past_leave_out(struct hindsight *hindsight, struct past *past, int64_t day);
/* Hours of its days in which it was not seen at all; once. */
void past_count_silence(const struct hindsight *hindsight, struct past *past);
/* Where the sizes that it knows lie: the host's, and those of these pairs. */
void past_locate(struct past *past, pair_set pairs, int64_t week);
void past_count_networks(const struct hindsight *hindsight, struct past *past); /* all; once */
/* NULL: it is none. Soon said while one host is asked for. */
struct pair *past_pair(struct hindsight *hindsight, const struct past *past, uint32_t destination);
size_t past_day(const struct past *past, int64_t day); /* its index; past->days: none */

/* hindsight_hour.c: one of its hours in the ledger. */
void past_read(struct hindsight *hindsight, const struct past *past, size_t i,
               struct closed_hour *hour);

/* hindsight_pass.c: closed, with what the ledger has of them, through `hour`. hindsight.c: one. */
void past_catch_up(struct hindsight *hindsight, struct past *past, int64_t hour);
void past_close(struct hindsight *hindsight, struct past *past, struct closed_hour *hour,
                const struct civil *civil);

/* hindsight_peers.c: the fleet's tables, of all: first what each host sent and to whom, while its
 * hours are held, then what that was new to. */
struct counting *peers_begin(struct hindsight *hindsight);
void peers_count(struct counting *counting, struct past *past);
void peers_count_new(struct counting *counting);
void peers_end(struct counting *counting);

/* hindsight_apart.c: they are without this host from here on; NULL: of all. They change: what was
 * kept is no good any more. */
void peers_without(struct hindsight *hindsight, struct past *past);
void peers_forget(struct hindsight *hindsight);
void apart_fini(struct hindsight *hindsight); /* the fleet may be gone */

/* hindsight_measure.c: what host-days come to, of all; and what the others' come to. */
void measure_days(struct hindsight *hindsight);
void measure_without(struct hindsight *hindsight, struct past *past);
void measure_fini(struct hindsight *hindsight);
/* hindsight_trim.c: so that as many host-days are told as the operator asked for. */
void trim_budget(struct hindsight *hindsight);

/* hindsight_day.c: running sums begin anew; an hour joins its day's, and its evidence if that is
 * asked for; what the day came to so far. */
void past_begin(struct past *past);
void past_hour(struct past *past, struct closed_hour *hour, const struct civil *civil,
               const struct fleet *fleet, bool weighed);
void past_keep(const struct past *past, struct host_day *into);

/* hindsight_open.c: an hour as it is while it is open, at its end, before it is closed; the day is
 * over, its evidence at hand; how rare what it can have come to is; whether it may be told. */
void open_mark(const struct open_hours *hours, struct open_day *open);
void open_end(const struct past *past, const struct civil *civil, const struct fleet *fleet,
              struct open_day *open, struct host_day *day);
void open_rate(const struct past *past, struct host_day *day);
bool open_may_tell(const struct hindsight *hindsight, const struct host_day *day);
/* … with what is told of its last hour, which is the next day's too: for two minutes both are open.
 * Any next day: where there are days between it is asked for nothing. */
bool open_may_tell_on(const struct hindsight *hindsight, const struct past *past, int64_t day);

/* hindsight_story.c: for the trim that was found last. */
enum hindsight_need past_needs(const struct hindsight *hindsight, struct past *past, int64_t hour);

#endif
