/* flows.ndjson of a sensor that runs: one object a finished flow, in the order in which they ended,
 * each written as it does. An engine that goes on from its checkpoint is told again what it was
 * told since: lines that are in the file are not written twice. Engine thread. */
#ifndef WEIR_INVESTIGATE_FLOW_LOG_H
#define WEIR_INVESTIGATE_FLOW_LOG_H

#include "weir/base/error.h"
#include "weir/engine/engine.h"

struct flow_log;
/* `vantage`: VANTAGES names by number, borrowed. `anew`: what an earlier sensor left goes; else it
 * is gone on with (a torn last line is cut). */
struct flow_log *flow_log_open(const char *path, const char *const *vantage, bool anew,
                               struct error *error);
/* Progress records are ignored. `again`: the engine may have told this one before. A failed write
 * is said once; what is not written is counted (flow_log_lost). */
void flow_log_add(struct flow_log *log, const struct flow_view *view, bool again);
uint64_t flow_log_lost(const struct flow_log *log);
void flow_log_close(struct flow_log *log);

#endif
