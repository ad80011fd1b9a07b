/* See outlet_window.h. Invariants: given <= count <= WINDOW_LINES; sequence numbers grow from the
 * first to the last. Thread: the bus's. */
#include "outlet_window.h"

#include "weir/base/buffer.h"

#include <assert.h>
#include <stdlib.h>

static void free_line(struct window *window, struct window_line *line)
{
    window->bytes -= line->record_size + line->rendered_size;
    free(line->record);
    free(line->rendered);
    *line = (struct window_line){0};
}

void window_fini(struct window *window)
{
    while (window->count > 0)
        window_pop(window);
    free(window->line);
    *window = (struct window){0};
}

bool window_full(const struct window *window)
{
    return window->count == WINDOW_LINES || window->bytes >= WINDOW_BYTES;
}

struct window_line *window_at(const struct window *window, size_t number)
{
    assert(number < window->count);
    return &window->line[(window->first + number) % WINDOW_LINES];
}

void window_push(struct window *window, const struct window_line *line)
{
    assert(window->count < WINDOW_LINES);
    if (!window->line)
        window->line = xcalloc(WINDOW_LINES, sizeof *window->line);
    window->line[(window->first + window->count++) % WINDOW_LINES] = *line;
    window->bytes += line->record_size + line->rendered_size;
}

void window_pop(struct window *window)
{
    free_line(window, window_at(window, 0));
    window->first = (window->first + 1) % WINDOW_LINES;
    window->count--;
    if (window->given > 0)
        window->given--;
}

struct window_line *window_find(const struct window *window, uint64_t sequence)
{
    size_t low = 0, high = window->given;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct window_line *line = window_at(window, middle);
        if (line->sequence == sequence)
            return line;
        if (line->sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void window_rewind(struct window *window)
{
    size_t kept = 0;
    for (size_t i = 0; i < window->count; i++) {
        struct window_line *line = window_at(window, i);
        if (line->refused) {
            free_line(window, line);
            continue;
        }
        struct window_line *to = window_at(window, kept++);
        if (to != line) {
            *to = *line;
            *line = (struct window_line){0};
        }
    }
    window->count = kept;
    window->given = 0;
}
