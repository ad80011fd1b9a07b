/* A set of the hashes that were told, and a batch for each class in which something waits. A label
 * is kept once a batch; a batch that has no room for one more item or label is told first.
 *
 * Bounds: the set has 64 to 65,536 slots, three quarters full, and items_shared.limit_bytes for all
 * together; a batch grows to what a record holds, and ITEMS_BATCHES_MAX wait. Most hold an item. */
#include "items.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64u
#define SLOTS_MAX   65536u
#define ROOM_FIRST  4u /* items of a batch, … */
#define ROOM_GROWS  4u /* times as many each time */

struct text {
    uint8_t size;
    char text[CONTENT_SAMPLE_MAX > CONTENT_LABEL_MAX ? CONTENT_SAMPLE_MAX : CONTENT_LABEL_MAX];
};

struct batch {
    uint64_t *hash; /* `room` of them, and behind them as many places; first_hash at first */
    uint16_t count, room;
    uint8_t labels, samples;
    struct text *label, *sample; /* room for as many as the next power of two (first_label: one);
                                    for all */
    struct text first_label;
    uint64_t first_hash[ROOM_FIRST + (ROOM_FIRST + 7) / 8];
};

struct items {
    struct items_shared *shared;
    void (*tell)(void *context, const struct content_items *items);
    void *context;
    bool *waits;
    uint64_t *slot; /* hashes told; 0: empty */
    uint32_t slots, told;
    struct batch *batch[CONTENT_KINDS]; /* NULL: nothing waits */
};

void items_shared_init(struct items_shared *shared, size_t limit_bytes, bool samples)
{
    *shared = (struct items_shared){.limit_bytes = limit_bytes, .samples = samples};
    pool_init(&shared->pool, sizeof(struct items));
    pool_init(&shared->batch_pool, sizeof(struct batch));
}

void items_shared_fini(struct items_shared *shared)
{
    pool_fini(&shared->pool);
    pool_fini(&shared->batch_pool);
}

struct items *items_new(struct items_shared *shared,
                        void (*tell)(void *context, const struct content_items *items),
                        void *context, bool *waits)
{
    struct items *items = pool_take(&shared->pool);
    items->shared = shared;
    items->waits = waits;
    items->tell = tell;
    items->context = context;
    return items;
}

static void drop_batch(struct items *items, enum content_class class)
{
    struct batch *batch = items->batch[class];
    if (!batch)
        return;
    items->shared->batches--;
    if (batch->hash != batch->first_hash)
        free(batch->hash);
    if (batch->label != &batch->first_label)
        free(batch->label);
    free(batch->sample);
    pool_give(&items->shared->batch_pool, batch);
    items->batch[class] = NULL;
}

void items_free(struct items *items)
{
    if (!items)
        return;
    items->shared->used_bytes -= items->slots * sizeof *items->slot;
    for (int class = 0; class < CONTENT_KINDS; class ++)
        drop_batch(items, (enum content_class) class);
    free(items->slot);
    pool_give(&items->shared->pool, items);
}

/* --- the set of hashes told --------------------------------------------------------------------
 */

/* The slot of `hash`, or the empty one where it belongs. There is always an empty one. */
static uint64_t *find_slot(uint64_t *slot, uint32_t slots, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (slots - 1);
    while (slot[at] && slot[at] != hash)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

/* Room for one more: grows, or starts anew. False: not even a first set may be had. */
static bool make_room(struct items *s)
{
    if (s->slots && s->told < s->slots / 4 * 3)
        return true;
    uint32_t slots = s->slots ? s->slots * 2 : SLOTS_FIRST;
    size_t more = (slots - s->slots) * sizeof *s->slot;
    if (slots > SLOTS_MAX || s->shared->used_bytes + more > s->shared->limit_bytes) {
        if (s->slots)
            memset(s->slot, 0, s->slots * sizeof *s->slot);
        s->told = 0;
        return s->slots > 0;
    }
    uint64_t *grown = xcalloc(slots, sizeof *grown);
    for (uint32_t i = 0; i < s->slots; i++)
        if (s->slot[i])
            *find_slot(grown, slots, s->slot[i]) = s->slot[i];
    free(s->slot);
    s->slot = grown;
    s->slots = slots;
    s->shared->used_bytes += more;
    return true;
}

static bool was_told(void *context, uint64_t hash)
{
    const struct items *items = context;
    return items->slots && *find_slot(items->slot, items->slots, hash) != 0;
}

/* --- batches -----------------------------------------------------------------------------------
 */

static uint8_t *places_of(const struct batch *batch)
{
    return (uint8_t *)(batch->hash + batch->room);
}

static void tell_class(struct items *items, enum content_class class)
{
    struct batch *batch = items->batch[class];
    struct content_text label[RECORD_CONTENT_LABELS], sample[RECORD_CONTENT_SAMPLES];
    if (!batch || batch->count == 0)
        return;
    for (uint8_t i = 0; i < batch->labels; i++)
        label[i] = (struct content_text){batch->label[i].text, batch->label[i].size};
    for (uint8_t i = 0; i < batch->samples; i++)
        sample[i] = (struct content_text){batch->sample[i].text, batch->sample[i].size};
    struct content_items told = {.class = class,
                                 .hash = batch->hash,
                                 .place = places_of(batch),
                                 .count = batch->count,
                                 .label = label,
                                 .label_count = batch->labels,
                                 .sample = sample,
                                 .sample_count = batch->samples};
    items->tell(items->context, &told);
    drop_batch(items, class);
}

void items_tell(struct items *items)
{
    for (int class = 0; class < CONTENT_KINDS; class ++)
        tell_class(items, (enum content_class) class);
    *items->waits = false;
}

static bool is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

static struct text label_of(const struct found *found)
{
    struct text label;
    size_t size = found->label_size < CONTENT_LABEL_MAX ? found->label_size : CONTENT_LABEL_MAX;
    const char *from = found->label + (found->label_size - size);
    label.size = (uint8_t)size;
    for (size_t i = 0; i < size; i++)
        label.text[i] = (char)(is_printable((uint8_t)from[i]) ? from[i] : '?');
    return label;
}

/* As many of its first bytes as have room. */
static struct text sample_of(const struct found *found)
{
    static const char digit[] = "0123456789abcdef";
    struct text sample = {.size = 0};
    for (size_t i = 0; i < found->size; i++) {
        uint8_t byte = found->bytes[i];
        bool plain = is_printable(byte) && byte != '\\';
        if (sample.size + (plain ? 1u : 4u) > CONTENT_SAMPLE_MAX)
            break;
        if (plain) {
            sample.text[sample.size++] = (char)byte;
            continue;
        }
        const char escape[4] = {'\\', 'x', digit[byte >> 4], digit[byte & 15]};
        memcpy(sample.text + sample.size, escape, sizeof escape);
        sample.size = (uint8_t)(sample.size + sizeof escape);
    }
    return sample;
}

/* The place of a label; batch->labels when it is not there yet. */
static uint8_t find_label(const struct batch *batch, const struct text *label)
{
    uint8_t at = 0;
    while (at < batch->labels && (batch->label[at].size != label->size ||
                                  memcmp(batch->label[at].text, label->text, label->size) != 0))
        at++;
    return at;
}

/* The class's batch, in which there is room for one more item with this label. */
static struct batch *batch_for(struct items *items, enum content_class class,
                               const struct text *label)
{
    struct batch *batch = items->batch[class];
    if (batch && batch->labels == RECORD_CONTENT_LABELS &&
        find_label(batch, label) == batch->labels)
        tell_class(items, class);
    if (!items->batch[class]) {
        batch = pool_take(&items->shared->batch_pool);
        batch->hash = batch->first_hash;
        batch->label = &batch->first_label;
        batch->room = ROOM_FIRST;
        items->batch[class] = batch;
        items->shared->batches++;
        *items->waits = true;
    }
    return items->batch[class];
}

/* Room for more: what began in the batch itself moves out of it. */
static void *enlarge(void *at, const void *first, size_t had, size_t bytes)
{
    if (at != first)
        return xrealloc(at, bytes);
    return memcpy(xrealloc(NULL, bytes), first, had);
}

_Static_assert(RECORD_CONTENT_ITEMS == ROOM_FIRST * ROOM_GROWS * ROOM_GROWS * ROOM_GROWS,
               "a batch never grows past a record");
static void put_item(struct batch *batch, uint64_t hash, uint8_t place)
{
    if (batch->count == batch->room) {
        size_t had = batch->room, room = had * ROOM_GROWS;
        batch->hash = enlarge(batch->hash, batch->first_hash, had * (sizeof *batch->hash + 1),
                              room * (sizeof *batch->hash + 1));
        batch->room = (uint16_t)room;
        memmove(places_of(batch), batch->hash + had, had);
    }
    places_of(batch)[batch->count] = place;
    batch->hash[batch->count++] = hash;
}

static void put_label(struct batch *batch, const struct text *label)
{
    size_t had = batch->labels;
    if (had && (had & (had - 1)) == 0) /* a power of two: all room is taken */
        batch->label = enlarge(batch->label, &batch->first_label, had * sizeof *label,
                               2 * had * sizeof *label);
    batch->label[batch->labels++] = *label;
}

static void put_sample(struct batch *batch, const struct found *found)
{
    if (!batch->sample)
        batch->sample = xrealloc(NULL, RECORD_CONTENT_SAMPLES * sizeof *batch->sample);
    batch->sample[batch->samples++] = sample_of(found);
}

static void add(struct items *items, const struct found *found)
{
    struct text label = label_of(found);
    struct batch *batch = batch_for(items, found->class, &label);
    uint8_t place = find_label(batch, &label);
    if (place == batch->labels)
        put_label(batch, &label);
    if (items->shared->samples && batch->samples < RECORD_CONTENT_SAMPLES && found->size)
        put_sample(batch, found);
    put_item(batch, found->hash, place);
    if (batch->count == RECORD_CONTENT_ITEMS || items->shared->batches > ITEMS_BATCHES_MAX)
        tell_class(items, found->class);
}

static void on_found(void *context, const struct found *found)
{
    struct items *items = context;
    if (was_told(items, found->hash))
        return;
    if (make_room(items)) {
        *find_slot(items->slot, items->slots, found->hash) = found->hash;
        items->told++;
    }
    add(items, found);
}

struct finder items_finder(struct items *items)
{
    return (struct finder){was_told, on_found, items};
}
