/* Where evidence is, made by the supervisor: `evidence-ring`, the files that capture processes hold
 * packets in, with all their room on the disk before the first packet comes; `evidence`, which the
 * keeper fills. Where no evidence is wanted nothing is held, and what was held once goes: it is
 * traffic. What was kept of incidents stays until its time is over: the keeper sees to it. Thread:
 * the main thread. */
#include "supervisor.h"

#include "weir/base/buffer.h"
#include "weir/investigate/keeper.h"
#include "weir/record/evidence_ring.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The files of workers from this number on; all: with what the keeper knows of them. */
static void remove_files(const char *folder, uint32_t from, bool all)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        bool file = strncmp(entry->d_name, "worker-", 7) == 0 &&
                    strtoul(entry->d_name + 7, NULL, 10) >= from;
        if (file || (all && strncmp(entry->d_name, "keeper.json", 11) == 0))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    if (all)
        rmdir(folder);
}

int evidence_room_prepare(struct supervisor *s)
{
    char *held = xasprintf("%s/evidence-ring", s->state.folder);
    char *kept = xasprintf("%s/evidence", s->state.folder);
    int failed = 0;
    if (s->config.evidence.enabled)
        failed = state_own_folder(&s->state, held, &s->error) != 0 ||
                 state_own_folder(&s->state, kept, &s->error) != 0;
    remove_files(held, s->config.evidence.enabled ? s->posts : 0, !s->config.evidence.enabled);
    free(held);
    free(kept);
    return failed ? -1 : 0;
}

bool evidence_room_has_kept(const struct supervisor *s)
{
    char *kept = xasprintf("%s/evidence", s->state.folder);
    DIR *dir = opendir(kept);
    bool any = false;
    for (const struct dirent *entry; dir && !any && (entry = readdir(dir)) != NULL;)
        any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir)
        closedir(dir);
    free(kept);
    return any;
}

/* Whole segments, as many for each worker. */
static uint64_t bytes_of(const struct config *config)
{
    uint32_t segments = config->evidence.mib / config->evidence.segment_mib / config->workers;
    return ((uint64_t)segments * config->evidence.segment_mib) << 20;
}

int evidence_room_open(struct supervisor *s, uint32_t worker)
{
    if (!s->config.evidence.enabled)
        return -1;
    char *path = keeper_held_path(s->state.folder, worker);
    int fd = evidence_ring_create(path, bytes_of(&s->config), &s->error);
    const struct sandbox_user *user = &s->state.user;
    if (fd >= 0 && user->change && fchown(fd, user->uid, user->gid) != 0) {
        error_set(&s->error, ERROR_RUN, "%s: cannot be given to user %s: %s", path,
                  s->state.user_name, strerror(errno));
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}
