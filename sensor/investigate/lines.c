/* See lines.h. */
#include "lines.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (64u << 10)

struct reading {
    void (*each)(void *context, const char *line, size_t size);
    void *context;
    struct lines *lines;
    struct buffer line; /* the beginning of one that is not whole yet */
    bool skips;         /* … which is too long */
};

static void end_line(struct reading *r, const uint8_t *data, size_t size)
{
    r->lines->lines++;
    if (r->skips || r->line.size + size > LINE_MAX_BYTES) {
        r->lines->skipped++;
    } else if (r->line.size == 0) {
        r->each(r->context, (const char *)data, size);
    } else {
        buffer_put(&r->line, data, size);
        r->each(r->context, (const char *)r->line.data, r->line.size);
    }
    r->line.size = 0;
    r->skips = false;
}

static void take(struct reading *r, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        if (end) {
            end_line(r, data, length++);
        } else if (r->line.size + length > LINE_MAX_BYTES) {
            r->skips = true;
            r->line.size = 0;
        } else if (!r->skips) {
            buffer_put(&r->line, data, length);
        }
        data += length;
        size -= length;
    }
}

static int read_all(struct reading *r, FILE *file)
{
    struct sha256 *sha = sha256_new();
    uint8_t *chunk = xcalloc(1, CHUNK);
    size_t size;
    while ((size = fread(chunk, 1, CHUNK, file)) > 0) {
        sha256_put(sha, chunk, size);
        r->lines->bytes += size;
        take(r, chunk, size);
    }
    if (r->line.size > 0 || r->skips)
        end_line(r, chunk, 0);
    sha256_take(sha, r->lines->sha256);
    free(chunk);
    buffer_fini(&r->line);
    return ferror(file) ? -1 : 0;
}

int lines_each(const char *path, void (*each)(void *context, const char *line, size_t size),
               void *context, struct lines *lines, bool *absent, struct error *error)
{
    struct reading r = {.each = each, .context = context, .lines = lines};
    FILE *file = fopen(path, "re");
    *lines = (struct lines){.bytes = 0};
    if (absent)
        *absent = !file && errno == ENOENT;
    if (!file && absent && *absent)
        return 0;
    int failed = !file || read_all(&r, file) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    return failed ? -1 : 0;
}
