/* A host's evidence of the day, judged as one (weir/baseline/calibration.h: how it is fused and
 * how rare that is): told when its calibrated p is below the larger part of the budget, or the
 * absolute day's alone is below the rest, so that a known-good destination cannot hide gigabytes.
 *
 * The alert is the row's whose component says most, of those that name a destination if one of them
 * says a tenth of it, else of all; then it is about the host, but for what is one destination's
 * doing (fusion_explained). Its reasons are that and the two others that say most; what it would
 * take not to fire is found by bisection over the same function. Pure; any thread. */
#ifndef WEIR_DETECT_FUSION_H
#define WEIR_DETECT_FUSION_H

#include "weir/baseline/evidence.h"
#include "weir/detect/detector.h"

#define FUSION_REASONS 3

struct weighed_pair {
    const struct destination *destination; /* NULL: the host itself */
    const struct pair *pair;               /* NULL: never met in a closed hour */
    struct amounts amounts;
};

struct weighing {
    struct civil civil; /* the open hour */
    const struct profile *host;
    const struct fleet *fleet;
    struct amounts amounts;          /* the host's */
    struct day_evidence evidence;    /* of the day's closed hours and the open one */
    struct whole_hour whole;         /* when that is over, what of it is asked; total NULL: not */
    struct day_evidence closed;      /* … then, of the day's closed hours alone */
    double silent_e[EVIDENCE_SIDES]; /* less was told within the week: E below it is silent; 0 */
    void *context;
    /* The pair of a mark; false: it is not known any more. */
    bool (*find)(void *context, uint32_t name, struct weighed_pair *pair);
    /* The destination that took most of the day, if there is one that is not "other": where what
     * was gathered went. NULL: not known. */
    void (*largest)(void *context, struct weighed_pair *pair);
    /* So many times less likely must it be to be told (a trusted destination); 1: as the rest. */
    double (*bar)(void *context, const struct destination *destination);
    /* Closed hours and open ones as if there had not been this pair; never with the host's own open
     * hour, nor what is asked of it when it is over. Name 0: with all pairs. */
    void (*without)(void *context, uint32_t name, struct day_evidence *evidence);
};

/* What the evidence makes of a side; fired: at the fleet's budget. */
struct fused fusion_weigh(const struct weighing *weighing, enum evidence_side side, bool *fired);
/* Whether that is told of a destination (NULL: of the host): not what was told already, and of what
 * is trusted only what is rarer. */
bool fusion_is_told(const struct weighing *weighing, enum evidence_side side,
                    const struct fused *fused, const struct destination *destination);
/* The finding of a side that fired, and where it leads. */
void fusion_tell(const struct weighing *weighing, enum evidence_side side,
                 const struct fused *fused, struct finding *finding, struct weighed_pair *lead);
/* A side that leads to the host itself: whether it is one destination's doing, the one that took
 * most of the day, without whose bytes it would not be told. `lead` is that then, and what the
 * finding needs is of it. Never of one that is trusted: it would hide the host. */
bool fusion_explained(const struct weighing *weighing, enum evidence_side side,
                      struct finding *finding, struct weighed_pair *lead);

/* One component, to be put into words by its row. */
struct told_kind {
    enum evidence_kind kind;
    const struct weighing *weighing;
    struct weighed_pair pair;
    uint64_t bytes;
    bool earlier; /* it was in an hour before this one, the same day */
    struct estimate estimate;
};

#endif
