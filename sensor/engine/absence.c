/* A blindness becomes a finding about the sensor. Each is an incident of its own, named by what is
 * not seen: another blindness is never swallowed by one that is already told. It opens when it is
 * told first and closes with its end; an absence is over by the time it is known, so both are told
 * at once. Ends wake nobody. Thread: the engine's. */
#include "internal.h"

#include <string.h>

static bool judge_one(struct engine *engine, const struct silence *silence, struct ptime now,
                      struct finding *finding)
{
    struct subject subject = {.kind = SUBJECT_SENSOR,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .silence = silence};
    struct finding found[JUDGE_FINDINGS];
    if (judge(&subject, found) == 0)
        return false;
    *finding = found[0];
    return true;
}

void tell_silence(struct engine *engine, const struct silence *silence, struct ptime now)
{
    struct finding finding;
    struct story story = {.first = silence->from, .last = silence->until};
    silence_name(silence, story.sight);
    if (!judge_one(engine, silence, now, &finding))
        return;
    bool absent = silence->kind == ABSENT_WORKER || silence->kind == ABSENT_SENSOR;
    if (absent || !(silence->over || silence->gone))
        incidents_find(engine->incidents, &finding, &story, BASELINE_READY, 0, now);
    finding.urgency = URGENCY_DIGEST;
    if ((absent && !silence->lasting) || silence->over || silence->gone)
        incidents_end(engine->incidents, &finding, &story, now);
}

void judge_absence(struct engine *engine, const struct absence *absence)
{
    engine->counts.absences++;
    engine->counts.absent_ns += (uint64_t)(absence->until.ns - absence->from.ns);
    struct silence silence = {.kind = ABSENT_WORKER,
                              .from = absence->from,
                              .until = absence->until,
                              .worker = absence->worker,
                              .why = absence->why,
                              .flows_lost = absence->flows_lost};
    tell_silence(engine, &silence, absence->until);
}

void engine_note_gap(struct engine *engine, struct ptime from, struct ptime until)
{
    struct silence silence = {.kind = ABSENT_SENSOR, .from = from, .until = until};
    if (until.ns - from.ns > ABSENT_TOLD_NS)
        tell_silence(engine, &silence, until);
}
