/* Flows of which this sensor sees one direction, and others perhaps the other: asymmetric routing.
 * Live only. Engine thread.
 *
 * Bounds: HALVES_HOSTS hosts, HALVES_OF_HOST flows of each (of those that nobody was asked about
 * yet the one with fewest bytes gives way to a larger one); flows without a place are counted when
 * they end. A flow is forgotten HALF_NS of packet time behind its last record. */
#ifndef WEIR_ENGINE_HALVES_H
#define WEIR_ENGINE_HALVES_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/map.h"
#include "weir/baseline/seen.h"
#include "weir/detect/detector.h"
#include "weir/record/record.h"

#define HALVES_HOSTS   1024u
#define HALVES_OF_HOST 4u
#define HALF_NS        (10 * NS_PER_MIN) /* the window in which the other half is waited for */

struct engine;
struct flow_view;
struct entry_elsewhere;

struct half_figures { /* as it is in a snapshot */
    uint64_t flow;    /* a hash of its Community ID; 0: a free place */
    uint64_t bytes;   /* that were seen of it, or acknowledged unseen */
    int64_t last_ns, asked_ns;
    uint8_t out;    /* what is seen is what the host sends */
    uint8_t ready;  /* it is asked about: large, or over */
    uint8_t ended;  /* … over, */
    uint8_t missed; /* … and the workers counted it among those seen from one side only */
    uint8_t joined;
    char by[SEEN_NAME_SIZE]; /* who sees the other direction */
};

struct half {
    struct half_figures is;
    struct record_flow *held; /* what its host sent and was not counted as its host's; NULL */
};

struct half_host {
    struct half half[HALVES_OF_HOST];
};

struct halves {
    struct map hosts;      /* the inside address → struct half_host */
    uint64_t rejoined_not; /* of counts.flows_rejoined: not taken off what is judged yet */
};

void halves_init(struct halves *halves);
void halves_fini(struct halves *halves);
/* A flow record, when it was accounted. */
void halves_flow(struct engine *engine, const struct flow_view *view);
void halves_look(struct engine *engine, struct ptime at); /* on the grid of looks */
/* Another sensor sees the other direction: what was held is counted. */
void halves_take(struct engine *engine, const struct entry_elsewhere *entry);
void halves_forget(struct engine *engine, const struct ip *host);
/* Of so many of the host's flows another sensor sees the other direction. */
void halves_tell(const struct engine *engine, const struct ip *host, struct finding *finding);
/* Any of them. */
bool halves_has(const struct engine *engine, const struct ip *host);
/* What a sensor is blind for, without what another saw. */
void halves_take_off(struct halves *halves, struct health *interval);
void halves_pack(const struct halves *halves, struct buffer *out);
bool halves_unpack(struct halves *halves, struct cursor *in);

#endif
