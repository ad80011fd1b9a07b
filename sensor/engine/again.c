/* Records that were consumed before are consumed once more: they come from a tape, in their order.
 *
 * What only who reads rings can see is taken from the counts of that first time.
 *
 * In hindsight few host-days can be told. Stories are only told: those of a host go on in the hours
 * that hindsight_needs names, and one that is told already as long as it does. What else tells than
 * who weighs evidence says so in the totals of the first time (tunnelled_may_tell), or there is
 * none of it: no rules, no zones, no names, no content. Thread: the engine's. */
#include "internal.h"

#include <string.h>

#define TURN_RECORDS 4096u /* before the loop may look at other things */

/* Late ones would make a silence shorter than the hours say. */
static bool may_pass_by(const struct engine_config *config)
{
    const struct engine_counts *before = config->before;
    for (int kind = 0; kind < RECORD_WATERMARK; kind++)
        if (kind != RECORD_FLOW && kind != RECORD_HEALTH && before->records[kind] > 0)
            return false;
    return config->hindsight && !config->rules && !config->zones && before->late == 0 &&
           before->forced == 0;
}

/* Of what account.c counts where observers hear of it. */
static void take_sums(struct engine_counts *counts, const struct engine_counts *before)
{
    counts->carried = before->carried;
    memcpy(counts->flows, before->flows, sizeof counts->flows);
    memcpy(counts->payload, before->payload, sizeof counts->payload);
    memcpy(counts->protocol_packets, before->protocol_packets, sizeof counts->protocol_packets);
    memcpy(counts->protocol_bytes, before->protocol_bytes, sizeof counts->protocol_bytes);
}

void again_begin(struct engine *engine)
{
    const struct engine_counts *before = engine->config.before;
    struct engine_counts *counts = &engine->counts;
    counts->late = before->late;
    counts->forced = before->forced;
    counts->flows_forgotten = before->flows_forgotten;
    for (int i = 0; i < RECORD_FAULTS; i++)
        counts->faults[i] = before->faults[i];
    engine->again.passes_by = may_pass_by(&engine->config);
    if (engine->config.observed)
        take_sums(counts, before);
    again_begin_passing(engine);
}

static bool may_be_observed(const struct engine *engine)
{
    return engine->config.tape && engine->counts.records[RECORD_CONTENT] == 0;
}

bool again_observes(const struct engine *engine)
{
    if (again_is_asked(engine))
        return !engine->config.observed;
    return !engine_only_gathers(engine) || may_be_observed(engine);
}

bool engine_observed(const struct engine *engine)
{
    return !engine_only_gathers(engine) || may_be_observed(engine);
}

enum hindsight_need again_needs(struct engine *engine, struct host *host, int64_t hour)
{
    struct hindsight *hindsight = engine->config.hindsight;
    if (!engine->again.passes_by)
        return HINDSIGHT_ALL;
    weigh_set_budget(engine);
    uint64_t turn = hindsight_answers(hindsight);
    if (host->story.turn != turn || host->story.hour != hour) {
        host->story.needed = hindsight_needs(hindsight, &host->ip, hour);
        host->story.hour = hour;
        host->story.turn = turn;
    }
    return host->story.needed;
}

bool again_needs_story(struct engine *engine, struct host *host, int64_t hour)
{
    return host->stories_told > 0 || again_needs(engine, host, hour) != HINDSIGHT_NOTHING;
}

bool again_fetch(struct engine *engine)
{
    engine->again.left = TURN_RECORDS;
    return again_peek(engine) || engine->order.ended;
}

const struct ordered *again_peek(struct engine *engine)
{
    struct again *again = &engine->again;
    struct error error = {0};
    if (again->held)
        return &again->item;
    if (again->left == 0 || engine->order.ended)
        return NULL;
    const struct record_header *record = tape_next(engine->config.tape, &again->note, &error);
    if (error.code != ERROR_NONE)
        engine_fail(engine, &error);
    else
        engine->order.ended = !record;
    if (!record)
        return NULL;
    again->left--;
    again->held = true;
    again->item.record = record;
    again->item.worker = again->note.worker;
    again->item.time_ns = record->time_ns;
    return &again->item;
}

void again_done(struct engine *engine)
{
    engine->again.held = false;
}
