/* What a log's other lines say of connections, until the connections are told. Private to the
 * capture room. The capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_JOIN_H
#define WEIR_SENSOR_CAPTURE_JOIN_H

#include "connection.h"
#include "log_note.h"
#include "weir/base/map.h"
#include "weir/content/content.h"

#define JOIN_GENERATION 65536u

/* All zero is an empty one. */
struct join {
    struct map young, old; /* uid → struct joined */
};

void join_fini(struct join *join);
/* Of several notes of one connection the first name counts, and the sum of bodies. Counted in
 * `forgotten`, which outlives it, when it is forgotten before its connection was told to its end.
 */
void join_note(struct join *join, const struct log_note *note, uint64_t *forgotten);
/* False: nothing is known of it. `facts` are borrowed until the next call. */
bool join_facts(struct join *join, const struct connection *connection,
                struct content_facts *facts);
void join_end(struct join *join, uint64_t uid); /* it has been told to its end */
void join_forget(struct join *join);            /* the input has ended: all that is left */

#endif
