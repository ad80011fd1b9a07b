/* The lines of an outlet that were read from the journal and that the other end does not have yet:
 * what is given again after a failure, and what a refused line's record is taken from. */
#ifndef SENSOR_BUS_OUTLET_WINDOW_H
#define SENSOR_BUS_OUTLET_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_LINES 1024u
#define WINDOW_BYTES ((size_t)4 << 20) /* and one line */

struct window_line {
    uint64_t sequence;
    char *record; /* as the journal has it; owned */
    size_t record_size;
    char *rendered; /* in the sink's format; owned. NULL: the record itself */
    size_t rendered_size;
    int64_t read_ns; /* of the monotonic clock */
    bool refused;    /* it is in the dead letters */
};

struct window {
    struct window_line *line; /* a ring of WINDOW_LINES; NULL before the first */
    size_t first, count;
    size_t given; /* the first so many were written to the sink */
    size_t bytes;
};

void window_fini(struct window *window);
bool window_full(const struct window *window);
/* The nth, from 0. */
struct window_line *window_at(const struct window *window, size_t number);
/* `line` must not be full; what it owns is taken. */
void window_push(struct window *window, const struct window_line *line);
/* The first goes. */
void window_pop(struct window *window);
/* Among those given; NULL: it is not there. */
struct window_line *window_find(const struct window *window, uint64_t sequence);
/* None is given any more, and those refused go. */
void window_rewind(struct window *window);

#endif
