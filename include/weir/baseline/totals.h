/* Running totals of the open hour: (host, destination, hour) → volume, absolute.
 * What is stored in Redis while an hour is open, and what an hour's close turns into a profile.
 * Bounds: `max_hosts` hosts an hour; TOTALS_PAIRS destinations a host and hour, the rest summed in
 * one pair a role ("client|prefix|other", "served|prefix|other"); TOTALS_PAIRS_OPEN and 16 for each
 * of `max_hosts` destinations in all open hours together (some 220 bytes each), beyond which new
 * ones go to "other" likewise: a thousand hosts that scan must not take the sensor down;
 * TOTALS_STARTS seconds in which something began a host and hour, of all its pairs (beyond, which
 * are kept depends on the order); all counted.
 *
 * What a host received from other inside hosts is one number a host and hour, without pairs. Who
 * only receives is no host by that: another `max_hosts` of them an hour, so that no scan of
 * the inside takes a sender's place. Each such number has the room of one destination. Engine
 * thread. */
#ifndef WEIR_BASELINE_TOTALS_H
#define WEIR_BASELINE_TOTALS_H

#include "weir/base/map.h"
#include "weir/base/tie.h"
#include "weir/base/time.h"
#include "weir/baseline/destination.h"
#include "weir/baseline/starts.h"
#include "weir/baseline/volume.h"

#define TOTALS_PAIRS        4096
#define TOTALS_STARTS       65536
#define TOTALS_PAIRS_OPEN   (UINT64_C(4) << 20)
#define TOTALS_PAIRS_A_HOST 16

/* What other sensors said of the same hour when this one last wrote: who shares its vantage sees
 * the same traffic, others see further traffic. Out bytes; of a host by destination, added. */
struct elsewhere {
    uint64_t alike;  /* the most that another of this vantage saw */
    uint64_t across; /* of every other vantage the most, added */
};

static inline uint64_t elsewhere_with(const struct elsewhere *elsewhere, uint64_t own)
{
    uint64_t here = own > elsewhere->alike ? own : elsewhere->alike;
    return elsewhere->across > UINT64_MAX - here ? UINT64_MAX : here + elsewhere->across;
}

/* What more went to a pair than came back, at a moment of an hour: an answer may come later than
 * what it answers. Known from UPLOAD_LEAST on, in steps of the histogram's bins; else 0, 0. */
#define UPLOAD_LEAST (UINT64_C(1) << 24)
struct upload {
    uint64_t out_bytes, in_bytes;
};

/* As large as its name is long: it is not copied whole, and its destination by destination_copy. */
struct pair_total {
    struct tie tie; /* to what its owner knows of it besides; cut when it goes */
    struct volume out;
    struct elsewhere elsewhere;
    char *seen_by; /* who the others are (seen.h's text, owned); NULL: nobody else saw it, or that
                      is not kept of its hour any more (engine/elsewhere.c) */
    uint64_t in_bytes;
    struct upload most;   /* when most more had gone there than come back; this sensor's alone */
    uint32_t flows;       /* that began in this hour */
    uint32_t longest_s;   /* how old the oldest of those was that anything was told of in it */
    struct starts starts; /* when they did; "other" has none */
    bool changed;         /* since it was last written to the store */
    uint8_t name_size;    /* of its destination's name */
    uint32_t name;        /* evidence_name of its destination; 0: not asked for yet; not stored */
    uint64_t step;        /* of its amounts when it was last judged (evidence.h); not stored */
    struct destination destination; /* last: its name has room for itself, and its key is behind */
};

struct host_total {
    struct ip host;
    int64_t hour;     /* the site's hour ordinal */
    struct map pairs; /* destination key → struct pair_total */
    struct volume out;
    struct elsewhere elsewhere; /* to all destinations, also those that this sensor does not see */
    char *seen_by;              /* likewise */
    uint64_t in_bytes;
    uint64_t inside_bytes; /* that came from other inside hosts */
    uint32_t overflow;     /* additions that went to "other" */
    uint32_t starts;       /* seconds that its pairs keep */
    uint32_t starts_refused;
    bool inside_changed;   /* since inside_bytes was last written to the store */
    bool sends;            /* it is a host, by the bound; else it only received */
    bool queued;           /* its owner has it on a list of what changed */
    bool others;           /* something may be told of it by others than who weighs its evidence */
    struct tie tie;        /* as a pair's */
    struct totals *totals; /* that it is in; NULL: it is on its own */
};

/* A total of its own, outside any struct totals (the store's sums). */
struct host_total *host_total_new(const struct ip *host, int64_t hour);
void host_total_free(struct host_total *total);

struct totals; /* open hours by host */
struct totals *totals_new(uint32_t max_hosts);
void totals_set_room(struct totals *totals, uint64_t pairs); /* instead of those */
/* In all open hours. */
uint64_t totals_pairs(const struct totals *totals);
/* An empty one; in no host's total, its maker's. */
struct pair_total *pair_total_new(const struct destination *destination);
void pair_total_free(struct pair_total *pair);
/* A pair of its own, taken as it is; false: there is one of that name (then it is the caller's). */
bool totals_take_pair(struct host_total *host, struct pair_total *pair);
void totals_free(struct totals *totals);
/* The host's total for that hour, made when absent; NULL when max_hosts is reached (counted). */
struct host_total *totals_open(struct totals *totals, const struct ip *host, int64_t hour);
/* The host's total of that hour, with so much more received from inside. Made when absent; NULL
 * when max_hosts others only received (counted by who asks). */
struct host_total *totals_receive(struct totals *totals, const struct ip *host, int64_t hour,
                                  uint64_t bytes);
/* Destinations, or numbers with the room of one, that a total takes. */
size_t totals_room(const struct host_total *total);
/* Takes a total of its own, when there is none of its host and hour yet and max_hosts allows; else
 * frees it. */
bool totals_adopt(struct totals *totals, struct host_total *total);
struct host_total *totals_get(const struct totals *totals, const struct ip *host, int64_t hour);
/* It is added to soon: fetched into the processor's cache. */
void totals_prefetch(const struct pair_total *pair);
/* Adds to the pair and to the host. Returns the pair added to. */
struct pair_total *totals_add(struct host_total *host, const struct destination *destination,
                              struct volume out, uint64_t in_bytes, uint32_t flows);
/* The same for who has at hand what the destination is called among a host's pairs. */
struct pair_name {
    const char *text; /* destination_key */
    size_t size;
    uint64_t hash; /* map_hash of it */
};
struct pair_total *totals_add_named(struct host_total *host, const struct destination *destination,
                                    const struct pair_name *name, struct volume out,
                                    uint64_t in_bytes, uint32_t flows);
/* Out bytes of connections to a pair of the host's that began in `second` of this hour. */
void totals_start(struct host_total *host, struct pair_total *pair, uint32_t second,
                  uint64_t bytes);
/* As its bytes are now, more may have gone there than ever in this hour. By one sensor's records,
 * in their order. */
void totals_note_upload(struct pair_total *pair);
/* A connection to it was as old as this: the longest of all counts, whoever saw it. */
void totals_lasts(struct pair_total *pair, uint64_t seconds);
/* All that somebody else knows of it. */
void totals_starts(struct host_total *host, struct pair_total *pair, const struct starts *starts);
/* All host_totals of `hour` and before, sorted by (hour, host); the array is the caller's, the
 * items stay. */
struct host_total **totals_until(const struct totals *totals, int64_t hour, size_t *count);
void totals_drop(struct totals *totals, struct host_total *host);
/* Hosts that sent a client destination TOTALS_MUCH or more in an open hour: in the one with the
 * most of them. */
#define TOTALS_MUCH UINT64_C(65536)
uint32_t totals_hosts(const struct totals *totals, const struct destination *destination);
/* With `last`, which was just added, the pair came to that: its host is one of them from here on.
 */
bool totals_came_to_much(const struct pair_total *pair, struct volume last);
/* Whose totals of an hour nobody will ask for is passed by. The hour is open all the same, and
 * another host is in it (`begins`); or of such a host the pair came to TOTALS_MUCH. */
void totals_pass(struct totals *totals, int64_t hour, bool begins);
void totals_pass_much(struct totals *totals, int64_t hour, const struct destination *destination);
/* Those of `hour` and before end: how many hosts were passed by, in how many hours that nobody else
 * is in. */
struct totals_passed {
    uint64_t hosts, hours;
};
struct totals_passed totals_end_passed(struct totals *totals, int64_t hour);
size_t totals_hours(const struct totals *totals);               /* that are open */
bool totals_oldest(const struct totals *totals, int64_t *hour); /* of them; false: none is */
/* A restart goes on counting. */
void totals_set_refused(struct totals *totals, uint64_t refused);
uint64_t totals_refused(const struct totals *totals);
size_t totals_count(const struct totals *totals);

#endif
