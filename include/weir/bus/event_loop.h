/* libevent behind base/loop.h. The only place that knows it. One loop a thread. */
#ifndef WEIR_BUS_EVENT_LOOP_H
#define WEIR_BUS_EVENT_LOOP_H

#include "weir/base/error.h"
#include "weir/base/loop.h"

struct loop_ref event_loop_new(struct error *error); /* .loop NULL on failure */
void event_loop_free(struct loop_ref loop);
/* Calls `due` once, from the loop, as soon as it runs again (no wall-time delay). */
void event_loop_soon(struct loop_ref loop, void (*due)(void *context), void *context);
/* Forgets what was asked for "soon" with this context. */
void event_loop_cancel(struct loop_ref loop, const void *context);
/* SIGINT, SIGTERM arrive as a callback on the loop. */
struct loop_watch *event_loop_signal(struct loop_ref loop, int signal_number,
                                     void (*due)(void *context), void *context);

#endif
