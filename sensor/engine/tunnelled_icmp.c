/* Echo payloads that left (tunnel.icmp).
 *
 * Records tell an ICMP flow's odd payloads since its start, so what is new in one is the difference
 * to what its records told before; a flow that was forgotten meanwhile counts once more from its
 * start, which only a flood of RECENT_ECHOES others can bring about. Thread: the engine's. */
#include "internal.h"

#include <string.h>

#define DAY_SLOT_NS  (12 * NS_PER_HOUR)
#define HOUR_SLOT_NS (30 * NS_PER_MIN)

static void slots_add(struct echo_slots *slots, int64_t number, uint64_t more)
{
    if (number > slots->number) {
        slots->before = number == slots->number + 1 ? slots->now : 0;
        slots->now = 0;
        slots->number = number;
    }
    slots->now += more;
}

static struct echo_counts take_new(struct echo_counts *told, const struct echo_counts *now)
{
    struct echo_counts more = {now->payloads - told->payloads, now->bytes - told->bytes};
    if (now->payloads < told->payloads || now->bytes < told->bytes)
        more = (struct echo_counts){0};
    *told = *now;
    return more;
}

/* What the sides that leave sent since the record before. */
static struct echo_counts fresh_echoes(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    struct flow_key key = flow_key_unordered(&record->key);
    struct echo_counts sum = {0};
    uint64_t hash = hash64_keyed(&engine->tunnelled.questions.key, &key, sizeof key);
    struct echo_flow *flow = recent_keys_put(&engine->tunnelled.echo_flows, hash);
    if (flow->start_ns != record->start_ns)
        *flow = (struct echo_flow){.start_ns = record->start_ns};
    for (int side = 0; side < SIDES; side++) {
        struct echo_counts more = take_new(&flow->told[side], &record->echo[side]);
        if (!(view->way.leaves & (1u << side)))
            continue;
        sum.payloads += more.payloads;
        sum.bytes += more.bytes;
    }
    return sum;
}

static struct echoes add_pair(struct engine *engine, const struct flow_view *view,
                              const struct echo_counts *more)
{
    struct ip ends[] = {*view->host, view->way.remote};
    int64_t now_ns = view->record->header.time_ns;
    uint64_t hash = hash64_keyed(&engine->tunnelled.questions.key, ends, sizeof ends);
    struct echo_pair *pair = recent_keys_put(&engine->tunnelled.echo_pairs, hash);
    slots_add(&pair->bytes, now_ns / DAY_SLOT_NS, more->bytes);
    slots_add(&pair->payloads, now_ns / HOUR_SLOT_NS, more->payloads);
    return (struct echoes){.bytes = pair->bytes.now + pair->bytes.before,
                           .payloads = pair->payloads.now + pair->payloads.before};
}

void tunnelled_echo(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (!view->host || !view->destination ||
        record->echo[SIDE_ORIG].payloads + record->echo[SIDE_RESP].payloads == 0)
        return;
    struct echo_counts more = fresh_echoes(engine, view);
    if (more.payloads == 0)
        return;
    struct ptime now = {record->header.time_ns};
    struct echoes echoes = add_pair(engine, view, &more);
    struct host *host = hosts_get(engine, view->host);
    hosts_turn(engine, host);
    struct open_story *open =
        zoned_story(engine, view->host, &view->way.host, view->destination, now);
    struct subject subject = {.kind = SUBJECT_ECHOES,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .destination = view->destination,
                              .fleet = engine->fleet,
                              .state = host && host->ready ? BASELINE_READY : BASELINE_LEARNING,
                              .echoes = &echoes};
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(&subject, finding);
    if (!view->accepted) /* one-way echoes of a host that nothing is accounted for */
        story_add(open, view);
    account_tell(engine, open, finding, count, subject.state, host ? host->hours : 0, now);
}
