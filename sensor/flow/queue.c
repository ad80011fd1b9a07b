/* Flows in order of an instant: a list for those that come in order, a heap for the rest.
 *
 * Nearly every flow joins with the latest instant so far and goes to the end of an intrusive list:
 * constant time, no memory. Packets that are older than others already counted (merged captures,
 * several capture queues) and flows that are put back go into a binary heap, so order is exact
 * however disordered the input is. A flow waits at most once a timer.
 *
 * A flow that leaves the heap early leaves its entry behind; it is stale, recognised by ordinal and
 * key, dropped when it comes to the top, and swept out before the heap would grow: its room is
 * at most four times the flows that were in it at once (and 64). Thread: the capture thread. */
#include "flow.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

void queue_init(struct flow_queue *queue, enum flow_timer timer, int64_t interval_ns)
{
    *queue = (struct flow_queue){.timer = timer, .interval_ns = interval_ns};
    queue->head = queue->tail = SLOT_NONE;
}

void queue_fini(struct flow_queue *queue)
{
    free(queue->heap);
    queue->heap = NULL;
}

void queue_clear(struct flow_queue *queue)
{
    queue->head = queue->tail = SLOT_NONE;
    queue->heap_count = 0;
}

/* --- the heap ----------------------------------------------------------------------------- */

/* Equal instants: the older flow first, so that the order depends on packets alone. */
static bool before(const struct queue_entry *a, const struct queue_entry *b)
{
    return a->key_ns != b->key_ns ? a->key_ns < b->key_ns : a->ordinal < b->ordinal;
}

static bool is_live(const struct flow_table *table, const struct flow_queue *queue,
                    const struct queue_entry *entry)
{
    const struct flow *flow = flow_at(table, entry->slot);
    if (flow->ordinal != entry->ordinal || flow->place[queue->timer] != PLACE_HEAP ||
        flow->link[queue->timer].key_ns != entry->key_ns)
        return false;
    return queue->timer != TIMER_IDLE || &table->idle[flow->idle_queue] == queue;
}

static void sift_down(struct queue_entry *heap, size_t count, size_t at)
{
    struct queue_entry entry = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &entry))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

static void heap_sweep(const struct flow_table *table, struct flow_queue *queue)
{
    size_t kept = 0;
    for (size_t i = 0; i < queue->heap_count; i++) {
        if (is_live(table, queue, &queue->heap[i]))
            queue->heap[kept++] = queue->heap[i];
    }
    queue->heap_count = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(queue->heap, kept, i);
}

static void heap_push(const struct flow_table *table, struct flow_queue *queue,
                      struct queue_entry entry)
{
    if (queue->heap_count == queue->heap_room) {
        heap_sweep(table, queue);
        if (queue->heap_count >= queue->heap_room / 2) {
            queue->heap_room = queue->heap_room ? 2 * queue->heap_room : 64;
            queue->heap = xrealloc(queue->heap, queue->heap_room * sizeof *queue->heap);
        }
    }
    struct queue_entry *heap = queue->heap;
    size_t at = queue->heap_count++;
    while (at > 0 && before(&entry, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = entry;
}

static void heap_pop(struct flow_queue *queue)
{
    queue->heap[0] = queue->heap[--queue->heap_count];
    if (queue->heap_count > 0)
        sift_down(queue->heap, queue->heap_count, 0);
}

/* --- the queue ---------------------------------------------------------------------------- */

void queue_add(struct flow_table *table, struct flow_queue *queue, struct flow *flow,
               int64_t key_ns)
{
    struct flow_link *link = &flow->link[queue->timer];
    link->key_ns = key_ns;
    int64_t due = time_after(key_ns, queue->interval_ns);
    if (due < table->next_due_ns)
        table->next_due_ns = due;
    struct flow *tail = queue->tail == SLOT_NONE ? NULL : flow_at(table, queue->tail);
    if (tail && tail->link[queue->timer].key_ns > key_ns) {
        flow->place[queue->timer] = PLACE_HEAP;
        heap_push(table, queue, (struct queue_entry){key_ns, flow->ordinal, flow->slot});
        return;
    }
    link->prev = queue->tail;
    link->next = SLOT_NONE;
    if (tail)
        tail->link[queue->timer].next = flow->slot;
    else
        queue->head = flow->slot;
    queue->tail = flow->slot;
    flow->place[queue->timer] = PLACE_LIST;
}

void queue_drop(struct flow_table *table, struct flow_queue *queue, struct flow *flow)
{
    enum flow_timer timer = queue->timer;
    if (flow->place[timer] == PLACE_LIST) {
        const struct flow_link *link = &flow->link[timer];
        if (link->prev == SLOT_NONE)
            queue->head = link->next;
        else
            flow_at(table, link->prev)->link[timer].next = link->next;
        if (link->next == SLOT_NONE)
            queue->tail = link->prev;
        else
            flow_at(table, link->next)->link[timer].prev = link->prev;
    }
    flow->place[timer] = PLACE_NOWHERE;
}

struct flow *queue_first(struct flow_table *table, struct flow_queue *queue)
{
    while (queue->heap_count > 0 && !is_live(table, queue, &queue->heap[0]))
        heap_pop(queue);
    struct flow *list = queue->head == SLOT_NONE ? NULL : flow_at(table, queue->head);
    if (queue->heap_count == 0)
        return list;
    struct flow *heap = flow_at(table, queue->heap[0].slot);
    if (!list)
        return heap;
    struct queue_entry entry = {list->link[queue->timer].key_ns, list->ordinal, list->slot};
    return before(&entry, &queue->heap[0]) ? list : heap;
}
