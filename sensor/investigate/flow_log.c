/* Flows of a sensor that runs: see weir/investigate/flow_log.h. What is in the file when it is
 * opened is known by its lines' hashes until the engine has told everything again; they take 16
 * bytes a line for so long. Thread: the engine's. */
#include "weir/investigate/flow_log.h"

#include "flow_line.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct flow_log {
    char *path;
    int fd;
    const char *const *vantage;
    struct json *json;
    uint64_t *known; /* hashes of the lines that were there, sorted */
    size_t known_count, known_room;
    uint64_t lost;
};

/* --- what is there --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static void know(struct flow_log *log, const char *line, size_t size)
{
    if (log->known_count == log->known_room) {
        log->known_room = log->known_room ? 2 * log->known_room : 1024;
        log->known = xrealloc(log->known, log->known_room * sizeof *log->known);
    }
    log->known[log->known_count++] = hash64(line, size, 0);
}

static int read_lines(struct flow_log *log, struct error *error)
{
    FILE *file = fopen(log->path, "rbe");
    char *line = NULL;
    size_t room = 0;
    off_t end = 0;
    if (!file)
        return error_set(error, ERROR_RUN, "%s: %s", log->path, strerror(errno));
    for (ssize_t size; (size = getline(&line, &room, file)) > 0 && line[size - 1] == '\n';
         end += size)
        know(log, line, (size_t)size - 1);
    fclose(file);
    free(line);
    if (log->known_count > 0)
        qsort(log->known, log->known_count, sizeof *log->known, by_value);
    if (ftruncate(log->fd, end) != 0)
        return error_set(error, ERROR_RUN, "%s: its last line cannot be cut: %s", log->path,
                         strerror(errno));
    return 0;
}

static bool is_known(const struct flow_log *log, const char *line, size_t size)
{
    uint64_t hash = hash64(line, size, 0);
    return log->known_count > 0 &&
           bsearch(&hash, log->known, log->known_count, sizeof hash, by_value) != NULL;
}

static void forget(struct flow_log *log)
{
    free(log->known);
    log->known = NULL;
    log->known_count = log->known_room = 0;
}

struct flow_log *flow_log_open(const char *path, const char *const *vantage, bool anew,
                               struct error *error)
{
    struct flow_log *log = xcalloc(1, sizeof *log);
    log->path = xstrdup(path);
    log->vantage = vantage;
    log->json = json_new();
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (anew ? O_TRUNC : 0), 0640);
    if (log->fd < 0)
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    if (log->fd >= 0 && (anew || read_lines(log, error) == 0))
        return log;
    flow_log_close(log);
    return NULL;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void append(struct flow_log *log, const char *line, size_t size)
{
    ssize_t wrote = write(log->fd, line, size);
    if (wrote == (ssize_t)size)
        return;
    if (log->lost++ == 0)
        log_error("%s: %s; flows are not told there", log->path,
                  wrote < 0 ? strerror(errno) : "the disk is full");
}

void flow_log_add(struct flow_log *log, const struct flow_view *view, bool again)
{
    if (view->record->end == FLOW_OPEN)
        return;
    if (!again && log->known)
        forget(log);
    char *line = flow_line(log->json, log->vantage, view);
    size_t size = strlen(line);
    if (!again || !is_known(log, line, size)) {
        line[size] = '\n';
        append(log, line, size + 1);
    }
    free(line);
}

uint64_t flow_log_lost(const struct flow_log *log)
{
    return log->lost;
}

void flow_log_close(struct flow_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    forget(log);
    json_free(log->json);
    free(log->path);
    free(log);
}
