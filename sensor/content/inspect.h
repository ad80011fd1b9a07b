/* Counting classes of sensitive data in ordered bytes: one inspector a text, which is what a side
 * of a flow says in clear, or one body that it sends. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_INSPECT_H
#define WEIR_SENSOR_CONTENT_INSPECT_H

#include "filter.h"
#include "weir/content/email.h"

/* What all inspectors of a process share; outlives them. */
struct inspection {
    const struct hash_key *key;
    struct email_shared email;
    struct search_shared *search;
    struct inspector *spare; /* that ended, for the next ones */
    uint32_t spares;
};
/* All its inspectors have ended. */
void inspection_fini(struct inspection *inspection);

/* The last filter: whatever it finds is told to the finder. */
struct filter *inspector_new(struct inspection *inspection, const struct finder *finder);
/* Asks for what the next piece will need, in two steps; NULL is nothing. */
void inspector_fetch(const struct filter *filter);
void inspector_fetch_parts(const struct filter *filter);
/* The text ends here and another begins: of datagrams. */
void inspector_break(struct filter *filter);

#endif
