/* What is due when: idle time-outs and progress reports.
 *
 * Seven idle queues, one for each time-out, and one of flows with something unreported. A packet
 * moves nothing in the idle queues: a flow waits under the instant it was last looked at, and only
 * when that comes due (or the table is full) is its last packet looked up and the flow put back. So
 * a packet costs no list work, however many flows there are, and yet a flow ends at last packet +
 * time-out to the nanosecond. Only a change to a shorter time-out moves a flow at once.
 *
 * A report is due at the first unreported packet + report_ns, exactly, because that instant does
 * not move. One that is refused is tried again report_ns after the refusal. A closed connection
 * that ends within a tenth of report_ns of its first report is told by its end alone: most
 * connections are short, and would be told twice, the second time without news. No more than a
 * tenth: others wait for what a connection tells (ANSWER_AWAITED_NS). A straggler, which puts its
 * end off, brings the report at once. What is over by then is told so by its report (exchange.c);
 * its time-out only frees its place.
 *
 * Each event happens in the order of its own due time and is told with it. Only a packet more than
 * nine seconds older than the clock can make something due in the past: it is told at the clock, so
 * that a watermark already sent stays true. Equal times: ends before reports (an end tells all).
 * Thread: the capture thread. */
#include "flow.h"
#include "weir/base/fetch.h"

static struct flow_queue *queue_of(struct flow_table *table, const struct flow *flow)
{
    return &table->idle[flow->idle_queue];
}

static void wait_idle(struct flow_table *table, struct flow *flow)
{
    flow->idle_queue = flow->class;
    queue_add(table, &table->idle[flow->class], flow, flow->last_ns);
}

void expiry_begin(struct flow_table *table, struct flow *flow)
{
    wait_idle(table, flow);
}

void expiry_set_class(struct flow_table *table, struct flow *flow, enum flow_class class)
{
    if (flow->class == class)
        return;
    flow->class = class & 15u;
    if (table->idle[class].interval_ns < queue_of(table, flow)->interval_ns) {
        queue_drop(table, queue_of(table, flow), flow);
        wait_idle(table, flow);
    }
}

void expiry_touch(struct flow_table *table, struct flow *flow, int64_t time_ns)
{
    if (flow->place[TIMER_REPORT] != PLACE_NOWHERE)
        return;
    bool was_left_to_its_end = flow->class == CLASS_TCP_CLOSED && !(flow->flags & FLOW_TOLD);
    queue_add(table, &table->report, flow,
              was_left_to_its_end ? time_ns - table->config.report_ns : time_ns);
}

void expiry_drop(struct flow_table *table, struct flow *flow)
{
    queue_drop(table, queue_of(table, flow), flow);
    queue_drop(table, &table->report, flow);
}

/* Puts a flow that had packets since, or changed its class, where it belongs. False when it
 * is there. */
static bool put_back(struct flow_table *table, struct flow *flow)
{
    if (flow->idle_queue == flow->class && flow->link[TIMER_IDLE].key_ns == flow->last_ns)
        return false;
    queue_drop(table, queue_of(table, flow), flow);
    wait_idle(table, flow);
    return true;
}

struct flow *expiry_oldest(struct flow_table *table)
{
    struct flow *oldest = NULL;
    for (int class = 0; class < FLOW_CLASSES; class ++) {
        struct flow *flow = queue_first(table, &table->idle[class]);
        while (flow && put_back(table, flow))
            flow = queue_first(table, &table->idle[class]);
        if (flow && (!oldest || flow->last_ns < oldest->last_ns ||
                     (flow->last_ns == oldest->last_ns && flow->ordinal < oldest->ordinal)))
            oldest = flow;
    }
    return oldest;
}

/* The queue whose first flow is due first; *due_ns is when. */
static struct flow_queue *first_due(struct flow_table *table, int64_t *due_ns)
{
    struct flow_queue *first = NULL;
    *due_ns = INT64_MAX;
    for (int i = 0; i <= FLOW_CLASSES; i++) {
        struct flow_queue *queue = i < FLOW_CLASSES ? &table->idle[i] : &table->report;
        const struct flow *flow = queue_first(table, queue);
        if (!flow)
            continue;
        int64_t due = time_after(flow->link[queue->timer].key_ns, queue->interval_ns);
        if (!first || due < *due_ns) {
            first = queue;
            *due_ns = due;
        }
    }
    return first;
}

static bool is_told_by_its_end(const struct flow_table *table, const struct flow *flow,
                               int64_t told_ns)
{
    int64_t end_ns = time_after(flow->last_ns, table->config.tcp_closed_ns);
    return flow->class == CLASS_TCP_CLOSED && !(flow->flags & FLOW_TOLD) &&
           end_ns <= time_after(told_ns, table->config.report_ns / 10);
}

static void report_due(struct flow_table *table, struct flow *flow, int64_t told_ns, int64_t now_ns)
{
    if (is_told_by_its_end(table, flow, told_ns)) {
        queue_drop(table, &table->report, flow);
        return;
    }
    if (exchange_is_over(table, flow, told_ns)) {
        flow_rest(table, flow, told_ns);
        return;
    }
    if (flow_report(table, flow, told_ns))
        return;
    struct flow_more *more = more_of(table, flow);
    more->fresh_since_ns = flow_fresh_since(flow);
    more->late = true;
    queue_drop(table, &table->report, flow);
    queue_add(table, &table->report, flow, now_ns);
}

/* Flows that something is due of were not touched for long: while one is told, the third behind it
 * is fetched, and what hangs on those between. */
static void expect_next(const struct flow_table *table, const struct flow *flow,
                        enum flow_timer timer)
{
    uint32_t slot = flow->place[timer] == PLACE_LIST ? flow->link[timer].next : SLOT_NONE;
    for (int behind = 1; behind < 3 && slot != SLOT_NONE; behind++) {
        struct flow *next = flow_at(table, slot);
        if (behind == 2)
            __builtin_prefetch(next->more);
        if (table->events.soon)
            table->events.soon(table->context, next, behind == 1);
        slot = next->link[timer].next;
    }
    if (slot != SLOT_NONE)
        fetch(flow_at(table, slot), sizeof *flow);
}

void flow_table_advance(struct flow_table *table, struct ptime now)
{
    now.ns = time_held(now.ns, RECORD_TIME_MAX_NS);
    if (now.ns < table->clock_ns)
        return;
    if (now.ns < table->next_due_ns) {
        table->clock_ns = now.ns;
        return;
    }
    int64_t due;
    struct flow_queue *queue;
    while ((queue = first_due(table, &due)) && due <= now.ns) {
        struct flow *flow = queue_first(table, queue);
        int64_t told = due > table->clock_ns ? due : table->clock_ns;
        expect_next(table, flow, queue->timer);
        if (queue->timer == TIMER_REPORT)
            report_due(table, flow, told, now.ns);
        else if (!put_back(table, flow))
            flow_finish(table, flow, flow->closed != FLOW_OPEN ? flow->closed : FLOW_END_IDLE,
                        told);
    }
    table->clock_ns = now.ns;
    table->next_due_ns = due;
}

void flow_table_settle(struct flow_table *table, struct flow *flow, struct ptime now)
{
    uint64_t enough = table->config.report_bytes;
    if (flow->fresh_bytes < (enough < FRESH_MOST ? enough : FRESH_MOST))
        return;
    now.ns = time_held(now.ns, RECORD_TIME_MAX_NS);
    for (int side = 0; side < SIDES; side++) {
        uint64_t told = flow_told(flow, (enum flow_side)side).payload_bytes;
        if (flow->side[side].counts.payload_bytes - told >= enough) {
            flow_report(table, flow, now.ns > table->clock_ns ? now.ns : table->clock_ns);
            return;
        }
    }
}

struct ptime flow_table_next_due(const struct flow_table *table)
{
    return (struct ptime){table->next_due_ns};
}
