/* A sorted run and a heap: see log_window.h. Thread: the capture thread. */
#include "log_window.h"

#include "weir/base/buffer.h"

#include <stdbool.h>
#include <stdlib.h>

#define ROOM_LEAST 64u

static bool earlier(const struct log_due *a, const struct log_due *b)
{
    return a->until_ns != b->until_ns ? a->until_ns < b->until_ns : a->line < b->line;
}

/* --- the heap --------------------------------------------------------------------------------- */

static void rise(struct log_window *w, struct log_due due)
{
    size_t i = w->heap_count++;
    for (size_t up; i > 0 && earlier(&due, &w->heap[up = (i - 1) / 2]); i = up)
        w->heap[i] = w->heap[up];
    w->heap[i] = due;
}

/* Its first has become `due`. */
static void sink(struct log_window *w, struct log_due due)
{
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->heap_count; i = child) {
        if (child + 1 < w->heap_count && earlier(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!earlier(&w->heap[child], &due))
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = due;
}

/* --- both ------------------------------------------------------------------------------------- */

static struct log_due *in_run(const struct log_window *w, size_t i)
{
    return &w->run[(w->run_first + i) & (w->room - 1)];
}

/* There is room for it. */
static void put(struct log_window *w, struct log_due due)
{
    if (w->run_count > 0 && earlier(&due, in_run(w, w->run_count - 1)))
        rise(w, due);
    else
        *in_run(w, w->run_count++) = due;
}

static bool heap_is_first(const struct log_window *w)
{
    return w->heap_count > 0 && (w->run_count == 0 || earlier(w->heap, in_run(w, 0)));
}

static struct log_due *first_of(const struct log_window *w)
{
    return heap_is_first(w) ? w->heap : in_run(w, 0);
}

static void take_first(struct log_window *w)
{
    if (!heap_is_first(w)) {
        w->run_first++;
        w->run_count--;
    } else if (--w->heap_count > 0) {
        sink(w, w->heap[w->heap_count]);
    }
}

static void make_room(struct log_window *w)
{
    size_t before = w->room, room = before ? 2 * before : ROOM_LEAST;
    struct log_due *run = xcalloc(room, sizeof *run);
    for (size_t i = 0; i < w->run_count; i++)
        run[i] = *in_run(w, i);
    free(w->run);
    w->run = run;
    w->run_first = 0;
    w->room = room;
    w->heap = xrealloc(w->heap, room * sizeof *w->heap);
    w->free = xrealloc(w->free, room * sizeof *w->free);
    for (size_t i = 0; i < room - before; i++)
        w->free[i] = (uint32_t)(room - 1 - i);
}

void log_window_fini(struct log_window *w)
{
    free(w->run);
    free(w->heap);
    free(w->free);
    *w = (struct log_window){.room = 0};
}

size_t log_window_count(const struct log_window *w)
{
    return w->run_count + w->heap_count;
}

uint32_t log_window_put(struct log_window *w, int64_t until_ns, uint64_t line)
{
    if (log_window_count(w) == w->room)
        make_room(w);
    uint32_t place = w->free[w->room - log_window_count(w) - 1];
    put(w, (struct log_due){until_ns, line, place});
    return place;
}

uint32_t log_window_first(const struct log_window *w)
{
    return first_of(w)->place;
}

void log_window_drop_first(struct log_window *w)
{
    uint32_t place = log_window_first(w);
    take_first(w);
    w->free[w->room - log_window_count(w) - 1] = place;
}

void log_window_put_first_off(struct log_window *w, int64_t until_ns)
{
    struct log_due due = *first_of(w);
    due.until_ns = until_ns;
    if (heap_is_first(w)) {
        sink(w, due);
        return;
    }
    take_first(w);
    put(w, due);
}
