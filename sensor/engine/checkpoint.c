/* Exact restart.
 *
 *   batch → log (one write) → rings released → taken → …         each step
 *   nothing under way, and it is time: snapshot (temporary, fsync, rename), log begun anew
 *
 *   start: snapshot → log, through the same path as ever → rings, from where the log ends
 *
 * The state is a function of the entries (internal.h), so the snapshot and the entries behind it
 * make the same state, the same alerts and the same ids. What must not be said twice is not: an
 * alert whose id the journal has behind the snapshot is not published again. What the store
 * answered about a host is an entry too, because by now the store may know more.
 *
 * The snapshot has a number and the log names the one it follows, so a death between the two steps
 * leaves an old log, which is told by its number. A death in the middle of a write leaves a torn
 * end: its entries were not taken, and their ring was not released. No fsync of the log: it is
 * there for the death of a process; what a cut of power takes of it is lost, and the start says so.
 *
 * A log that killed three starts is set aside (.poison), a damaged one too (.damaged): better an
 * engine that begins anew than none. Thread: the engine's. */
#include "checkpoint.h"

#include "snapshot.h"
#include "weir/base/digest.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEED_ENTRIES 1024

static const uint8_t magic[8] = {'W', 'e', 'i', 'r', 's', 'n', 'a', 'p'};

struct snapshot_header {
    uint8_t magic[8];
    uint64_t layout, number, size; /* of the body */
    uint64_t journal;              /* the journal's last sequence number by then */
    int64_t time_ns;
    uint64_t body_hash, hash; /* the latter: of all before it */
};

static uint64_t header_hash(const struct snapshot_header *header)
{
    return hash64(header, offsetof(struct snapshot_header, hash), 0);
}

/* --- loading --------------------------------------------------------------------------------- */

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
    if (memcmp(header->magic, magic, sizeof magic) != 0 || header_hash(header) != header->hash)
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
    c->at = c->answers = LOG_FIRST;
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

static char *id_of(const char *line, size_t size)
{
    struct json_value *root = json_parse(line, size, NULL);
    const struct json_value *event = root ? json_get(root, "event") : NULL;
    const char *id = event ? json_text(json_get(event, "id")) : NULL;
    char *copy = xstrdup(id ? id : "");
    json_value_free(root);
    return copy;
}

static void note_told(void *context, const char *line, size_t size)
{
    struct checkpoint *c = context;
    char *id = id_of(line, size);
    map_put(&c->told, id, strlen(id), c);
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
    if (c->replaying && bus_each_since(engine->config.bus, journal, note_told, c, error) != 0)
        return CHECKPOINT_FAILED;
    return CHECKPOINT_READY;
}

void checkpoint_free(struct engine *engine)
{
    struct checkpoint *c = engine->checkpoint;
    if (!c)
        return;
    if (c->healthy)
        engine->config.loop.ops->drop(c->healthy);
    map_fini(&c->told, NULL);
    buffer_fini(&c->replay);
    log_close(&c->log);
    free(c->snapshot_path);
    free(c->log_path);
    free(c);
    engine->checkpoint = NULL;
}

/* --- replaying ------------------------------------------------------------------------------- */

bool checkpoint_replaying(const struct engine *engine)
{
    return engine->checkpoint && engine->checkpoint->replaying;
}

static void on_healthy(void *context)
{
    struct engine *engine = context;
    struct checkpoint *c = engine->checkpoint;
    engine->config.loop.ops->drop(c->healthy);
    c->healthy = NULL;
    if (c->log.fd >= 0 && log_set_attempts(&c->log, 0) != 0)
        log_warn("%s: %s", c->log_path, strerror(errno));
}

static void end_replay(struct engine *engine)
{
    struct checkpoint *c = engine->checkpoint;
    struct loop_ref loop = engine->config.loop;
    if (c->told.count > 0)
        log_warn("checkpoint: %zu alerts of the journal were not found again", c->told.count);
    map_fini(&c->told, NULL);
    map_init(&c->told);
    buffer_fini(&c->replay);
    c->replaying = false;
    c->healthy = loop.ops->timer(loop.loop, CHECKPOINT_HEALTHY_NS, on_healthy, engine);
}

void checkpoint_feed(struct engine *engine)
{
    struct checkpoint *c = engine->checkpoint;
    if (c->at >= c->replay.size) {
        end_replay(engine);
        return;
    }
    for (int n = 0; n < FEED_ENTRIES && c->at < c->replay.size; n++) {
        const struct entry *entry = log_entry(c->replay.data, c->at);
        c->at += sizeof *entry + entry->size;
        entry_take(engine, entry);
    }
}

bool checkpoint_told(struct engine *engine, const char *line)
{
    struct checkpoint *c = engine->checkpoint;
    if (!checkpoint_replaying(engine) || c->told.count == 0)
        return false;
    char *id = id_of(line, strlen(line));
    bool told = map_remove(&c->told, id, strlen(id)) != NULL;
    free(id);
    return told;
}

/* Answers come in the order of the questions, which is the same as then. */
bool checkpoint_answer(struct engine *engine, const struct ip *ip, const void **blob, size_t *size)
{
    struct checkpoint *c = engine->checkpoint;
    if (!checkpoint_replaying(engine))
        return false;
    while (c->answers < c->replay.size) {
        const struct entry *entry = log_entry(c->replay.data, c->answers);
        c->answers += sizeof *entry + entry->size;
        if (entry->kind != ENTRY_LOADED)
            continue;
        const struct entry_loaded *loaded = (const void *)(entry + 1);
        if (ip_compare(&loaded->host, ip) != 0)
            log_warn("checkpoint: the log has an answer about another host");
        *size = loaded->blob_size;
        *blob = loaded->blob_size ? loaded + 1 : NULL;
        return ip_compare(&loaded->host, ip) == 0;
    }
    return false;
}

/* --- logging --------------------------------------------------------------------------------- */

void checkpoint_log(struct engine *engine, uint8_t *batch, size_t size)
{
    struct checkpoint *c = engine->checkpoint;
    struct error error = {0};
    if (!c || c->broken)
        return;
    if (c->log.bytes > CHECKPOINT_LOG_TOO_BIG)
        error_set(&error, ERROR_RUN, "%" PRIu64 " bytes and no snapshot", c->log.bytes);
    if (error.code == ERROR_NONE && log_append(&c->log, batch, size, &error) == 0)
        return;
    c->broken = c->wanted = true;
    c->failures++;
    log_error("%s: %s; until a snapshot succeeds, a restart is not exact", c->log_path,
              error.message);
}

void checkpoint_log_answer(struct engine *engine, const struct ip *ip, const void *blob,
                           size_t size)
{
    static const uint8_t padding[8];
    struct entry_loaded loaded = {.host = *ip, .blob_size = (uint32_t)size};
    size_t padded = (size + 7) & ~(size_t)7;
    struct entry entry = {.kind = ENTRY_LOADED, .size = (uint32_t)(sizeof loaded + padded)};
    struct buffer bytes = {0};
    if (!engine->checkpoint || entry.size > ENTRY_BYTES_MAX)
        return;
    buffer_put(&bytes, &entry, sizeof entry);
    buffer_put(&bytes, &loaded, sizeof loaded);
    if (size > 0)
        buffer_put(&bytes, blob, size);
    buffer_put(&bytes, padding, padded - size);
    checkpoint_log(engine, bytes.data, bytes.size);
    buffer_fini(&bytes);
}

/* --- snapshots ------------------------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(fd, (const uint8_t *)data + done, size - done);
        if (wrote < 0 && errno != EINTR)
            return -1;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

/* So that the name survives a cut of power. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        log_warn("%s: cannot be synced: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static int write_file(const struct engine *engine, const struct buffer *bytes, struct error *error)
{
    const char *path = engine->checkpoint->snapshot_path;
    char *temporary = xasprintf("%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int failed = fd < 0 || write_all(fd, bytes->data, bytes->size) != 0 || fsync(fd) != 0 ||
                 rename(temporary, path) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: %s", temporary, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (failed)
        unlink(temporary);
    else
        sync_folder(engine->config.folder);
    free(temporary);
    return failed ? -1 : 0;
}

static void pack_file(const struct engine *engine, uint64_t number, struct buffer *bytes)
{
    struct snapshot_header header = {.layout = snapshot_layout(),
                                     .number = number,
                                     .journal = bus_last(engine->config.bus),
                                     .time_ns = engine->order.complete.ns};
    memcpy(header.magic, magic, sizeof magic);
    buffer_put(bytes, &header, sizeof header);
    snapshot_pack(engine, bytes);
    header.size = bytes->size - sizeof header;
    header.body_hash = hash64(bytes->data + sizeof header, header.size, number);
    header.hash = header_hash(&header);
    memcpy(bytes->data, &header, sizeof header);
}

int checkpoint_take(struct engine *engine, struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    struct buffer bytes = {0};
    struct wtime began = wtime_now();
    /* The journal first: what the snapshot takes for told must be. */
    if (bus_flush(engine->config.bus, error) != 0)
        return -1;
    pack_file(engine, c->number + 1, &bytes);
    size_t size = bytes.size;
    int failed = write_file(engine, &bytes, error);
    buffer_fini(&bytes);
    if (failed)
        return -1;
    c->number++;
    c->bytes = size;
    c->taken++;
    c->time = engine->order.complete;
    c->wall = wtime_now();
    c->wanted = c->broken = false;
    c->retry_bytes = 0;
    if (log_begin(&c->log, c->log_path, snapshot_layout(), c->number, error) != 0) {
        c->broken = c->wanted = true;
        return -1;
    }
    log_debug("checkpoint %" PRIu64 ": %zu bytes in %" PRId64 " us", c->number, size,
              (c->wall.ns - began.ns) / NS_PER_US);
    return 0;
}

static bool is_due(const struct engine *engine)
{
    const struct checkpoint *c = engine->checkpoint;
    if (c->log.bytes < c->retry_bytes)
        return false;
    return c->wanted || c->log.bytes > CHECKPOINT_LOG_BYTES ||
           (c->log.bytes > CHECKPOINT_LITTLE &&
            engine->order.complete.ns / NS_PER_S - c->time.ns / NS_PER_S >=
                CHECKPOINT_NS / NS_PER_S);
}

void checkpoint_when_due(struct engine *engine)
{
    struct checkpoint *c = engine->checkpoint;
    struct error error = {0};
    if (!c || !is_due(engine) || checkpoint_take(engine, &error) == 0)
        return;
    c->failures++;
    if (c->retry_bytes == 0)
        log_error("checkpoint: %s; the log goes on", error.message);
    c->retry_bytes = c->log.bytes + CHECKPOINT_LITTLE;
}

int engine_checkpoint(struct engine *engine, struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    if (!c)
        return error_set(error, ERROR_RUN, "checkpoint: no folder to keep it in");
    c->wanted = true;
    c->retry_bytes = 0;
    if (!engine_is_idle(engine) || c->replaying)
        return 0;
    return checkpoint_take(engine, error);
}
