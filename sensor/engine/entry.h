/* Entries: what reaches the engine, as it is taken and as it is logged. Plain data. */
#ifndef WEIR_ENGINE_ENTRY_H
#define WEIR_ENGINE_ENTRY_H

#include "weir/base/address.h"
#include "weir/engine/engine.h"

#define WHY_SIZE        48
#define ENTRY_BYTES_MAX (1u << 20u)

/* Everything that reaches the engine from outside, one after the other. The state is a function of
 * the entries: however they are cut into batches, the same come to the same. */
enum entry_kind {
    ENTRY_RECORD = 1,
    ENTRY_ATTACH,
    ENTRY_LOST,
    ENTRY_LOADED,
    ENTRY_WAITED,
    ENTRY_ELSEWHERE
};

#define ENTRY_FINAL    1u /* no successor comes */
#define ENTRY_FOLLOWED 2u /* its successor is there: its ENTRY_ATTACH is the next entry */

struct entry {     /* followed by `size` bytes */
    uint32_t size; /* a multiple of 8 */
    uint16_t kind;
    uint16_t flags; /* ENTRY_LOST: ENTRY_… */
    uint32_t worker, incarnation;
    uint64_t position; /* in the worker's ring, behind this */
    uint64_t hash;     /* in the log */
};

struct entry_loaded { /* ENTRY_LOADED: what the store knew of a host, followed by the blob */
    struct ip host;
    uint32_t blob_size; /* 0: nothing */
    uint32_t spare;
};

enum { ELSEWHERE_SEEN, ELSEWHERE_CLAIMED, ELSEWHERE_SAID, ELSEWHERE_HALF };

/* ENTRY_ELSEWHERE: what other sensors see of a host, followed by who they are and `count` shares of
 * destinations (alike, across, key, who); or
 * who tells of it: of the destination whose hash `alike` is, on the side `count`, `across` as the
 * store answered (enum store_claimed), followed by how much that one knows; or who sees the other
 * direction of the flow `alike`, of which what the host sends (`across` 1) or is sent is seen here.
 */
struct entry_elsewhere {
    struct ip host;
    int64_t hour; /* of a claim: the day */
    uint64_t alike, across;
    uint32_t size; /* of what follows */
    uint16_t count, what;
};

struct entry_waited { /* ENTRY_WAITED: hours that were due had to wait for other sensors */
    int64_t through;
};

#endif
