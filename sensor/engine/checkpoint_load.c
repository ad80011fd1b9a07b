/* The start from a checkpoint: what is there is read, held against its checksums, and either gone
 * on from or set aside under another name, said. Thread: the engine's. */
#include "checkpoint.h"

#include "snapshot.h"
#include "weir/base/digest.h"
#include "weir/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum checkpoint_result set_aside(struct checkpoint *c, const char *suffix, const char *why)
{
    const char *path[] = {c->snapshot_path, c->log_path};
    for (size_t i = 0; i < 2; i++) {
        char *to = xasprintf("%s.%s", path[i], suffix);
        if (rename(path[i], to) != 0 && errno != ENOENT)
            log_error("%s: cannot be set aside: %s", path[i], strerror(errno));
        free(to);
    }
    log_error("checkpoint: %s: set aside as %s.%s, the engine begins anew", why, c->snapshot_path,
              suffix);
    return CHECKPOINT_AGAIN;
}

static enum log_result read_snapshot(const struct checkpoint *c, struct buffer *bytes,
                                     struct snapshot_header *header)
{
    enum log_result result = log_read(c->snapshot_path, bytes);
    if (result != LOG_OK)
        return result;
    if (bytes->size < sizeof *header)
        return LOG_DAMAGED;
    memcpy(header, bytes->data, sizeof *header);
    if (memcmp(header->magic, snapshot_magic, sizeof header->magic) != 0 ||
        snapshot_header_hash(header) != header->hash)
        return LOG_DAMAGED;
    if (header->layout != snapshot_layout())
        return LOG_OTHER;
    bool whole =
        bytes->size - sizeof *header == header->size &&
        hash64(bytes->data + sizeof *header, header->size, header->number) == header->body_hash;
    return whole ? LOG_OK : LOG_DAMAGED;
}

static enum checkpoint_result load_snapshot(struct engine *engine, uint64_t *journal,
                                            struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    struct snapshot_header header = {.number = 0};
    struct buffer bytes = {0};
    enum checkpoint_result result = CHECKPOINT_READY;
    switch (read_snapshot(c, &bytes, &header)) {
    case LOG_OK: {
        struct cursor in = cursor_make(bytes.data + sizeof header, header.size);
        if (!snapshot_unpack(engine, &in))
            result = set_aside(c, "damaged", "the snapshot is not well-formed");
        break;
    }
    case LOG_NONE:
        break;
    case LOG_OTHER:
        result = set_aside(c, "old", "the snapshot is another build's");
        break;
    case LOG_DAMAGED:
        result = set_aside(c, "damaged", "the snapshot is damaged");
        break;
    case LOG_ERROR:
        error_set(error, ERROR_RUN, "%s: %s", c->snapshot_path, strerror(errno));
        result = CHECKPOINT_FAILED;
        break;
    }
    c->number = header.number;
    c->time.ns = header.time_ns;
    c->bytes = bytes.size;
    *journal = header.journal;
    buffer_fini(&bytes);
    return result;
}

static void note_resume(struct checkpoint *c, const struct entry *entry)
{
    struct resume *resume = &c->resume[entry->worker];
    if (entry->kind == ENTRY_ATTACH)
        *resume = (struct resume){.known = true, .incarnation = entry->incarnation};
    if (entry->kind == ENTRY_LOST)
        resume->settled = true;
    if (entry->kind == ENTRY_ATTACH || entry->kind == ENTRY_RECORD)
        resume->position = entry->position;
}

static void note_positions(struct engine *engine, size_t end)
{
    struct checkpoint *c = engine->checkpoint;
    for (uint32_t i = 0; i < ENGINE_WORKERS_MAX; i++) {
        const struct worker *worker = &engine->worker[i];
        c->resume[i] = (struct resume){.known = worker->position > 0 || worker->attached,
                                       .settled = !worker->attached,
                                       .incarnation = worker->incarnation,
                                       .position = worker->position};
    }
    for (size_t at = LOG_FIRST; at < end;) {
        const struct entry *entry = log_entry(c->replay.data, at);
        note_resume(c, entry);
        at += sizeof *entry + entry->size;
    }
}

static enum checkpoint_result use_log(struct engine *engine, const struct log_header *header,
                                      size_t end, struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    if (header->number < c->number) { /* died between the snapshot and the log's new beginning */
        buffer_fini(&c->replay);
        return log_begin(&c->log, c->log_path, snapshot_layout(), c->number, error) == 0
                   ? CHECKPOINT_READY
                   : CHECKPOINT_FAILED;
    }
    if (header->number > c->number)
        return set_aside(c, "damaged", "the log follows a snapshot that is not there");
    if (header->attempts >= CHECKPOINT_ATTEMPTS)
        return set_aside(c, "poison", "this log ended the engine three times");
    if (end < c->replay.size)
        log_warn("%s: its last %zu bytes were half an entry and are cut", c->log_path,
                 c->replay.size - end);
    if (log_open(&c->log, c->log_path, header, end, error) != 0)
        return CHECKPOINT_FAILED;
    c->replay.size = end;
    c->at = LOG_FIRST;
    c->replaying = end > LOG_FIRST;
    if (c->replaying && log_set_attempts(&c->log, header->attempts + 1) != 0)
        log_warn("%s: %s", c->log_path, strerror(errno));
    return CHECKPOINT_READY;
}

static enum checkpoint_result load_log(struct engine *engine, struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    struct log_header header;
    size_t end = LOG_FIRST;
    enum log_result result = log_read(c->log_path, &c->replay);
    if (result == LOG_OK)
        result = log_check(c->replay.data, c->replay.size, snapshot_layout(), &header, &end);
    switch (result) {
    case LOG_OK:
        return use_log(engine, &header, end, error);
    case LOG_NONE:
        buffer_fini(&c->replay);
        if (c->number == 0 ||
            log_begin(&c->log, c->log_path, snapshot_layout(), c->number, error) == 0)
            return CHECKPOINT_READY;
        return CHECKPOINT_FAILED;
    case LOG_OTHER:
        return set_aside(c, "old", "the log is another build's");
    case LOG_DAMAGED:
        return set_aside(c, "damaged", "the log is damaged in its middle");
    case LOG_ERROR:
        break;
    }
    error_set(error, ERROR_RUN, "%s: %s", c->log_path, strerror(errno));
    return CHECKPOINT_FAILED;
}

static void note_told(void *context, const char *line, size_t size)
{
    struct checkpoint *c = context;
    char *id = checkpoint_id_of(line, size);
    static const char mark[] = "\"silenced\":{"; /* within a text its quotes are escaped */
    bool silenced = memmem(line, size, mark, sizeof mark - 1) != NULL;
    if (*id)
        map_put(&c->told, id, strlen(id), silenced ? &c->told_silenced : &c->told_aloud);
    free(id);
}

enum checkpoint_result checkpoint_load(struct engine *engine, struct error *error)
{
    struct checkpoint *c = engine->checkpoint = xcalloc(1, sizeof *c);
    uint64_t journal = 0;
    c->snapshot_path = xasprintf("%s/checkpoint.snapshot", engine->config.folder);
    c->log_path = xasprintf("%s/checkpoint.log", engine->config.folder);
    c->log.fd = -1;
    c->wall = wtime_now();
    map_init(&c->told);
    enum checkpoint_result result = load_snapshot(engine, &journal, error);
    if (result == CHECKPOINT_READY)
        result = load_log(engine, error);
    if (result != CHECKPOINT_READY)
        return result;
    note_positions(engine, c->replay.size);
    engine->resumed = c->number > 0 && engine->config.sensor_starts;
    if (c->replaying &&
        publisher_each_since(engine->config.publisher, journal, note_told, c, error) != 0)
        return CHECKPOINT_FAILED;
    return CHECKPOINT_READY;
}
