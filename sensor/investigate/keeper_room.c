/* What of the evidence goes: when its time is over, and when a higher score needs its room. Nothing
 * that is held goes. It is said first, and gone once that is in the journal: whoever looks for it
 * later reads why. */
#include "keeper_local.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_NS (5 * NS_PER_S)

static const char going[] = ".going-"; /* no incident's name */

static bool is_held(const struct keeper *keeper, const struct kept *kept)
{
    return evidence_is_held(keeper->config.folder, kept->id);
}

static uint64_t size_of(const struct kept *kept)
{
    return kept->bytes + (kept->out ? pcapng_out_size(kept->out) : 0);
}

static void take_off(struct keeper *keeper, const struct kept *kept)
{
    uint64_t size = size_of(kept);
    keeper->total_bytes -= size < keeper->total_bytes ? size : keeper->total_bytes;
}

static void let_go(struct keeper *keeper, struct kept *kept, const char *why)
{
    kept->leaving = true;
    kept->open = kept->may_go = false;
    kept->said_ns = 0;
    take_off(keeper, kept);
    keeper->match_stale = true;
    snprintf(kept->leaving_why, sizeof kept->leaving_why,
             "evidence removed: %s; %zu files, %llu packets, score %d; last head %s", why,
             kept->files, (unsigned long long)kept->packets, kept->score,
             *kept->head ? kept->head : "none");
}

/* --- for room ----------------------------------------------------------------------------------
 */

/* The lowest score, of equals the one that was written longest ago. Of the same score as the one
 * that needs room, only what is closed. */
static bool goes_before(const struct kept *one, const struct kept *other)
{
    if (!other || one->score != other->score)
        return !other || one->score < other->score;
    return one->written_ns < other->written_ns;
}

static bool may_give_way(const struct keeper *keeper, const struct kept *kept, int score)
{
    bool lower = kept->score < score || (kept->score == score && !kept->open);
    return lower && !kept->leaving && !is_held(keeper, kept);
}

/* `sized`: one with bytes. */
static struct kept *find_lowest(const struct keeper *keeper, int score, bool sized)
{
    struct kept *lowest = NULL;
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if ((!sized || size_of(kept) > 0) && goes_before(kept, lowest) &&
            may_give_way(keeper, kept, score))
            lowest = kept;
    }
    return lowest;
}

static bool give_way(struct keeper *keeper, struct kept *kept, const char *bound)
{
    if (!kept)
        return false;
    log_warn("evidence of incident %s, score %d, goes: there is no more room (%s)", kept->id,
             kept->score, bound);
    let_go(keeper, kept, "its room was needed");
    keeper->counts.removed_for_room++;
    return true;
}

bool keeper_make_place(struct keeper *keeper, int score)
{
    return give_way(keeper, find_lowest(keeper, score, false), "1,024 incidents");
}

/* Whether it is enough when all goes that may. */
static bool can_make_room(const struct keeper *keeper, int score, uint64_t bytes)
{
    uint64_t stays = keeper->total_bytes;
    for (size_t i = 0; i < keeper->count; i++) {
        uint64_t size = size_of(keeper->kept[i]);
        if (size > 0 && may_give_way(keeper, keeper->kept[i], score))
            stays -= size < stays ? size : stays;
        if (stays + bytes <= keeper->config.kept_bytes)
            return true;
    }
    return false;
}

/* Looked for once a round and score: a file of each incident is looked at. */
bool keeper_make_room(struct keeper *keeper, int score, uint64_t bytes)
{
    if (score <= keeper->no_room_for)
        return false;
    if (!can_make_room(keeper, score, bytes)) {
        keeper->no_room_for = score;
        return false;
    }
    while (keeper->total_bytes + bytes > keeper->config.kept_bytes)
        if (!give_way(keeper, find_lowest(keeper, score, true), "evidence.kept_mib"))
            return false;
    return true;
}

/* --- removing ----------------------------------------------------------------------------------
 */

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (dir) {
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                unlinkat(dirfd(dir), entry->d_name, 0);
        closedir(dir);
    }
    if (rmdir(path) != 0 && errno != ENOENT)
        log_warn("%s: %s", path, strerror(errno));
}

/* By another name first: who dies in the midst of it leaves what the next keeper knows to be going.
 */
static void remove_kept(const struct keeper *keeper, const struct kept *kept)
{
    char *path = kept_path(keeper, kept, "");
    char *aside = xasprintf("%s/%s%s", keeper->folder, going, kept->id);
    remove_folder(aside);
    if (rename(path, aside) == 0)
        remove_folder(aside);
    else if (errno != ENOENT)
        log_warn("%s: %s", path, strerror(errno));
    free(aside);
    free(path);
}

void keeper_finish_removing(const struct keeper *keeper)
{
    DIR *dir = opendir(keeper->folder);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, going, sizeof going - 1) != 0)
            continue;
        char *path = xasprintf("%s/%s", keeper->folder, entry->d_name);
        remove_folder(path);
        free(path);
    }
    closedir(dir);
}

/* Somebody may have come to hold it after it was said. */
static bool keep_after_all(struct keeper *keeper, struct kept *kept)
{
    if (!is_held(keeper, kept))
        return false;
    log_warn("evidence of incident %s is held: it stays", kept->id);
    kept->leaving = false;
    keeper->total_bytes += size_of(kept);
    kept->changed = kept->dirty = true; /* sealed anew: its head is the journal's last word */
    return true;
}

static void drop(struct keeper *keeper, size_t place)
{
    struct kept *kept = keeper->kept[place];
    remove_kept(keeper, kept);
    map_remove(&keeper->by_id, kept->id, strlen(kept->id));
    kept_free(kept);
    keeper->kept[place] = keeper->kept[--keeper->count];
    keeper->match_stale = true;
}

void keeper_forget(struct keeper *keeper, struct kept *kept)
{
    char *path = kept_path(keeper, kept, "");
    bool gone = access(path, F_OK) != 0 && errno == ENOENT;
    free(path);
    for (size_t i = 0; gone && i < keeper->count; i++) {
        if (keeper->kept[i] != kept)
            continue;
        take_off(keeper, kept);
        drop(keeper, i);
        keeper->counts.removed++;
        return;
    }
}

void keeper_leave(struct keeper *keeper)
{
    int64_t now = keeper_now(keeper);
    for (size_t i = keeper->count; i-- > 0;) {
        struct kept *kept = keeper->kept[i];
        if (!kept->leaving)
            continue;
        if (kept->may_go) {
            if (!keep_after_all(keeper, kept))
                drop(keeper, i);
        } else if (kept->said_ns == 0 || now - kept->said_ns >= AGAIN_NS || now < kept->said_ns) {
            kept->said_ns = now;
            keeper->config.say(keeper->config.context, "evidence.remove", kept->id,
                               kept->leaving_why);
        }
    }
}

void keeper_retire(struct keeper *keeper)
{
    int64_t now = keeper_now(keeper);
    for (size_t i = 0; i < keeper->count; i++) {
        struct kept *kept = keeper->kept[i];
        if (kept->open || kept->leaving || now - kept->written_ns < keeper->config.keep_ns ||
            is_held(keeper, kept))
            continue;
        let_go(keeper, kept, "its time was over (privacy.retention_days.evidence)");
        keeper->counts.removed++;
    }
}
