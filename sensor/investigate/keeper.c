/* The keeper's life and rounds: see weir/investigate/keeper.h. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE_NS  (2 * NS_PER_S)  /* what a death of this process may cost to be looked at again */
#define LOOK_NS  (60 * NS_PER_S) /* is the time of anything over? */
#define AGAIN_NS (5 * NS_PER_S)  /* what is not in the journal is said again */
#define IDLE_NS  NS_PER_DAY      /* an incident that nobody closed */

int64_t keeper_now(const struct keeper *keeper)
{
    if (keeper->config.now_ns)
        return keeper->config.now_ns();
    return ptime_now().ns;
}

char *keeper_held_path(const char *folder, uint32_t worker)
{
    return xasprintf("%s/evidence-ring/worker-%u", folder, worker);
}

/* --- incidents ---------------------------------------------------------------------------------
 */

char *kept_path(const struct keeper *keeper, const struct kept *kept, const char *name)
{
    return xasprintf("%s/%s%s%s", keeper->folder, kept->id, *name ? "/" : "", name);
}

struct kept *keeper_get(const struct keeper *keeper, const char *id)
{
    return map_get(&keeper->by_id, id, strlen(id));
}

static uint32_t count_open(const struct keeper *keeper, struct kept **lowest)
{
    uint32_t open = 0;
    *lowest = NULL;
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (!kept->open || kept->leaving)
            continue;
        open++;
        if (!*lowest || kept->score < (*lowest)->score)
            *lowest = kept;
    }
    return open;
}

/* Those that leave have no place any more, though they are there until the journal says so. */
static bool has_folder(struct keeper *keeper, int score)
{
    size_t staying = 0;
    for (size_t i = 0; i < keeper->count; i++)
        staying += !keeper->kept[i]->leaving;
    if (keeper->count >= KEEPER_FOLDERS)
        return false;
    while (staying >= KEEPER_KEPT && keeper_make_place(keeper, score))
        staying--;
    return staying < KEEPER_KEPT;
}

/* The lowest score is followed no further for the sake of a higher one. */
static bool find_place(struct keeper *keeper, int score)
{
    struct kept *lowest;
    if (count_open(keeper, &lowest) >= KEEPER_OPEN && lowest->score >= score)
        return false;
    if (!has_folder(keeper, score))
        return false;
    if (count_open(keeper, &lowest) < KEEPER_OPEN)
        return true;
    log_warn("evidence: more than %u incidents are open: incident %s, score %d, is followed no "
             "further",
             KEEPER_OPEN, lowest->id, lowest->score);
    lowest->open = false;
    lowest->changed = lowest->dirty = true;
    keeper->match_stale = true;
    return true;
}

struct kept *keeper_make(struct keeper *keeper, const char *id, int score)
{
    if (!find_place(keeper, score)) {
        keeper->counts.beyond_incidents++;
        return NULL;
    }
    struct kept *kept = xcalloc(1, sizeof *kept);
    snprintf(kept->id, sizeof kept->id, "%s", id);
    kept->score = score;
    kept->open = kept->dirty = true;
    kept->first = kept->held_from = PTIME_MAX;
    kept->last = PTIME_MIN;
    kept->began_ns = kept->written_ns = keeper_now(keeper);
    map_init(&kept->flow_of);
    char *path = kept_path(keeper, kept, "");
    rmdir(path); /* an empty one; what is in another is not ours to write over */
    if (mkdir(path, 0750) != 0) {
        log_warn("%s: %s: no evidence is kept of it", path, strerror(errno));
        keeper->counts.failures++;
        kept_free(kept);
        kept = NULL;
    } else {
        keeper->kept = xrealloc(keeper->kept, (keeper->count + 1) * sizeof(struct kept *));
        keeper->kept[keeper->count++] = kept;
        map_put(&keeper->by_id, kept->id, strlen(kept->id), kept);
        kept_save(keeper, kept); /* from now on it is known to be ours */
    }
    free(path);
    return kept;
}

void kept_free(struct kept *kept)
{
    pcapng_out_free(kept->out);
    map_fini(&kept->flow_of, NULL);
    free(kept->id_of_flow);
    free(kept->pair);
    for (size_t i = 0; i < kept->flows; i++)
        free(kept->flow[i]);
    free(kept->flow);
    free(kept->file);
    free(kept);
}

/* --- rounds ------------------------------------------------------------------------------------
 */

/* A ring that is not there yet is looked for again. */
static void open_rings(struct keeper *keeper)
{
    keeper->no_room_for = -1;
    for (uint32_t i = 0; i < keeper->config.workers; i++) {
        struct error ignored = {0};
        if (keeper->reader[i])
            continue;
        char *path = keeper_held_path(keeper->config.folder, i);
        keeper->reader[i] = evidence_reader_open(path, keeper->config.segment_bytes, &ignored);
        free(path);
        if (!keeper->reader[i])
            continue;
        /* another ring than the one whose numbers are known begins again */
        uint64_t end = evidence_reader_end(keeper->reader[i]).number;
        for (size_t k = 0; k < keeper->count; k++)
            if (keeper->kept[k]->next[i] > end)
                keeper->kept[k]->next[i] = 0;
    }
}

static void say_seal(struct keeper *keeper, struct kept *kept, int64_t now)
{
    if (!*kept->head || strcmp(kept->head, kept->told) == 0 ||
        (kept->said_ns != 0 && now - kept->said_ns < AGAIN_NS && now >= kept->said_ns))
        return;
    kept->said_ns = now;
    char *message = xasprintf(
        "evidence sealed: %zu files, %llu packets%s; head %s", kept->files,
        (unsigned long long)kept->packets,
        kept->held_from.ns > kept->first.ns ? " (the first of it was not held any more)" : "",
        kept->head);
    keeper->config.say(keeper->config.context, "evidence.seal", kept->id, message);
    free(message);
}

static void close_idle(struct keeper *keeper, struct kept *kept, int64_t now)
{
    if (!kept->open || now - kept->written_ns < IDLE_NS)
        return;
    kept->open = false;
    kept->changed = kept->dirty = true;
    keeper->match_stale = true;
}

static void mind_all(struct keeper *keeper)
{
    int64_t now = keeper_now(keeper);
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (kept->leaving)
            continue;
        close_idle(keeper, kept, now);
        if (kept_is_due(keeper, kept))
            kept_seal(keeper, kept);
        say_seal(keeper, kept, now);
    }
}

static void save_all(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        if (keeper->kept[i]->dirty && !keeper->kept[i]->leaving)
            kept_save(keeper, keeper->kept[i]);
    keeper_save(keeper);
}

void keeper_round(struct keeper *keeper)
{
    int64_t now = keeper_now(keeper);
    open_rings(keeper);
    keeper_journal_read(keeper);
    keeper_scan(keeper);
    mind_all(keeper);
    if (now >= keeper->next_look_ns || now < keeper->next_look_ns - 2 * LOOK_NS) {
        keeper->next_look_ns = now + LOOK_NS;
        keeper_retire(keeper);
    }
    keeper_leave(keeper);
    if (now < keeper->next_save_ns && now > keeper->next_save_ns - 2 * SAVE_NS)
        return;
    keeper->next_save_ns = now + SAVE_NS;
    save_all(keeper);
}

void keeper_seal_all(struct keeper *keeper)
{
    open_rings(keeper);
    keeper_journal_read(keeper);
    keeper_scan(keeper);
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (!kept->leaving && (kept->out || kept->changed))
            kept_seal(keeper, kept);
    }
    mind_all(keeper);
    save_all(keeper);
}

bool keeper_is_settled(const struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        if (!keeper->kept[i]->leaving && strcmp(keeper->kept[i]->head, keeper->kept[i]->told) != 0)
            return false;
    return true;
}

/* Evidence is off: nothing more comes, and the rings with their numbers are gone. */
static void follow_nothing(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        kept->changed |= kept->open;
        kept->open = false;
        kept->dirty = true;
        memset(kept->next, 0, sizeof kept->next);
    }
}

/* --- begin and end -----------------------------------------------------------------------------
 */

struct keeper *keeper_new(const struct keeper_config *config, struct error *error)
{
    struct keeper *keeper = xcalloc(1, sizeof *keeper);
    keeper->config = *config;
    keeper->folder = xasprintf("%s/evidence", config->folder);
    keeper->match_stale = true;
    map_init(&keeper->by_id);
    keeper_match_init(&keeper->match);
    char *key = xasprintf("%s/evidence.key", config->folder);
    if (mkdir(keeper->folder, 0750) != 0 && errno != EEXIST)
        error_set(error, ERROR_RUN, "%s: %s", keeper->folder, strerror(errno));
    else
        keeper->key = sign_key_keep(key, error);
    free(key);
    if (!keeper->key || keeper_load(keeper, error) != 0 ||
        keeper_journal_open(keeper, error) != 0) {
        keeper_free(keeper);
        return NULL;
    }
    if (config->workers == 0)
        follow_nothing(keeper);
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return;
    for (size_t i = 0; i < keeper->count; i++)
        kept_free(keeper->kept[i]);
    for (uint32_t i = 0; i < KEEPER_WORKERS; i++)
        evidence_reader_close(keeper->reader[i]);
    if (keeper->journal_reader)
        journal_reader_close(keeper->journal_reader);
    keeper_match_fini(&keeper->match);
    map_fini(&keeper->by_id, NULL);
    sign_key_free(keeper->key);
    free(keeper->kept);
    free(keeper->folder);
    free(keeper);
}

void keeper_drops(struct keeper *keeper, uint64_t kernel_drops, uint64_t interface_drops)
{
    keeper->kernel_drops = kernel_drops;
    keeper->interface_drops = interface_drops;
}

struct keeper_counts keeper_counts_of(const struct keeper *keeper)
{
    struct keeper_counts counts = keeper->counts;
    struct kept *lowest;
    counts.open = count_open(keeper, &lowest);
    counts.kept = (uint32_t)keeper->count;
    counts.bytes = keeper->total_bytes;
    return counts;
}
