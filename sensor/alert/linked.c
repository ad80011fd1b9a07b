/* Which open incidents share a destination: a list of slots for each destination, in the order in
 * which they opened (or opened again), so that adding and removing cost the same however many there
 * are. Bounded with the open slots; made again after a restart, in the same order, by the slots'
 * numbers. Thread: the engine's. */
#include "linked.h"

#include <stdlib.h>
#include <string.h>

struct sharing {
    struct slot *first, *last;
    size_t count;
};

/* 0: there is nothing to share (the host as a whole, the sensor, pairs that found no room). */
static size_t name_destination(const struct slot *slot, char key[DESTINATION_KEY_SIZE])
{
    const struct story *story = &slot->incident.story;
    if (!story->has_destination || destination_is_other(&story->destination))
        return 0;
    return destination_put_key(&story->destination, key);
}

void linked_add(struct incidents *incidents, struct slot *slot)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = name_destination(slot, key);
    if (size == 0)
        return;
    struct sharing *sharing = map_get(&incidents->by_destination, key, size);
    if (!sharing) {
        sharing = xcalloc(1, sizeof *sharing);
        map_put(&incidents->by_destination, key, size, sharing);
    }
    slot->linked_before = sharing->last;
    *(sharing->last ? &sharing->last->linked_after : &sharing->first) = slot;
    sharing->last = slot;
    sharing->count++;
}

void linked_remove(struct incidents *incidents, struct slot *slot)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = name_destination(slot, key);
    struct sharing *sharing = size > 0 ? map_get(&incidents->by_destination, key, size) : NULL;
    if (!sharing)
        return;
    struct slot *before = slot->linked_before, *after = slot->linked_after;
    *(before ? &before->linked_after : &sharing->first) = after;
    *(after ? &after->linked_before : &sharing->last) = before;
    slot->linked_before = slot->linked_after = NULL;
    if (--sharing->count == 0)
        free(map_remove(&incidents->by_destination, key, size));
}

void linked_fill(const struct incidents *incidents, const struct slot *slot, struct alert *alert)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = name_destination(slot, key);
    const struct sharing *sharing =
        size > 0 ? map_get(&incidents->by_destination, key, size) : NULL;
    if (!sharing)
        return;
    /* While it is being closed it is not among them itself. */
    alert->links_total = sharing->count - !slot->incident.closed;
    for (const struct slot *other = sharing->first; other && alert->link_count < ALERT_LINKS;
         other = other->linked_after) {
        if (other == slot)
            continue;
        struct alert_link *link = &alert->link[alert->link_count++];
        link->host = other->incident.story.host;
        memcpy(link->incident, other->incident.id, sizeof link->incident);
    }
}

static int by_number(const void *left, const void *right)
{
    const struct slot *a = *(struct slot *const *)left, *b = *(struct slot *const *)right;
    return (a->number > b->number) - (a->number < b->number);
}

void linked_restore(struct incidents *incidents)
{
    size_t count = 0;
    struct slot **slot = xcalloc(incidents->open.count + 1, sizeof(struct slot *));
    for (struct slot *open = incidents->open.oldest; open; open = open->newer)
        slot[count++] = open;
    qsort(slot, count, sizeof(struct slot *), by_number);
    for (size_t i = 0; i < count; i++)
        linked_add(incidents, slot[i]);
    if (count > 0)
        incidents->numbered = slot[count - 1]->number;
    free(slot);
}

void linked_fini(struct incidents *incidents)
{
    map_fini(&incidents->by_destination, free);
}
