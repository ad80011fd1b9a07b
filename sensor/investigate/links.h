/* Which incidents of a list are with one destination: several hosts that sent to one drop, several
 * servers that gave to one network. */
#ifndef SENSOR_INVESTIGATE_LINKS_H
#define SENSOR_INVESTIGATE_LINKS_H

#include "weir/alert/incident.h"
#include "weir/base/map.h"

struct links {
    const struct incident *const *incident; /* borrowed */
    struct map sharing;                     /* destination key → those that share it */
    size_t *next;                           /* … the next of them; `count`: it is the last */
    size_t count;
};

void links_init(struct links *links, const struct incident *const *incident, size_t count);
void links_fini(struct links *links);
/* "   Linked 10.0.0.7 (#2), 10.0.0.9 (#5) and 3 more: the same destination", or nothing. */
void links_put(const struct links *links, size_t at, struct buffer *b);

#endif
