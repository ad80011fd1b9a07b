/* Alerts by who spoke, how urgently and how severe, for GET /metrics. Not in the checkpoint: a
 * counter there may begin anew with its process. Detectors and rules live as long as the engine, so
 * their ids are borrowed. Linear: there are tens of them, and alerts are rare. Thread: the
 * engine's. */
#include "internal.h"

#include <string.h>

static struct engine_tally *row_of(struct tallies *tallies, const char *id)
{
    for (size_t i = 0; i < tallies->count; i++)
        if (strcmp(tallies->row[i].detector, id) == 0)
            return &tallies->row[i];
    if (tallies->count == ENGINE_TALLIES)
        return &tallies->row[ENGINE_TALLIES - 1];
    struct engine_tally *row = &tallies->row[tallies->count++];
    row->detector = tallies->count == ENGINE_TALLIES ? "other" : id;
    return row;
}

void engine_tally(struct engine *engine, const struct finding *finding)
{
    struct engine_tally *row = row_of(&engine->tallies, finding->detector->id);
    row->alerts[finding->urgency]++;
    row->severity[alert_severity(finding->score)]++;
}

const struct engine_tally *engine_tallies(const struct engine *engine, size_t *count)
{
    *count = engine->tallies.count;
    return engine->tallies.row;
}
