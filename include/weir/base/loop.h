/* The event loop as the rooms below the bus see it: an ops struct, so that only bus/ knows
 * libevent. Everything happens on the loop's own thread. */
#ifndef WEIR_BASE_LOOP_H
#define WEIR_BASE_LOOP_H

#include <stdint.h>

#define LOOP_READ  1u
#define LOOP_WRITE 2u

struct loop;       /* the loop itself, owned by whoever made it */
struct loop_watch; /* one watched descriptor or timer */

struct loop_ops {
    /* Watches `fd` for `what` (LOOP_READ | LOOP_WRITE, 0 = paused) until loop_drop. */
    struct loop_watch *(*watch)(struct loop *loop, int fd, unsigned what,
                                void (*ready)(void *context, unsigned what), void *context);
    void (*change)(struct loop_watch *watch, unsigned what);
    /* Calls `due` every `interval_ns` of wall time until dropped. */
    struct loop_watch *(*timer)(struct loop *loop, int64_t interval_ns, void (*due)(void *context),
                                void *context);
    void (*drop)(struct loop_watch *watch); /* safe inside its own callback */
    void (*run)(struct loop *loop);         /* until stop */
    void (*stop)(struct loop *loop);        /* after the current callback */
};

/* What a room is handed. */
struct loop_ref {
    struct loop *loop;
    const struct loop_ops *ops;
};

#endif
