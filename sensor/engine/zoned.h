/* What passes the borders of zones (detect/zones.h): gathered by ends, protocol and port, which is
 * what a matrix of conduits is proposed from, and told where no conduit allows it.
 *
 * Gathered: rows of a flow that has said what it is, or has ended; ZONED_ROWS, further ones are
 * counted. Told: in the story of host and destination; of two inside hosts there is none but for
 * this, so one of who opened and the other's address is made. Outside the alert budget, each zone
 * within ZONED_LIMIT alerts a day; stories beyond are counted, and the zone's next alert says how
 * many. Engine thread. */
#ifndef WEIR_ENGINE_ZONED_H
#define WEIR_ENGINE_ZONED_H

#include "ruled.h"
#include "weir/detect/zones.h"

#define ZONED_ROWS  8192u
#define ZONED_LIMIT 200u

struct zoned {
    const struct zones *zones;          /* or NULL */
    struct map rows;                    /* zoned.c's key → struct conduit_seen */
    struct ruled_rule limit[ZONES_MAX]; /* by zone */
};

void zoned_init(struct zoned *zoned, const struct zones *zones);
void zoned_fini(struct zoned *zoned);
/* After it was accounted. */
void zoned_flow(struct engine *engine, const struct flow_view *view);
/* The zone of the story's host, where nothing is said of one yet. */
void zoned_name(const struct engine *engine, const struct flow_view *view, struct story *story);

/* Before an hour of this host is learned: not while a change window of its zone is open in it. */
void zoned_withhold(struct engine *engine, struct profile *profile, const struct civil *civil);

/* zoned_seen.c: false: there is no room for another row. */
bool zoned_note(struct zoned *zoned, const struct record_flow *record,
                const struct zone_flow *flow);
/* For a restart, by the names of zones: rows of one that is gone go with it. */
void zoned_pack(const struct zoned *zoned, struct buffer *out);
bool zoned_unpack(struct zoned *zoned, struct cursor *in);

#endif
