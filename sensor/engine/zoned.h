/* What passes the borders of zones (detect/zones.h): gathered by ends, protocol and port, which is
 * what a matrix of conduits is proposed from, and told where no conduit allows it.
 *
 * Gathered: rows of a flow that has said what it is, or has ended; ZONED_ROWS. At the bound the row
 * touched longest ago in which nothing was ever carried gives way, so that a port scan ends
 * nothing; without one the new one finds no room. Both are counted. Told: in the story of host and
 * destination; of two inside hosts there is none but for this, so one of who opened and the other's
 * address is made. Outside the alert budget, each zone within ZONED_LIMIT alerts a day of
 * each of its budgets, so that what costs nothing (a sweep of SYNs) silences nothing graver;
 * stories beyond are counted, and the budget's next alert says how many. Engine thread. */
#ifndef WEIR_ENGINE_ZONED_H
#define WEIR_ENGINE_ZONED_H

#include "ruled.h"
#include "weir/detect/zones.h"

#define ZONED_ROWS  8192u
#define ZONED_LIMIT 200u

/* Nothing was carried; something was; by zone.payload. */
enum zoned_budget { ZONED_TRIED, ZONED_CARRIED, ZONED_STRAYS, ZONED_BUDGETS };

struct zoned_row {
    struct conduit_seen seen;
    bool tried;                      /* nothing was ever carried: one of the list */
    struct zoned_row *newer, *older; /* of those, by when they were last touched */
};

struct zoned {
    const struct zones *zones;         /* or NULL */
    struct map rows;                   /* zoned_seen.c's key → struct zoned_row */
    struct zoned_row *newest, *oldest; /* of those that were only tried */
    uint64_t given_way;                /* rows */
    struct ruled_rule limit[ZONES_MAX][ZONED_BUDGETS];
};

void zoned_init(struct zoned *zoned, const struct zones *zones);
void zoned_fini(struct zoned *zoned);
/* After it was accounted. */
void zoned_flow(struct engine *engine, const struct flow_view *view);
/* The host's open story, in which its zone is named: what all others open theirs with. `address`:
 * the host's, or its device's at the moment. */
struct open_story *zoned_story(struct engine *engine, const struct ip *host,
                               const struct ip *address, const struct destination *destination,
                               struct ptime now);

/* The same of one that is asked for again and again: stories_open_tied. */
struct open_story *zoned_story_tied(struct engine *engine, struct tie *tie, const struct ip *host,
                                    const struct ip *address, const struct destination *destination,
                                    struct ptime now);

/* Before this hour of a host is learned: the silent ones before it are, but for those in which a
 * change window of its zone was open; whether this one is, and of which zone it is. How many
 * host-hours that withholds. */
uint64_t zoned_catch_up(struct engine *engine, struct profile *profile, const struct civil *civil);

/* zoned_seen.c: false: there is no room for another row. */
bool zoned_note(struct zoned *zoned, const struct record_flow *record,
                const struct zone_flow *flow);
/* For a restart, by the names of zones: rows of one that is gone go with it. */
void zoned_pack(const struct zoned *zoned, struct buffer *out);
bool zoned_unpack(struct zoned *zoned, struct cursor *in);

#endif
