/* In which order a log's pieces and notes are told: the earliest first, of one time the first line.
 * Private to the capture room.
 *
 * A log is written in the order of ends, which is nearly that of the pieces. So what is due no
 * earlier than all of the run before it is put behind them, and only the rest into a heap; the
 * first of all is the first of either. Whatever order a log is in, what is told first is the same.
 * All zero is an empty one. The capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_WINDOW_H
#define WEIR_SENSOR_CAPTURE_LOG_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct log_due { /* small, so that what is held stays where it lies */
    int64_t until_ns;
    uint64_t line;
    uint32_t place; /* below `room`, its own for as long as it is here */
};

struct log_window {
    struct log_due *run; /* a ring of `room`, a power of two */
    struct log_due *heap;
    size_t run_first, run_count, heap_count, room;
    uint32_t *free; /* places: as many as there is room left */
};

void log_window_fini(struct log_window *window);
size_t log_window_count(const struct log_window *window);
/* Returns its place; `room` may have grown. */
uint32_t log_window_put(struct log_window *window, int64_t until_ns, uint64_t line);
/* The place of the first, of which there must be one, as for the next two. */
uint32_t log_window_first(const struct log_window *window);
void log_window_drop_first(struct log_window *window);
/* It keeps its place and line, and is due then. */
void log_window_put_first_off(struct log_window *window, int64_t until_ns);

#endif
