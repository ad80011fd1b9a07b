/* How sensors that share a store stand: who is at work, what is closed, what is waited for. Read in
 * one step, changes nothing; any connection may ask, read-only ones too. */
#ifndef WEIR_BASELINE_STORE_OVERVIEW_H
#define WEIR_BASELINE_STORE_OVERVIEW_H

#include "weir/baseline/store_close.h"

#define STORE_SENSORS_MAX 4096 /* further ones are counted */

struct store_sensor {
    const char *name; /* what it calls itself: others' bytes */
    int64_t complete; /* its totals through this hour are final; STORE_NO_HOUR: of none */
    uint64_t silent_ms, since_ms; /* since its last sign of life, and since it was so complete */
    bool clock_known;
    int64_t ahead_ms; /* its clock's, of the server's, and less by what the way took */
    bool forgets;     /* it has not dropped all that was forgotten yet */
};

struct store_hour {
    int64_t hour;
    uint64_t hosts; /* that have totals in it */
};

struct store_overview {
    struct ptime now;   /* the server's clock */
    int64_t closed;     /* the last hour that is closed for all; STORE_NO_HOUR: none is */
    uint64_t edits;     /* changes of the fleet's tables by hand */
    const char *closer; /* who has the lease; NULL: nobody */
    uint64_t forgotten; /* hosts that somebody still has to drop something of */
    const struct store_hour *hour; /* not closed, with hosts, oldest first */
    size_t hours;
    const struct store_sensor *sensor; /* in the order of their names */
    size_t sensors;
    uint64_t more; /* beyond STORE_SENSORS_MAX */
};

/* All of it is the callback's until it returns. */
void store_read_overview(struct store *store,
                         void (*done)(void *context, const struct store_overview *overview),
                         void *context);

#endif
