/* One buffer, of the longest line there may be. Nothing is looked at twice. */
#include "log_lines.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

void log_lines_init(struct log_lines *lines, const struct log_io *io)
{
    *lines = (struct log_lines){.io = *io, .bytes = xcalloc(1, LOG_LINE_BYTES)};
}

void log_lines_fini(struct log_lines *lines)
{
    free(lines->bytes);
    lines->bytes = NULL;
}

static void refill(struct log_lines *lines)
{
    memmove(lines->bytes, lines->bytes + lines->at, lines->size - lines->at);
    lines->size -= lines->at;
    lines->at = 0;
    ssize_t got =
        lines->io.read(lines->io.context, lines->bytes + lines->size, LOG_LINE_BYTES - lines->size);
    if (got > 0)
        lines->size += (size_t)got;
    lines->ended = got <= 0;
}

/* Takes what is up to `end`, NULL: the rest. */
static enum log_line cut(struct log_lines *lines, const uint8_t *end, const char **line,
                         size_t *size)
{
    const uint8_t *begin = lines->bytes + lines->at;
    bool skipped = lines->skips;
    *line = (const char *)begin;
    *size = end ? (size_t)(end - begin) : lines->size - lines->at;
    lines->at += *size + (end != NULL);
    lines->skips = false;
    return skipped ? LOG_LINE_TOO_LONG : LOG_LINE;
}

enum log_line log_lines_next(struct log_lines *lines, const char **line, size_t *size)
{
    for (size_t looked = 0;;) {
        size_t left = lines->size - lines->at;
        const uint8_t *end = memchr(lines->bytes + lines->at + looked, '\n', left - looked);
        looked = left;
        if (end || (lines->ended && (left > 0 || lines->skips)))
            return cut(lines, end, line, size);
        if (lines->ended)
            return LOG_LINE_NONE;
        if (left == LOG_LINE_BYTES) {
            lines->at = lines->size = looked = 0;
            lines->skips = true;
        }
        refill(lines);
    }
}
