/* The probes of a hunt, by the folders that its inputs lie in, and whose a host is. A bit a day and
 * folder; each folder is held against each probe: of 20,000 folders and twenty years 18 MB and a
 * second or two, and inputs are bounded. Pure. */
#include "weir/investigate/hunt.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

/* Folders that share no more days than this take turns: a log holds connections by when they began,
 * days before those around them when they were long. Half of the shorter one's, if that is less. */
#define TURN_DAYS 7

/* Seen on days without a probe less than so often as on days with it, it is that probe's host. */
#define SHARE_OF 4

void hunt_probes_init(struct hunt_probes *probes, const struct hunt_days *days)
{
    *probes = (struct hunt_probes){.days = days};
    map_init(&probes->by_path);
}

void hunt_probes_fini(struct hunt_probes *probes)
{
    for (size_t i = 0; i < probes->folders; i++) {
        free(probes->folder[i]->path);
        free(probes->folder[i]->day);
        free(probes->folder[i]);
    }
    for (size_t i = 0; i < probes->count; i++) {
        free(probes->probe[i].folder);
        free(probes->probe[i].day);
    }
    free(probes->folder);
    if (probes->days)
        map_fini(&probes->by_path, NULL);
    *probes = (struct hunt_probes){.count = 0};
}

/* --- days, a bit each ------------------------------------------------------------------------- */

static bool has(const uint8_t *days, size_t day)
{
    return (days[day / 8] & (1u << (day % 8))) != 0;
}

static size_t count_both(const uint8_t *one, const uint8_t *other, size_t bytes)
{
    size_t count = 0;
    uint64_t a, b;
    for (size_t i = 0; i < bytes; i += sizeof a) {
        memcpy(&a, one + i, sizeof a);
        memcpy(&b, other + i, sizeof b);
        count += (size_t)__builtin_popcountll(a & b);
    }
    return count;
}

/* --- folders ---------------------------------------------------------------------------------- */

static struct hunt_folder *folder_of(struct hunt_probes *probes, const char *path)
{
    struct hunt_folder *folder = map_get(&probes->by_path, path, strlen(path) + 1);
    if (folder)
        return folder;
    if (probes->folders == probes->room) {
        probes->room = probes->room ? 2 * probes->room : 16;
        probes->folder = xrealloc(probes->folder, probes->room * sizeof(struct hunt_folder *));
    }
    folder = probes->folder[probes->folders++] = xcalloc(1, sizeof *folder);
    *folder = (struct hunt_folder){.path = xstrdup(path),
                                   .day = xcalloc(hunt_days_bytes(probes->days), 1),
                                   .first = INT64_MAX};
    folder->last = INT64_MIN;
    map_put(&probes->by_path, path, strlen(path) + 1, folder);
    return folder;
}

void hunt_probes_add(struct hunt_probes *probes, const char *folder_path, int64_t from, int64_t to)
{
    const struct hunt_days *days = probes->days;
    int64_t end = days->first + (int64_t)days->count - 1;
    from = from > days->first ? from : days->first;
    to = to < end ? to : end;
    if (from > to)
        return;
    struct hunt_folder *folder = folder_of(probes, folder_path);
    folder->inputs++;
    folder->first = from < folder->first ? from : folder->first;
    folder->last = to > folder->last ? to : folder->last;
    for (int64_t day = from; day <= to; day++) {
        size_t at = (size_t)(day - days->first);
        folder->days += !has(folder->day, at);
        folder->day[at / 8] |= (uint8_t)(1u << (at % 8));
    }
}

/* --- probes ----------------------------------------------------------------------------------- */

static bool takes_turns(const struct hunt_probes *probes, const struct hunt_probe *probe,
                        const struct hunt_folder *folder)
{
    size_t shorter = folder->days < probe->days ? folder->days : probe->days;
    size_t most = shorter / 2 < TURN_DAYS ? shorter / 2 : TURN_DAYS;
    return count_both(probe->day, folder->day, hunt_days_bytes(probes->days)) <= most;
}

static size_t shared_path(const struct hunt_probe *probe, const struct hunt_folder *folder)
{
    const char *a = probe->folder[probe->folders - 1]->path, *b = folder->path;
    size_t size = 0;
    while (a[size] && a[size] == b[size])
        size++;
    return size;
}

/* The one that lies nearest, of those that it takes turns with; NULL: none. */
static struct hunt_probe *probe_of(struct hunt_probes *probes, const struct hunt_folder *folder)
{
    struct hunt_probe *nearest = NULL;
    for (size_t i = 0; i < probes->count; i++) {
        struct hunt_probe *probe = &probes->probe[i];
        if (takes_turns(probes, probe, folder) &&
            (!nearest || shared_path(probe, folder) > shared_path(nearest, folder)))
            nearest = probe;
    }
    return nearest;
}

static void join(struct hunt_probes *probes, struct hunt_probe *probe,
                 const struct hunt_folder *folder)
{
    probe->folder =
        xrealloc(probe->folder, (probe->folders + 1) * sizeof(const struct hunt_folder *));
    probe->folder[probe->folders++] = folder;
    probe->inputs += folder->inputs;
    for (size_t i = 0; i < hunt_days_bytes(probes->days); i++)
        probe->day[i] |= folder->day[i];
    probe->days = count_both(probe->day, probe->day, hunt_days_bytes(probes->days));
}

static int by_time(const void *left, const void *right)
{
    const struct hunt_folder *a = *(const struct hunt_folder *const *)left;
    const struct hunt_folder *b = *(const struct hunt_folder *const *)right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->last != b->last)
        return a->last < b->last ? -1 : 1;
    return strcmp(a->path, b->path);
}

bool hunt_probe_is_absent(const struct hunt_probes *probes, const struct hunt_probe *probe,
                          size_t day)
{
    return probes->days->sight[day] != HUNT_GAP && !has(probe->day, day);
}

void hunt_probes_settle(struct hunt_probes *probes)
{
    const struct hunt_folder **sorted = xcalloc(probes->folders + 1, sizeof *sorted);
    for (size_t i = 0; i < probes->folders; i++)
        sorted[i] = probes->folder[i];
    qsort(sorted, probes->folders, sizeof *sorted, by_time);
    for (size_t i = 0; i < probes->folders; i++) {
        struct hunt_probe *probe = probe_of(probes, sorted[i]);
        if (!probe && probes->count < HUNT_PROBES) {
            probe = &probes->probe[probes->count++];
            *probe = (struct hunt_probe){.day = xcalloc(hunt_days_bytes(probes->days), 1)};
        }
        if (probe)
            join(probes, probe, sorted[i]);
        else
            probes->beyond++;
    }
    free(sorted);
    for (size_t i = 0; i < probes->count; i++)
        for (size_t day = 0; day < probes->days->count; day++)
            probes->probe[i].absent += hunt_probe_is_absent(probes, &probes->probe[i], day);
}

/* --- hosts ------------------------------------------------------------------------------------ */

uint64_t hunt_probes_of(const struct hunt_probes *probes, const uint8_t *seen)
{
    uint64_t of = 0;
    size_t bytes = hunt_days_bytes(probes->days), all = count_both(seen, seen, bytes);
    for (size_t i = 0; i < probes->count; i++) {
        const struct hunt_probe *probe = &probes->probe[i];
        size_t with = count_both(seen, probe->day, bytes), without = all - with;
        if (probe->absent > 0 && SHARE_OF * without * probe->days < with * probe->absent)
            of |= UINT64_C(1) << i;
    }
    return of;
}

enum hunt_sight hunt_probes_sight(const struct hunt_probes *probes, uint64_t of, size_t day)
{
    enum hunt_sight sight = (enum hunt_sight)probes->days->sight[day];
    for (size_t i = 0; i < probes->count && sight < HUNT_ABSENT; i++)
        if ((of >> i & 1u) != 0 && hunt_probe_is_absent(probes, &probes->probe[i], day))
            sight = HUNT_ABSENT;
    return sight;
}
