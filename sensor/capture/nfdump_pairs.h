/* What waits of nfdump's for its other direction. Private to the capture room. */
#ifndef WEIR_SENSOR_CAPTURE_NFDUMP_PAIRS_H
#define WEIR_SENSOR_CAPTURE_NFDUMP_PAIRS_H

#include "connection.h"
#include "weir/base/map.h"

#define NFDUMP_CLOCK 5u /* lines whose middle time is the log's */

/* What was sent: of one direction, or of both. */
#define NFDUMP_SYN_ALONE 1u /* never with an ACK */
#define NFDUMP_SYN       2u
#define NFDUMP_RST       4u
#define NFDUMP_FIN       8u

struct nfdump_pairs {
    struct map waiting; /* struct flow_key → the first of them */
    struct waiting *oldest, *newest;
    size_t count;
    int64_t end_ns[NFDUMP_CLOCK]; /* of the last lines' flows */
    size_t lines;
};

void nfdump_pairs_init(struct nfdump_pairs *pairs);
void nfdump_pairs_fini(struct nfdump_pairs *pairs);
/* A line's flow. True: *connection is one to go on with; it may be another that waited. */
bool nfdump_pair(struct nfdump_pairs *pairs, struct connection *connection, unsigned sent);
/* As nfdump_due and nfdump_rest (nfdump.h). */
bool nfdump_pairs_due(struct nfdump_pairs *pairs, struct connection *connection);
bool nfdump_pairs_rest(struct nfdump_pairs *pairs, struct connection *connection);

#endif
