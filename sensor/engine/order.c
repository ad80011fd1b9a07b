/* Consumption order: (time, key, worker, number) up to the smallest watermark.
 *
 * Records of one worker arrive almost sorted, so they are collected in an array and only what a
 * watermark completes is sorted. `number` grows within a worker and all records of a key come from
 * one worker, so the order is the same for any number of workers. Thread: the engine's. */
#include "order.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

void order_init(struct order *order, uint32_t workers)
{
    *order = (struct order){.complete = PTIME_MIN, .workers = workers};
    order->watermark = xcalloc(workers, sizeof *order->watermark);
    for (uint32_t i = 0; i < workers; i++)
        order->watermark[i] = PTIME_MIN;
}

static void free_record(const struct record_header *record)
{
    union {
        const struct record_header *borrowed;
        void *owned;
    } cast = {.borrowed = record};
    free(cast.owned);
}

void order_fini(struct order *order)
{
    for (size_t i = order->next; i < order->count; i++)
        free_record(order->item[i].record);
    free(order->item);
    free(order->watermark);
}

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

void order_add(struct order *order, const struct record_header *record, uint32_t worker)
{
    void *copy = xcalloc(1, record->size);
    memcpy(copy, record, record->size);
    make_room(order);
    order->item[order->count++] = (struct ordered){copy, worker};
}

static const struct flow_key *key_of(const struct record_header *record)
{
    static const struct flow_key none;
    switch ((enum record_kind)record->kind) {
    case RECORD_FLOW:
        return &((const struct record_flow *)(const void *)record)->key;
    case RECORD_NAME:
        return &((const struct record_name *)(const void *)record)->key;
    case RECORD_CONTENT:
        return &((const struct record_content *)(const void *)record)->key;
    case RECORD_HEALTH:
    case RECORD_WATERMARK:
        break;
    }
    return &none;
}

static int by_order(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->record->time_ns != y->record->time_ns)
        return x->record->time_ns < y->record->time_ns ? -1 : 1;
    int keys = memcmp(key_of(x->record), key_of(y->record), sizeof(struct flow_key));
    if (keys)
        return keys;
    if (x->worker != y->worker)
        return x->worker < y->worker ? -1 : 1;
    return x->record->number < y->record->number ? -1 : x->record->number > y->record->number;
}

bool order_watermark(struct order *order, uint32_t worker, struct ptime time)
{
    if (time.ns > order->watermark[worker].ns)
        order->watermark[worker] = time;
    struct ptime complete = PTIME_MAX;
    for (uint32_t i = 0; i < order->workers; i++)
        if (order->watermark[i].ns < complete.ns)
            complete = order->watermark[i];
    if (complete.ns <= order->complete.ns)
        return false;
    order->complete = complete;
    /* Bring what is complete to the front of the waiting part, then sort just that. What was ready
     * before is older than the last watermark and stays in front. */
    size_t ready = order->ready;
    for (size_t i = order->ready; i < order->count; i++)
        if (order->item[i].record->time_ns <= complete.ns) {
            struct ordered swap = order->item[ready];
            order->item[ready++] = order->item[i];
            order->item[i] = swap;
        }
    if (ready > order->ready) /* there may be no array yet */
        qsort(order->item + order->ready, ready - order->ready, sizeof *order->item, by_order);
    order->ready = ready;
    return true;
}

const struct record_header *order_peek(const struct order *order)
{
    return order->next < order->ready ? order->item[order->next].record : NULL;
}

uint32_t order_worker(const struct order *order)
{
    return order->item[order->next].worker;
}

void order_done(struct order *order)
{
    free_record(order->item[order->next++].record);
}
