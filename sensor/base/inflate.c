/* Members one after the other, whatever the compression: the rows read one member each. What comes
 * after a member is padding (zeros, as gzip and xz have it) or the next one, in the same
 * compression; the row's library says whether it is. Every step either uses input, makes output, or
 * ends the loop, so no input can keep us here. Thread: the caller's. */
#include "weir/base/inflate.h"

#include "inflate_rows.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

static const struct inflate_row *const rows[] = {&inflate_gzip, &inflate_zstd, &inflate_lz4,
                                                 &inflate_xz};
static const struct inflate_row *const named[] = {&inflate_gzip, &inflate_zstd, &inflate_deflate,
                                                  &inflate_brotli};
#define ROWS  (sizeof rows / sizeof *rows)
#define NAMED (sizeof named / sizeof *named)

struct inflate {
    const struct inflate_row *row;
    void *state;
    bool inside; /* a member */
    bool ended;  /* the only one */
    enum inflate_result result;
};

static const struct inflate_row *row_of(const void *head, size_t size)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i]->recognise(head, size))
            return rows[i];
    return NULL;
}

const char *inflate_recognise(const void *head, size_t size)
{
    const struct inflate_row *row = row_of(head, size);
    return row ? row->name : NULL;
}

static struct inflate *new_of(const struct inflate_row *row, size_t window_bytes)
{
    if (!row)
        return NULL;
    struct inflate *inflate = xcalloc(1, sizeof *inflate);
    inflate->row = row;
    inflate->inside = !row->recognise; /* its first byte may be a zero, which is no padding */
    inflate->state = row->open(window_bytes);
    if (!inflate->state)
        inflate->result = INFLATE_TOO_LARGE;
    return inflate;
}

struct inflate *inflate_new(const void *head, size_t size)
{
    return new_of(row_of(head, size), INFLATE_WINDOW_BYTES);
}

struct inflate *inflate_new_named(const char *name, size_t window_bytes)
{
    for (size_t i = 0; i < NAMED; i++)
        if (strcmp(named[i]->name, name) == 0)
            return new_of(named[i], window_bytes);
    return NULL;
}

size_t inflate_memory_bytes(const struct inflate *inflate)
{
    return inflate->state && inflate->row->memory_bytes ? inflate->row->memory_bytes(inflate->state)
                                                        : 0;
}

void inflate_free(struct inflate *inflate)
{
    if (!inflate)
        return;
    if (inflate->state)
        inflate->row->close(inflate->state);
    free(inflate);
}

const char *inflate_name(const struct inflate *inflate)
{
    return inflate->row->name;
}

bool inflate_is_complete(const struct inflate *inflate)
{
    return inflate->result == INFLATE_OK && !inflate->inside;
}

static bool step_between(struct inflate *inflate, struct inflate_step *step)
{
    while (step->in_size > 0 && *step->in == 0) {
        step->in++;
        step->in_size--;
    }
    if (step->in_size == 0)
        return false;
    if (inflate->ended) { /* there is no second one: these bytes are something else */
        inflate->result = INFLATE_DAMAGED;
        return false;
    }
    inflate->inside = inflate->row->begin(inflate->state);
    if (!inflate->inside)
        inflate->result = INFLATE_TOO_LARGE;
    return inflate->inside;
}

enum inflate_result inflate_go_on(struct inflate *inflate, struct inflate_step *step)
{
    while (inflate->result == INFLATE_OK && step->out_size > 0) {
        if (!inflate->inside && !step_between(inflate, step))
            break;
        size_t in = step->in_size, out = step->out_size;
        switch (inflate->row->go_on(inflate->state, step)) {
        case MEMBER_GOES_ON:
            break;
        case MEMBER_ENDS:
            inflate->inside = false;
            inflate->ended = !inflate->row->recognise;
            continue;
        case MEMBER_DAMAGED:
            inflate->result = INFLATE_DAMAGED;
            continue;
        case MEMBER_TOO_LARGE:
            inflate->result = INFLATE_TOO_LARGE;
            continue;
        }
        if (step->in_size == in && step->out_size == out) {
            if (in > 0)
                inflate->result = INFLATE_DAMAGED; /* it neither reads nor writes */
            break;
        }
    }
    return inflate->result;
}
