/* What the row about sweeps looks at: what one outside client network asked of one inside server in
 * a site day, and what others did (engine/swept.h gathers it). Plain data. Thread: any. */
#ifndef WEIR_DETECT_SWEEP_H
#define WEIR_DETECT_SWEEP_H

#include <stdint.h>

/* Distinct ones, of one kind. */
struct sweep_count {
    uint64_t today;
    uint64_t own_most;   /* of this network, on an earlier day that is remembered */
    uint64_t other_most; /* of any other network of this server, on any day that is */
    uint64_t others;     /* other networks of this server that were met with one at least */
};

struct sweep {
    struct sweep_count accounts; /* that the server let in */
    struct sweep_count projects; /* places of which it gave something out */
    uint64_t refused;            /* accounts that it did not let in */
};

#endif
