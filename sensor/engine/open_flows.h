/* The last progress record of every flow that reported and has not ended: what a capture process
 * that dies leaves open. Without its zeros (thin.h), for nearly none is ever asked for. Bound:
 * OPEN_FLOWS_MAX; the one that reported longest ago is forgotten, counted. Engine thread. */
#ifndef WEIR_ENGINE_OPEN_FLOWS_H
#define WEIR_ENGINE_OPEN_FLOWS_H

#include "weir/base/map.h"
#include "weir/base/pool.h"
#include "weir/record/record.h"

#define OPEN_FLOWS_MAX 262144

struct open_key {         /* compared as bytes: no padding */
    struct flow_key flow; /* flow_key_unordered */
    uint64_t worker;
};

struct open_flow {
    struct open_flow *newer, *older; /* by when it last reported */
    struct open_key key;
    uint16_t record_bytes, thin_bytes;
    uint8_t thin[]; /* the record */
};

struct open_flows {
    struct map map; /* its struct open_key → struct open_flow */
    struct open_flow *newest, *oldest;
    struct pools pools; /* where they lie */
    uint64_t forgotten;
};

void open_flows_init(struct open_flows *flows);
void open_flows_fini(struct open_flows *flows);
/* A record that will be noted soon, in two steps as map_prefetch has it: returns its key's hash. */
uint64_t open_flows_prefetch(const struct open_flows *flows, uint32_t worker,
                             const struct flow_key *key);
void open_flows_expect(const struct open_flows *flows, uint64_t hash);
/* A flow record of that worker: an open flow is kept, an ended one forgotten. */
void open_flows_note(struct open_flows *flows, uint32_t worker, const struct record_flow *record);
/* As it was noted, into RECORD_MAX_BYTES. */
void open_flows_record(const struct open_flow *open, struct record_flow *record);
/* Takes all of a worker's out of the table, sorted by key. Caller frees each and the array. */
struct record_flow **open_flows_take(struct open_flows *flows, uint32_t worker, size_t *count);
void open_flows_drop(struct open_flows *flows, uint32_t worker); /* likewise, for nobody */

#endif
