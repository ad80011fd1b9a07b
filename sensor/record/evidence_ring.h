/* The layout of weir/record/evidence_ring.h's file, and its writer's memory. Private to its three
 * files and their tests. */
#ifndef WEIR_SENSOR_RECORD_EVIDENCE_RING_H
#define WEIR_SENSOR_RECORD_EVIDENCE_RING_H

#include "weir/record/evidence_ring.h"

#include <pthread.h>
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

/* A segment's head as it was at one moment: what is looked at is what is used. */
struct held_seen {
    uint64_t magic, generation, used, first_number, packets;
    int64_t first_ns, made_ns;
};

/* Whether that can be a segment of these, at this place. */
static inline bool held_makes_sense(const struct held_seen *seen, uint32_t place, uint32_t segments,
                                    uint32_t segment_bytes)
{
    return seen->magic == HELD_MAGIC && seen->generation > 0 &&
           seen->generation < HELD_GENERATION && seen->generation % segments == place &&
           seen->used >= sizeof(struct held_segment) && seen->used <= segment_bytes &&
           seen->first_number < HELD_GENERATION && seen->packets <= segment_bytes;
}

/* Whether a file of this size is one of whole segments of that. */
static inline bool held_fits(uint64_t size, uint32_t segment_bytes)
{
    return segment_bytes >= HELD_SEGMENT_MIN && segment_bytes <= HELD_SEGMENT_MAX &&
           segment_bytes % 64 == 0 && size % segment_bytes == 0 && size / segment_bytes >= 2 &&
           size / segment_bytes <= HELD_SEGMENTS;
}

/* --- the writer --------------------------------------------------------------------------------
 */

/* Whose packets are being forgotten, and how far. The thread that forgets. */
struct held_forgetting {
    bool under_way;
    struct ip ip;
    uint32_t place; /* of the segment at hand … */
    uint64_t at,
        generation;     /* … looked through up to here; 0: it is none, as far as it was known */
    bool rest;          /* no packets from here on: all goes */
    bool damaged, told; /* it made no sense, and that is counted */
    struct held_forgotten so_far;
};

struct evidence_ring {
    uint8_t *file;
    size_t size;
    uint32_t segment_bytes, segments;
    struct held_segment *segment; /* that is written */
    uint64_t generation, used, number, packets;
    uint64_t clean_from; /* of it, bytes: from here on there are zeros */
    int64_t made_ns;
    struct past { /* of each place, what stands there */
        uint64_t packets;
        int64_t first_ns;
    } * past;
    struct held_counts counts;
    pthread_mutex_t turning; /* a segment begins anew, or one is looked through for a host */
    struct held_forgetting forgetting;
    _Atomic bool clearing;  /* what stands behind the last packet is to go */
    _Atomic uint64_t clear; /* the generation in whose segment there is nothing any more */
};

#endif
