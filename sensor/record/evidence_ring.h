/* The layout of weir/record/evidence_ring.h's file. Private to its two files and their tests. */
#ifndef WEIR_SENSOR_RECORD_EVIDENCE_RING_H
#define WEIR_SENSOR_RECORD_EVIDENCE_RING_H

#include "weir/record/evidence_ring.h"

#include <stdatomic.h>

#define HELD_MAGIC      UINT64_C(0x31444c4548524957) /* "WIRHELD1" */
#define HELD_GENERATION (UINT64_C(1) << 62)          /* none that was counted up comes so far */

struct held_segment {
    uint64_t magic;
    _Atomic uint64_t generation; /* 0: it is being emptied */
    _Atomic uint64_t used;       /* bytes, this head included */
    uint64_t first_number;       /* of its first packet, from 1 */
    _Atomic uint64_t packets;
    _Atomic int64_t first_ns; /* of its first packet */
    int64_t made_ns;          /* the ring; the same in all of them */
    uint64_t spare;
};
_Static_assert(sizeof(struct held_segment) == 64, "the head of a segment");

struct held_head {
    uint32_t size; /* of all of it, a multiple of 8 */
    uint32_t kept, wire_bytes;
    uint16_t link;
    uint8_t interface, spare;
    int64_t time_ns;
    struct flow_key key;
};
_Static_assert(sizeof(struct held_head) == 72, "no padding is written");

#endif
