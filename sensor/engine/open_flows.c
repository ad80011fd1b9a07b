/* Open flows, in a map and in a list by their last report. Thread: the engine's. */
#include "open_flows.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct open_key) == sizeof(struct flow_key) + sizeof(uint64_t), "no padding");

void open_flows_init(struct open_flows *flows)
{
    *flows = (struct open_flows){0};
    map_init_borrowing(&flows->map);
}

void open_flows_fini(struct open_flows *flows)
{
    map_fini(&flows->map, free);
}

static void unlink_flow(struct open_flows *flows, struct open_flow *open)
{
    *(open->newer ? &open->newer->older : &flows->newest) = open->older;
    *(open->older ? &open->older->newer : &flows->oldest) = open->newer;
}

static void link_newest(struct open_flows *flows, struct open_flow *open)
{
    open->newer = NULL;
    open->older = flows->newest;
    *(flows->newest ? &flows->newest->newer : &flows->oldest) = open;
    flows->newest = open;
}

/* A flow may turn out to have been opened by the other side: it is the same flow. */
static struct open_key key_of(uint32_t worker, const struct flow_key *key)
{
    return (struct open_key){flow_key_unordered(key), worker};
}

static struct open_flow *take(struct open_flows *flows, const struct open_key *key)
{
    struct open_flow *open = map_remove(&flows->map, key, sizeof *key);
    if (open)
        unlink_flow(flows, open);
    return open;
}

void open_flows_note(struct open_flows *flows, uint32_t worker, const struct record_flow *record)
{
    struct open_key key = key_of(worker, &record->key);
    free(take(flows, &key));
    if (record->end != FLOW_OPEN)
        return;
    if (flows->map.count >= OPEN_FLOWS_MAX) {
        free(take(flows, &flows->oldest->key));
        flows->forgotten++;
    }
    struct open_flow *open = xrealloc(NULL, sizeof *open + record->header.size);
    *open = (struct open_flow){.key = key, .record = (void *)(open + 1), .worker = worker};
    memcpy(open->record, record, record->header.size);
    map_put(&flows->map, &open->key, sizeof open->key, open);
    link_newest(flows, open);
}

static int by_key(const void *a, const void *b)
{
    const struct open_flow *x = *(struct open_flow *const *)a, *y = *(struct open_flow *const *)b;
    return memcmp(&x->record->key, &y->record->key, sizeof x->record->key);
}

struct open_flow **open_flows_take(struct open_flows *flows, uint32_t worker, size_t *count)
{
    struct open_flow **taken = xcalloc(flows->map.count + 1, sizeof(struct open_flow *));
    *count = 0;
    for (struct open_flow *open = flows->oldest, *newer; open; open = newer) {
        newer = open->newer;
        if (open->worker == worker)
            taken[(*count)++] = open;
    }
    for (size_t i = 0; i < *count; i++)
        take(flows, &taken[i]->key);
    qsort(taken, *count, sizeof(struct open_flow *), by_key);
    return taken;
}
