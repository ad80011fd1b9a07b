/* A counter of what reached a bound or was refused. */
#ifndef WEIR_BASE_BOUND_H
#define WEIR_BASE_BOUND_H

#include <stdint.h>

struct bound_count {
    const char *name, *text; /* of the JSON field; for people, after the number */
    uint64_t count;
};

#endif
