/* The last progress record of every flow that reported and has not ended: what a capture process
 * that dies leaves open. Bound: OPEN_FLOWS_MAX; the one that reported longest ago is forgotten,
 * counted. Engine thread. */
#ifndef WEIR_ENGINE_OPEN_FLOWS_H
#define WEIR_ENGINE_OPEN_FLOWS_H

#include "weir/base/map.h"
#include "weir/record/record.h"

#define OPEN_FLOWS_MAX 262144

struct open_key {         /* compared as bytes: no padding */
    struct flow_key flow; /* flow_key_unordered */
    uint64_t worker;
};

struct open_flow {
    struct open_flow *newer, *older; /* by when it last reported */
    struct open_key key;
    struct record_flow *record; /* in the same allocation */
    uint32_t worker;
};

struct open_flows {
    struct map map; /* its struct open_key → struct open_flow */
    struct open_flow *newest, *oldest;
    uint64_t forgotten;
};

void open_flows_init(struct open_flows *flows);
void open_flows_fini(struct open_flows *flows);
/* A flow record of that worker: an open flow is kept, an ended one forgotten. */
void open_flows_note(struct open_flows *flows, uint32_t worker, const struct record_flow *record);
/* Takes all of a worker's out of the table, sorted by key. Caller frees each and the array. */
struct open_flow **open_flows_take(struct open_flows *flows, uint32_t worker, size_t *count);

#endif
