/* Records that were consumed before are consumed once more: they come from a tape, in their order.
 *
 * What only who reads rings can see is taken from the counts of that first time. Thread: the
 * engine's. */
#include "internal.h"

#define TURN_RECORDS 4096u /* before the loop may look at other things */

void again_begin(struct engine *engine)
{
    const struct engine_counts *before = engine->config.before;
    struct engine_counts *counts = &engine->counts;
    counts->late = before->late;
    counts->forced = before->forced;
    counts->flows_forgotten = before->flows_forgotten;
    for (int i = 0; i < RECORD_FAULTS; i++)
        counts->faults[i] = before->faults[i];
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
    const struct record_header *record =
        tape_next(engine->config.tape, &again->item.worker, &error);
    if (error.code != ERROR_NONE)
        engine_fail(engine, &error);
    else
        engine->order.ended = !record;
    if (!record)
        return NULL;
    again->left--;
    again->held = true;
    again->item.record = record;
    again->item.time_ns = record->time_ns;
    return &again->item;
}

void again_done(struct engine *engine)
{
    engine->again.held = false;
}
