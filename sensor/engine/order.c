/* Consumption order: (time, key, worker, number) up to the smallest watermark.
 *
 * Late records go behind what is ready in the order of their arrival, which is why a watermark
 * sorts only what it completes: records of one worker arrive almost sorted. `number` grows within a
 * worker and all records of a key come from one worker, so the order is the same for any number of
 * workers. Thread: the engine's. */
#include "order.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 448u  /* a flow record with a short text */
#define SPARES_MAX  8192u /* kept: what two watermarks complete */
#define NEAR        32u
#define EXPECTED    26u /* some more than ahead.c looks at */

struct spare_block {
    struct spare_block *next;
};

void order_init(struct order *order, uint32_t workers)
{
    *order = (struct order){.complete = PTIME_MIN, .workers = workers, .max = ORDER_MAX};
    order->worker = xcalloc(workers, sizeof *order->worker);
    for (uint32_t i = 0; i < workers; i++)
        order->worker[i].watermark = PTIME_MIN;
}

/* --- their memory ---------------------------------------------------------------------------- */

/* What it takes while it waits. */
static size_t block_size(const struct record_header *record)
{
    return record->size > BLOCK_BYTES ? record->size : BLOCK_BYTES;
}

static void *copy_record(struct order *order, const struct record_header *record)
{
    void *copy = order->spare;
    if (!copy || record->size > BLOCK_BYTES) {
        copy = xrealloc(NULL, block_size(record));
    } else {
        order->spare = order->spare->next;
        order->spares--;
    }
    return memcpy(copy, record, record->size);
}

static void free_record(struct order *order, const struct record_header *record)
{
    union {
        const struct record_header *borrowed;
        struct spare_block *owned;
    } cast = {.borrowed = record};
    if (record->size > BLOCK_BYTES || order->spares == SPARES_MAX) {
        free(cast.owned);
        return;
    }
    cast.owned->next = order->spare;
    order->spare = cast.owned;
    order->spares++;
}

void order_fini(struct order *order)
{
    for (size_t i = order->next; i < order->count; i++)
        free_record(order, order->item[i].record);
    for (struct spare_block *next; order->spare; order->spare = next) {
        next = order->spare->next;
        free(order->spare);
    }
    free(order->item);
    free(order->worker);
}

/* --- waiting --------------------------------------------------------------------------------- */

static void make_room(struct order *order)
{
    if (order->next == order->count)
        order->next = order->ready = order->count = 0;
    if (order->count < order->room)
        return;
    if (order->next > order->room / 2) {
        memmove(order->item, order->item + order->next,
                (order->count - order->next) * sizeof *order->item);
        order->ready -= order->next;
        order->count -= order->next;
        order->next = 0;
        return;
    }
    order->room = order->room ? 2 * order->room : 1024;
    order->item = xrealloc(order->item, order->room * sizeof *order->item);
}

/* At the end of what is ready: where it comes in the order of arrival. */
static void make_ready(struct order *order, size_t at)
{
    struct ordered swap = order->item[order->ready];
    order->item[order->ready++] = order->item[at];
    order->item[at] = swap;
}

void order_add(struct order *order, const struct record_header *record, uint32_t worker,
               uint32_t incarnation)
{
    make_room(order);
    order->item[order->count++] =
        (struct ordered){copy_record(order, record), record->time_ns, worker, incarnation};
    if (record->time_ns > order->complete.ns) {
        order->worker[worker].waiting++;
        order->worker[worker].bytes += block_size(record);
        order->bytes += block_size(record);
        return;
    }
    order->late += record->kind <= RECORD_WATERMARK;
    make_ready(order, order->count - 1);
}

static const struct flow_key *key_of(const struct record_header *record)
{
    static const struct flow_key none;
    switch (record->kind) {
    case RECORD_FLOW:
        return &((const struct record_flow *)(const void *)record)->key;
    case RECORD_NAME:
        return &((const struct record_name *)(const void *)record)->key;
    case RECORD_CONTENT:
        return &((const struct record_content *)(const void *)record)->key;
    case RECORD_BINDING:
        return &((const struct record_binding *)(const void *)record)->key;
    default:
        return &none;
    }
}

static int by_order(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    int keys = memcmp(key_of(x->record), key_of(y->record), sizeof(struct flow_key));
    if (keys)
        return keys;
    if (x->worker != y->worker)
        return x->worker < y->worker ? -1 : 1;
    if (x->incarnation != y->incarnation)
        return x->incarnation < y->incarnation ? -1 : 1;
    if (x->record->number != y->record->number)
        return x->record->number < y->record->number ? -1 : 1;
    return x->record->kind - y->record->kind;
}

/* Puts it among those before it, which are sorted; false: it would have to go far. */
static bool sink(struct ordered *item, size_t at)
{
    struct ordered moved = item[at];
    size_t least = at > NEAR ? at - NEAR : 0, to = at;
    while (to > least && by_order(&item[to - 1], &moved) > 0)
        to--;
    if (to > 0 && to == least && by_order(&item[to - 1], &moved) > 0)
        return false;
    memmove(&item[to + 1], &item[to], (at - to) * sizeof *item);
    item[to] = moved;
    return true;
}

/* Of one worker they come in the order of time, and only what is of one instant is to be sorted. */
static void sort(struct ordered *item, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (by_order(&item[i - 1], &item[i]) > 0 && !sink(item, i)) {
            qsort(item, count, sizeof *item, by_order);
            return;
        }
}

/* --- time ------------------------------------------------------------------------------------ */

/* A record without content at the last whole `mark_ns` that is complete: what is due by time alone
 * is done in its place among the records. */
static void mark(struct order *order, struct ptime complete)
{
    const int64_t step = order->mark_ns;
    int64_t at = complete.ns - complete.ns % step;
    if (at <= order->complete.ns || at > complete.ns) /* before 1970 it rounds up */
        return;
    struct record_header time = {
        .size = sizeof time, .kind = ORDER_TIME, .version = RECORD_VERSION, .time_ns = at};
    order_add(order, &time, 0, 0);
}

/* It is complete: at the end of what is ready. */
static void complete_item(struct order *order, size_t at)
{
    struct order_worker *worker = &order->worker[order->item[at].worker];
    size_t size = block_size(order->item[at].record);
    worker->waiting--;
    worker->bytes -= size;
    order->bytes -= size;
    make_ready(order, at);
}

static void sort_from(struct order *order, size_t from)
{
    if (order->ready > from) /* there may be no array yet */
        sort(order->item + from, order->ready - from);
}

/* Brings what is complete to the front of the waiting part, then sorts just that. What was ready
 * before is older than the last watermark and stays in front. */
static bool advance(struct order *order, struct ptime complete)
{
    if (complete.ns <= order->complete.ns)
        return false;
    if (order->mark_ns)
        mark(order, complete);
    order->complete = complete;
    size_t from = order->ready;
    for (size_t i = from; i < order->count; i++)
        if (order->item[i].time_ns <= complete.ns)
            complete_item(order, i);
    sort_from(order, from);
    return true;
}

static struct ptime newest(const struct order *order)
{
    struct ptime time = order->complete;
    for (size_t i = order->ready; i < order->count; i++)
        if (order->item[i].time_ns > time.ns)
            time.ns = order->item[i].time_ns;
    for (uint32_t i = 0; i < order->workers; i++)
        if (order->worker[i].watermark.ns > time.ns && order->worker[i].watermark.ns != INT64_MAX)
            time = order->worker[i].watermark;
    return time;
}

/* The smallest watermark of those who are there; PTIME_MAX when nobody is who goes on. */
static struct ptime smallest(const struct order *order)
{
    struct ptime time = PTIME_MAX;
    for (uint32_t i = 0; i < order->workers; i++)
        if (!order->worker[i].absent && order->worker[i].watermark.ns < time.ns)
            time = order->worker[i].watermark;
    return time;
}

static bool all_ended(const struct order *order)
{
    for (uint32_t i = 0; i < order->workers; i++)
        if (order->worker[i].watermark.ns != INT64_MAX)
            return false;
    return true;
}

static bool reconsider(struct order *order)
{
    struct ptime complete = smallest(order);
    if (complete.ns != INT64_MAX)
        return advance(order, complete);
    bool ended = order->ended;
    order->ended = all_ended(order);
    bool moved = advance(order, newest(order));
    return moved || ended != order->ended;
}

bool order_watermark(struct order *order, uint32_t worker, struct ptime time)
{
    struct order_worker *own = &order->worker[worker];
    if (time.ns > own->watermark.ns)
        own->watermark = time;
    own->promises &= own->promised_ns > own->watermark.ns;
    return reconsider(order);
}

void order_absent(struct order *order, uint32_t worker, struct ptime last)
{
    struct order_worker *w = &order->worker[worker];
    w->absent = true;
    if (last.ns > w->watermark.ns)
        w->watermark = last;
    reconsider(order);
}

void order_follow(struct order *order, uint32_t worker)
{
    order->worker[worker].promises = false;
}

void order_present(struct order *order, uint32_t worker)
{
    order->worker[worker].absent = false;
    order->worker[worker].watermark = order->complete;
    order->ended = false;
}

/* --- one instant ------------------------------------------------------------------------------ */

/* How far a worker is: to the end of an instant, or to a key within it. */
static int by_progress(const struct order_worker *a, const struct order_worker *b)
{
    int64_t x = a->promises ? a->promised_ns : a->watermark.ns;
    int64_t y = b->promises ? b->promised_ns : b->watermark.ns;
    if (x != y)
        return x < y ? -1 : 1;
    if (!a->promises || !b->promises)
        return b->promises - a->promises;
    return memcmp(&a->promised, &b->promised, sizeof a->promised);
}

/* Of those who are there; NULL: nobody is. */
static const struct order_worker *slowest(const struct order *order)
{
    const struct order_worker *found = NULL;
    for (uint32_t i = 0; i < order->workers; i++) {
        const struct order_worker *w = &order->worker[i];
        if (!w->absent && (!found || by_progress(w, found) < 0))
            found = w;
    }
    return found;
}

static void complete_promised(struct order *order, int64_t time_ns, const struct flow_key *key)
{
    advance(order, (struct ptime){time_ns - 1});
    size_t from = order->ready;
    for (size_t i = from; i < order->count; i++)
        if (order->item[i].time_ns == time_ns &&
            memcmp(key_of(order->item[i].record), key, sizeof *key) <= 0)
            complete_item(order, i);
    sort_from(order, from);
}

void order_promise(struct order *order, uint32_t worker, const struct record_flow *record)
{
    struct order_worker *own = &order->worker[worker];
    if (own->absent || record->header.time_ns <= own->watermark.ns)
        return;
    own->promises = true;
    own->promised_ns = record->header.time_ns;
    own->promised = record->key;
    /* Whoever promises least must be whom order_holds names: a promise is a watermark, too. */
    if (own->watermark.ns < own->promised_ns - 1) {
        own->watermark.ns = own->promised_ns - 1;
        reconsider(order);
    }
    if (++order->promised < ORDER_STEP + order_waiting(order) / 8) /* each look is at all of them */
        return;
    order->promised = 0;
    const struct order_worker *last = slowest(order);
    if (last->promises && last->promised_ns > order->complete.ns)
        complete_promised(order, last->promised_ns, &last->promised);
}

/* --- the bound ------------------------------------------------------------------------------- */

size_t order_waiting(const struct order *order)
{
    return order->count - order->ready;
}

bool order_is_full(const struct order *order)
{
    return order_waiting(order) >= order->max || order->bytes >= ORDER_MAX_BYTES;
}

bool order_is_full_of(const struct order *order, uint32_t worker)
{
    const struct order_worker *w = &order->worker[worker];
    return w->waiting >= order->max || w->bytes >= ORDER_MAX_BYTES;
}

bool order_holds(const struct order *order, uint32_t worker)
{
    const struct order_worker *own = &order->worker[worker];
    return !own->absent && own->watermark.ns == smallest(order).ns &&
           (!own->promises || by_progress(own, slowest(order)) == 0);
}

void order_force(struct order *order)
{
    order->forced += order_waiting(order);
    advance(order, newest(order));
}

/* --- consuming ------------------------------------------------------------------------------- */

/* What comes soon was copied here some thousand records ago. */
static void expect(const struct order *order)
{
    if (order->next + EXPECTED >= order->ready)
        return;
    const char *record = (const char *)order->item[order->next + EXPECTED].record;
    for (size_t line = 0; line < BLOCK_BYTES; line += 64)
        __builtin_prefetch(record + line);
}

const struct ordered *order_ahead(const struct order *order, size_t records)
{
    return order->next + records < order->ready ? &order->item[order->next + records] : NULL;
}

const struct ordered *order_peek(const struct order *order)
{
    return order->next < order->ready ? &order->item[order->next] : NULL;
}

void order_done(struct order *order)
{
    free_record(order, order->item[order->next++].record);
    expect(order);
}
