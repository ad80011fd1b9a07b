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
 * answered about a host is an entry too, because by now the store may know more; so is that other
 * sensors were waited for (close_turn.c).
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
#include "weir/base/folder.h"
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

const uint8_t snapshot_magic[8] = {'W', 'e', 'i', 'r', 's', 'n', 'a', 'p'};

uint64_t snapshot_header_hash(const struct snapshot_header *header)
{
    return hash64(header, offsetof(struct snapshot_header, hash), 0);
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

void checkpoint_outlived(const struct engine *engine)
{
    const struct checkpoint *c = engine->checkpoint;
    if (c && c->log.fd >= 0 && log_set_attempts(&c->log, 0) != 0)
        log_warn("%s: %s", c->log_path, strerror(errno));
}

static void on_healthy(void *context)
{
    struct engine *engine = context;
    struct checkpoint *c = engine->checkpoint;
    engine->config.loop.ops->drop(c->healthy);
    c->healthy = NULL;
    checkpoint_outlived(engine);
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
    loads_ask(engine); /* what the log has no answer to */
    c->healthy_bytes = c->log.bytes + CHECKPOINT_HEALTHY_LOG;
    c->healthy = loop.ops->timer(loop.loop, CHECKPOINT_HEALTHY_NS, on_healthy, engine);
    memory_begin(engine);
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
        bool answer = entry->kind == ENTRY_LOADED || entry->kind == ENTRY_ELSEWHERE;
        if (answer && n > 0) /* all before it is consumed first */
            return;
        c->at += sizeof *entry + entry->size;
        entry_take(engine, entry);
    }
}

/* "" of what people did, too: no entry of the log says it again. */
char *checkpoint_id_of(const char *line, size_t size)
{
    struct json_value *root = json_parse(line, size, NULL);
    const struct json_value *event = root ? json_get(root, "event") : NULL;
    const char *id = event ? json_text(json_get(event, "id")) : NULL;
    const char *kind = event ? json_text(json_get(event, "kind")) : NULL;
    if (kind && strcmp(kind, "event") == 0)
        id = NULL;
    char *copy = xstrdup(id ? id : "");
    json_value_free(root);
    return copy;
}

bool checkpoint_told(struct engine *engine, const char *line)
{
    struct checkpoint *c = engine->checkpoint;
    if (!checkpoint_replaying(engine) || c->told.count == 0)
        return false;
    char *id = checkpoint_id_of(line, strlen(line));
    bool told = map_remove(&c->told, id, strlen(id)) != NULL;
    free(id);
    return told;
}

bool checkpoint_has(const struct engine *engine, const char *id, bool *was_silenced)
{
    const struct checkpoint *c = engine->checkpoint;
    if (!checkpoint_replaying(engine))
        return false;
    const bool *how = map_get(&c->told, id, strlen(id));
    *was_silenced = how == &c->told_silenced;
    return how != NULL;
}

bool checkpoint_waited(const struct engine *engine, int64_t through)
{
    const struct checkpoint *c = engine->checkpoint;
    if (!checkpoint_replaying(engine))
        return false;
    for (size_t at = LOG_FIRST; at < c->replay.size;) {
        const struct entry *entry = log_entry(c->replay.data, at);
        const struct entry_waited *waited = (const void *)(entry + 1);
        if (entry->kind == ENTRY_WAITED && waited->through == through)
            return true;
        at += sizeof *entry + entry->size;
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
    if (error.code == ERROR_NONE && log_append(&c->log, batch, size, &error) == 0) {
        if (c->healthy && c->log.bytes > c->healthy_bytes)
            on_healthy(engine);
        return;
    }
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

void checkpoint_log_wait(struct engine *engine, int64_t through)
{
    struct {
        struct entry entry;
        struct entry_waited waited;
    } wait = {{.kind = ENTRY_WAITED, .size = sizeof wait.waited}, {through}};
    if (engine->checkpoint && !engine->checkpoint->replaying)
        checkpoint_log(engine, (uint8_t *)&wait, sizeof wait);
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
    else if (folder_sync(engine->config.folder) != 0)
        log_warn("%s: cannot be synced: %s", engine->config.folder, strerror(errno));
    free(temporary);
    return failed ? -1 : 0;
}

static void pack_file(const struct engine *engine, uint64_t number, struct buffer *bytes)
{
    struct snapshot_header header = {.layout = snapshot_layout(),
                                     .number = number,
                                     .journal = publisher_last(engine->config.publisher),
                                     .time_ns = engine->order.complete.ns};
    memcpy(header.magic, snapshot_magic, sizeof header.magic);
    buffer_put(bytes, &header, sizeof header);
    snapshot_pack(engine, bytes);
    header.size = bytes->size - sizeof header;
    header.body_hash = hash64(bytes->data + sizeof header, header.size, number);
    header.hash = snapshot_header_hash(&header);
    memcpy(bytes->data, &header, sizeof header);
}

int checkpoint_take(struct engine *engine, struct error *error)
{
    struct checkpoint *c = engine->checkpoint;
    struct buffer bytes = {0};
    struct wtime began = wtime_now();
    /* The journal first: what the snapshot takes for told must be. */
    if (publisher_flush(engine->config.publisher, error) != 0)
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
    c->wanted = c->broken = engine->unsaved = false;
    noise_keep(engine);
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
    checkpoint_outlived(engine);
    if (!engine_is_idle(engine) || c->replaying)
        return 0;
    return checkpoint_take(engine, error);
}
