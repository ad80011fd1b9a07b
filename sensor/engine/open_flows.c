/* Open flows, in a map and in a list by their last report. Thread: the engine's. */
#include "open_flows.h"

#include "thin.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct open_key) == sizeof(struct flow_key) + sizeof(uint64_t), "no padding");
_Static_assert(RECORD_MAX_BYTES <= THIN_LARGEST, "a record is thinned whole");

void open_flows_init(struct open_flows *flows)
{
    *flows = (struct open_flows){0};
    map_init_borrowing(&flows->map);
    pools_init(&flows->pools);
}

static size_t bytes_of(size_t thin)
{
    return offsetof(struct open_flow, thin) + thin;
}

static void give(struct open_flows *flows, struct open_flow *open)
{
    pools_give(&flows->pools, open, bytes_of(open->thin_bytes));
}

void open_flows_fini(struct open_flows *flows)
{
    for (struct open_flow *newer, *open = flows->oldest; open; open = newer) {
        newer = open->newer;
        give(flows, open);
    }
    map_fini(&flows->map, NULL);
    pools_fini(&flows->pools);
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

static void forget(struct open_flows *flows, struct open_flow *open)
{
    map_remove(&flows->map, &open->key, sizeof open->key);
    unlink_flow(flows, open);
    give(flows, open);
}

/* A new one, the newest. */
static struct open_flow *make(struct open_flows *flows, const struct open_key *key, size_t thin)
{
    if (flows->map.count >= OPEN_FLOWS_MAX) {
        forget(flows, flows->oldest);
        flows->forgotten++;
    }
    struct open_flow *open = pools_take(&flows->pools, bytes_of(thin));
    open->key = *key;
    map_put(&flows->map, &open->key, sizeof open->key, open);
    return open;
}

/* What it said before is of no use; its room is, where the new one has the same. */
static struct open_flow *reuse(struct open_flows *flows, struct open_flow *open, size_t thin)
{
    if (pools_same(bytes_of(open->thin_bytes), bytes_of(thin))) {
        unlink_flow(flows, open);
        return open;
    }
    forget(flows, open);
    return NULL;
}

uint64_t open_flows_prefetch(const struct open_flows *flows, uint32_t worker,
                             const struct flow_key *key)
{
    struct open_key of = key_of(worker, key);
    uint64_t hash = map_hash(&of, sizeof of);
    map_prefetch(&flows->map, hash);
    return hash;
}

void open_flows_expect(const struct open_flows *flows, uint64_t hash)
{
    const struct open_flow *open = map_expect(&flows->map, hash);
    if (!open)
        return;
    __builtin_prefetch(open);
    __builtin_prefetch(open->thin);
}

void open_flows_note(struct open_flows *flows, uint32_t worker, const struct record_flow *record)
{
    uint8_t thin[THIN_MAX(RECORD_MAX_BYTES)];
    struct open_key key = key_of(worker, &record->key);
    struct open_flow *open = map_get(&flows->map, &key, sizeof key);
    if (record->end != FLOW_OPEN) {
        if (open)
            forget(flows, open);
        return;
    }
    size_t size = thin_pack(record, record->header.size, thin);
    if (open)
        open = reuse(flows, open, size);
    if (!open)
        open = make(flows, &key, size);
    link_newest(flows, open);
    open->record_bytes = (uint16_t)record->header.size;
    open->thin_bytes = (uint16_t)size;
    memcpy(open->thin, thin, size);
}

void open_flows_record(const struct open_flow *open, struct record_flow *record)
{
    thin_unpack(open->thin, open->thin_bytes, record, open->record_bytes); /* our own */
}

static int by_key(const void *a, const void *b)
{
    const struct record_flow *x = *(struct record_flow *const *)a;
    const struct record_flow *y = *(struct record_flow *const *)b;
    return memcmp(&x->key, &y->key, sizeof x->key);
}

static struct record_flow *take(struct open_flows *flows, struct open_flow *open)
{
    struct record_flow *record = xrealloc(NULL, open->record_bytes);
    open_flows_record(open, record);
    forget(flows, open);
    return record;
}

struct record_flow **open_flows_take(struct open_flows *flows, uint32_t worker, size_t *count)
{
    struct record_flow **taken = xcalloc(flows->map.count + 1, sizeof(struct record_flow *));
    *count = 0;
    for (struct open_flow *open = flows->oldest, *newer; open; open = newer) {
        newer = open->newer;
        if (open->key.worker == worker)
            taken[(*count)++] = take(flows, open);
    }
    qsort(taken, *count, sizeof(struct record_flow *), by_key);
    return taken;
}

void open_flows_drop(struct open_flows *flows, uint32_t worker)
{
    for (struct open_flow *open = flows->oldest, *newer; open; open = newer) {
        newer = open->newer;
        if (open->key.worker == worker)
            forget(flows, open);
    }
}
