/* One pass over the list; then each incident names at most so many of the others. Thread: any. */
#include "links.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 8

struct sharing {
    size_t first, last, count;
};

/* 0: no destination that anybody could share. */
static size_t name_destination(const struct story *story, char key[DESTINATION_KEY_SIZE])
{
    if (!story->has_destination || destination_is_other(&story->destination))
        return 0;
    return destination_put_key(&story->destination, key);
}

static void add(struct links *links, size_t at)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = name_destination(&links->incident[at]->story, key);
    struct sharing *sharing = size > 0 ? map_get(&links->sharing, key, size) : NULL;
    links->next[at] = links->count;
    if (size == 0)
        return;
    if (!sharing) {
        sharing = xcalloc(1, sizeof *sharing);
        sharing->first = at;
        map_put(&links->sharing, key, size, sharing);
    } else {
        links->next[sharing->last] = at;
    }
    sharing->last = at;
    sharing->count++;
}

void links_init(struct links *links, const struct incident *const *incident, size_t count)
{
    *links = (struct links){.incident = incident, .count = count};
    links->next = xcalloc(count + 1, sizeof *links->next);
    map_init(&links->sharing);
    for (size_t i = 0; i < count; i++)
        add(links, i);
}

void links_fini(struct links *links)
{
    map_fini(&links->sharing, free);
    free(links->next);
}

/* A host's own earlier incident with it is another one too. */
void links_put(const struct links *links, size_t at, struct buffer *b)
{
    char key[DESTINATION_KEY_SIZE], host[IP_TEXT_SIZE];
    size_t size = name_destination(&links->incident[at]->story, key), named = 0;
    const struct sharing *sharing = size > 0 ? map_get(&links->sharing, key, size) : NULL;
    if (!sharing || sharing->count < 2)
        return;
    for (size_t i = sharing->first; i < links->count && named < NAMED; i = links->next[i])
        if (i != at)
            buffer_text(b, "%s%s (#%zu)", named++ > 0 ? ", " : "   Linked ",
                        host_text(&links->incident[i]->story.host, host), i + 1);
    if (sharing->count - 1 > named)
        buffer_text(b, " and %zu more", sharing->count - 1 - named);
    buffer_text(b, ": the same destination\n");
}
