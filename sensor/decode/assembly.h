/* The bytes of one fragmented datagram: which of them were seen, which are there, what they are.
 * Private to the decode room. Offsets and sizes are bytes of what IP carries (RFC 791, 8200).
 * Memory is a pool of chunks of fixed size: whoever adds has made sure that there are
 * ASSEMBLY_CHUNKS free ones. Nothing fails, nothing is allocated but the pool. */
#ifndef WEIR_SENSOR_DECODE_ASSEMBLY_H
#define WEIR_SENSOR_DECODE_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_BYTES      8u /* fragments begin at multiples of it, and all but the last end there */
#define CHUNK_BYTES     2048u
#define CHUNK_UNITS     (CHUNK_BYTES / UNIT_BYTES)
#define ASSEMBLY_BYTES  65535u /* the largest datagram either family can have */
#define ASSEMBLY_CHUNKS 32u    /* that many chunks hold it */
#define CHUNK_NONE      UINT16_MAX

struct chunk {
    /* A bit a unit: its place was seen; all its bytes are here; a fragment began with it. */
    uint64_t seen[CHUNK_UNITS / 64], have[CHUNK_UNITS / 64], begins[CHUNK_UNITS / 64];
    uint8_t data[CHUNK_BYTES];
};

struct chunk_pool {
    struct chunk *at;
    uint32_t room, used; /* those below `used` were taken once, and only they have memory */
    uint32_t free;       /* of `room` */
    uint16_t next_free;  /* chained by their first two bytes of data */
};

void chunk_pool_init(struct chunk_pool *pool, uint32_t chunks); /* < CHUNK_NONE */
void chunk_pool_fini(struct chunk_pool *pool);

struct assembly {
    uint32_t end;      /* where the datagram ends; 0: the last fragment was not seen */
    uint32_t reach;    /* one past the highest byte seen */
    uint32_t distinct; /* bytes seen, each once */
    /* The lowest unit of which only the front was captured: its number, how much. */
    uint16_t cut_unit;
    uint8_t cut_bytes;
    uint16_t chunk[ASSEMBLY_CHUNKS]; /* or CHUNK_NONE */
};

/* A fragment's bytes. size > 0, offset + size <= ASSEMBLY_BYTES; size is a multiple of UNIT_BYTES
 * if there is more; `captured` <= size of them are at `bytes`. */
struct piece {
    const uint8_t *bytes;
    uint32_t captured, offset, size;
    bool more;
};

struct overlap {
    bool any;    /* some of the piece's place was seen before */
    bool begins; /* a fragment began where the piece does */
    bool exact;  /* a fragment had exactly the piece's place */
    /* Bytes of the piece in units (see above) that are there already and are others in it. */
    uint32_t differs;
};

void assembly_init(struct assembly *assembly);
/* The piece says of the datagram's end what cannot be, after what was seen. */
bool assembly_contradicts(const struct assembly *assembly, const struct piece *piece);
struct overlap assembly_overlap(const struct chunk_pool *pool, const struct assembly *assembly,
                                const struct piece *piece);
/* Bytes that are there stay; what does not contradict only. */
void assembly_add(struct chunk_pool *pool, struct assembly *assembly, const struct piece *piece);
bool assembly_whole(const struct assembly *assembly);
/* How many bytes were seen from the first on without a gap. */
uint32_t assembly_seen_front(const struct chunk_pool *pool, const struct assembly *assembly);
/* Copies the bytes that are there from the first on without a gap; returns how many. `out` holds
 * ASSEMBLY_CHUNKS × CHUNK_BYTES. */
uint32_t assembly_copy(const struct chunk_pool *pool, const struct assembly *assembly,
                       uint8_t *out);
void assembly_free(struct chunk_pool *pool, struct assembly *assembly);

#endif
