/* Intervals in which a capture worker was not there: counted, the last ABSENCES_KEPT kept for the
 * status. Thread: the engine's. */
#include "internal.h"

void judge_absence(struct engine *engine, const struct absence *absence)
{
    engine->absence[engine->counts.absences++ % ABSENCES_KEPT] = *absence;
    engine->counts.absent_ns += (uint64_t)(absence->until.ns - absence->from.ns);
}
