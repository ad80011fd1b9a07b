/* What people change of a host's baseline through a running engine, as `weir baseline` does beside
 * it: nothing is learned of it any more, or again; or learning begins anew. In the store first,
 * the audit's line before the change, and only where nobody else was first; then what the engine
 * holds of it is dropped and read again: while an hour is being closed it waits for that. One at a
 * time, until it is answered or, its store lost, that is back; a replay has nobody who orders.
 * Engine thread. */
#ifndef WEIR_ENGINE_GOVERN_H
#define WEIR_ENGINE_GOVERN_H

#include "weir/engine/engine.h"

enum govern_verb { GOVERN_FREEZE, GOVERN_THAW, GOVERN_RESET, GOVERN_VERBS };
extern const char *const govern_verb_name[GOVERN_VERBS]; /* as `weir baseline` has them */

enum govern_result {
    GOVERN_DONE,
    GOVERN_SAME,      /* it was so before */
    GOVERN_UNKNOWN,   /* no baseline of this host */
    GOVERN_HELD,      /* it may not be reset (weir baseline hold) */
    GOVERN_OVERTAKEN, /* an hour was learned meanwhile, or somebody else changed it */
    GOVERN_DAMAGED,   /* what is stored is no profile, and stays */
    GOVERN_AWAY,      /* the store is not there: nothing was changed */
    GOVERN_UNSURE,    /* it went behind the order: it is changed, or not; said at once */
    GOVERN_LATER,     /* another one, or an hour's close, is under way: not taken */
    GOVERN_RESULTS
};

struct govern_order { /* borrowed for the call */
    struct ip host;
    enum govern_verb verb;
    const char *who, *reason; /* reason NULL or "": none */
    /* Once, after the call, also when the store goes; never when the engine ends before. */
    void (*done)(void *context, enum govern_result result);
    void *context;
};
/* False: it is not taken, and why. */
bool engine_govern(struct engine *engine, const struct govern_order *order,
                   enum govern_result *why);
/* Often: what the engine holds is dropped as soon as that may be. */
void engine_govern_look(struct engine *engine);

#endif
