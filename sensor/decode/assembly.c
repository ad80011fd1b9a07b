/* Puts the bytes of one datagram together.
 *
 * All places are multiples of eight bytes, so what was seen is a bit a unit of eight: adding a
 * fragment costs its own length, however many came before it and in whatever order, and no crafted
 * order makes the description larger. The bits lie in the chunk whose bytes they describe; a chunk
 * is taken when the first of its units is seen.
 *
 * Seen and there are two things: of a frame that the snap length cut, the length says what was sent
 * and only the front was captured. The first bytes that are there win; a later fragment fills in
 * only what is not. Invariants: have ⊆ seen; distinct = Σ seen; distinct <= end once it is known.
 * Thread: the decoder's. */
#include "assembly.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

/* --- chunks ------------------------------------------------------------------------------- */

void chunk_pool_init(struct chunk_pool *pool, uint32_t chunks)
{
    *pool = (struct chunk_pool){.room = chunks, .free = chunks, .next_free = CHUNK_NONE};
    pool->at = xcalloc(chunks, sizeof *pool->at);
}

void chunk_pool_fini(struct chunk_pool *pool)
{
    free(pool->at);
}

static uint16_t chunk_take(struct chunk_pool *pool)
{
    uint16_t number = pool->next_free;
    if (number == CHUNK_NONE)
        number = (uint16_t)pool->used++;
    else
        memcpy(&pool->next_free, pool->at[number].data, sizeof pool->next_free);
    struct chunk *chunk = &pool->at[number];
    memset(chunk->seen, 0, sizeof chunk->seen);
    memset(chunk->have, 0, sizeof chunk->have);
    memset(chunk->begins, 0, sizeof chunk->begins);
    pool->free--;
    return number;
}

static void chunk_give(struct chunk_pool *pool, uint16_t number)
{
    memcpy(pool->at[number].data, &pool->next_free, sizeof pool->next_free);
    pool->next_free = number;
    pool->free++;
}

static struct chunk *chunk_of(const struct chunk_pool *pool, const struct assembly *assembly,
                              uint32_t unit)
{
    uint16_t number = assembly->chunk[unit / CHUNK_UNITS];
    return number == CHUNK_NONE ? NULL : &pool->at[number];
}

static bool bit_get(const uint64_t *bits, uint32_t unit)
{
    return (bits[unit % CHUNK_UNITS / 64] >> (unit % 64)) & 1;
}

static void bit_set(uint64_t *bits, uint32_t unit)
{
    bits[unit % CHUNK_UNITS / 64] |= UINT64_C(1) << (unit % 64);
}

static uint8_t *unit_bytes(struct chunk *chunk, uint32_t unit)
{
    return chunk->data + (size_t)(unit % CHUNK_UNITS) * UNIT_BYTES;
}

/* --- a piece and what is there ------------------------------------------------------------ */

static uint32_t first_unit(const struct piece *piece)
{
    return piece->offset / UNIT_BYTES;
}

static uint32_t end_unit(const struct piece *piece)
{
    return (piece->offset + piece->size + UNIT_BYTES - 1) / UNIT_BYTES;
}

static const uint8_t *piece_bytes(const struct piece *piece, uint32_t unit)
{
    return piece->bytes + ((size_t)unit * UNIT_BYTES - piece->offset);
}

/* How many bytes the piece has of the unit: by its length, and captured. */
static uint32_t within(const struct piece *piece, uint32_t unit, uint32_t length)
{
    uint32_t from = unit * UNIT_BYTES - piece->offset;
    if (from >= length)
        return 0;
    return length - from < UNIT_BYTES ? length - from : UNIT_BYTES;
}

void assembly_init(struct assembly *assembly)
{
    *assembly = (struct assembly){.cut_unit = UINT16_MAX};
    memset(assembly->chunk, 0xff, sizeof assembly->chunk);
}

bool assembly_contradicts(const struct assembly *assembly, const struct piece *piece)
{
    uint32_t end = piece->offset + piece->size;
    if (assembly->end != 0)
        return piece->more ? end >= assembly->end : end != assembly->end;
    return !piece->more && end <= assembly->reach; /* something follows what was seen */
}

static bool seen_at(const struct chunk_pool *pool, const struct assembly *assembly, uint32_t unit)
{
    const struct chunk *chunk =
        unit < ASSEMBLY_CHUNKS * CHUNK_UNITS ? chunk_of(pool, assembly, unit) : NULL;
    return chunk && bit_get(chunk->seen, unit);
}

static bool begins_at(const struct chunk_pool *pool, const struct assembly *assembly, uint32_t unit)
{
    const struct chunk *chunk =
        unit < ASSEMBLY_CHUNKS * CHUNK_UNITS ? chunk_of(pool, assembly, unit) : NULL;
    return chunk && bit_get(chunk->begins, unit);
}

static uint32_t unit_differs(struct chunk *chunk, const struct piece *piece, uint32_t unit)
{
    uint32_t captured = within(piece, unit, piece->captured);
    if (!bit_get(chunk->have, unit) || captured == 0)
        return 0;
    return memcmp(unit_bytes(chunk, unit), piece_bytes(piece, unit), captured) ? captured : 0;
}

struct overlap assembly_overlap(const struct chunk_pool *pool, const struct assembly *assembly,
                                const struct piece *piece)
{
    struct overlap overlap = {false};
    if (piece->offset >= assembly->reach)
        return overlap; /* the usual order */
    uint32_t from = first_unit(piece), to = end_unit(piece);
    overlap.begins = begins_at(pool, assembly, from);
    overlap.exact =
        overlap.begins && (!seen_at(pool, assembly, to) || begins_at(pool, assembly, to));
    for (uint32_t unit = from; unit < to; unit++) {
        struct chunk *chunk = chunk_of(pool, assembly, unit);
        bool seen = chunk && bit_get(chunk->seen, unit);
        overlap.any |= seen;
        overlap.exact &= seen && (unit == from || !bit_get(chunk->begins, unit));
        overlap.differs += seen ? unit_differs(chunk, piece, unit) : 0;
    }
    return overlap;
}

static void unit_add(struct assembly *assembly, struct chunk *chunk, const struct piece *piece,
                     uint32_t unit)
{
    uint32_t size = within(piece, unit, piece->size);
    uint32_t captured = within(piece, unit, piece->captured);
    if (!bit_get(chunk->seen, unit)) {
        bit_set(chunk->seen, unit);
        assembly->distinct += size;
    }
    if (bit_get(chunk->have, unit) || captured == 0)
        return;
    if (captured == size)
        bit_set(chunk->have, unit);
    else if (unit < assembly->cut_unit ||
             (unit == assembly->cut_unit && captured > assembly->cut_bytes)) {
        assembly->cut_unit = (uint16_t)unit;
        assembly->cut_bytes = (uint8_t)captured;
    }
    memcpy(unit_bytes(chunk, unit), piece_bytes(piece, unit), captured);
}

static struct chunk *chunk_for(struct chunk_pool *pool, struct assembly *assembly, uint32_t unit)
{
    uint16_t *number = &assembly->chunk[unit / CHUNK_UNITS];
    if (*number == CHUNK_NONE)
        *number = chunk_take(pool);
    return &pool->at[*number];
}

/* Nothing of the units from `from` to before `to` was seen, and all their bytes are here. They lie
 * in one chunk. */
static void run_add(struct assembly *assembly, struct chunk *chunk, const struct piece *piece,
                    uint32_t from, uint32_t to)
{
    uint32_t at = from * UNIT_BYTES - piece->offset, size = (to - from) * UNIT_BYTES;
    if (size > piece->size - at)
        size = piece->size - at; /* the datagram's last unit */
    for (uint32_t unit = from; unit < to; unit++) {
        bit_set(chunk->seen, unit);
        bit_set(chunk->have, unit);
    }
    memcpy(unit_bytes(chunk, from), piece->bytes + at, size);
    assembly->distinct += size;
}

void assembly_add(struct chunk_pool *pool, struct assembly *assembly, const struct piece *piece)
{
    uint32_t from = first_unit(piece), to = end_unit(piece);
    bool simple = piece->offset >= assembly->reach && piece->captured == piece->size;
    bit_set(chunk_for(pool, assembly, from)->begins, from);
    for (uint32_t unit = from; unit < to;) {
        struct chunk *chunk = chunk_for(pool, assembly, unit);
        uint32_t end = (unit / CHUNK_UNITS + 1) * CHUNK_UNITS;
        if (end > to)
            end = to;
        if (simple)
            run_add(assembly, chunk, piece, unit, end);
        for (; !simple && unit < end; unit++)
            unit_add(assembly, chunk, piece, unit);
        unit = end;
    }
    if (piece->offset + piece->size > assembly->reach)
        assembly->reach = piece->offset + piece->size;
    if (!piece->more)
        assembly->end = piece->offset + piece->size;
}

/* --- the whole, or as much of it ---------------------------------------------------------- */

bool assembly_whole(const struct assembly *assembly)
{
    return assembly->end != 0 && assembly->distinct == assembly->end;
}

/* The first unit whose bit is not set. */
static uint32_t front(const struct chunk_pool *pool, const struct assembly *assembly, bool have)
{
    for (uint32_t unit = 0; unit < ASSEMBLY_CHUNKS * CHUNK_UNITS; unit += 64) {
        const struct chunk *chunk = chunk_of(pool, assembly, unit);
        if (!chunk)
            return unit;
        uint64_t bits = (have ? chunk->have : chunk->seen)[unit % CHUNK_UNITS / 64];
        if (~bits != 0)
            return unit + (uint32_t)__builtin_ctzll(~bits);
    }
    return ASSEMBLY_CHUNKS * CHUNK_UNITS;
}

uint32_t assembly_seen_front(const struct chunk_pool *pool, const struct assembly *assembly)
{
    uint32_t bytes = front(pool, assembly, false) * UNIT_BYTES;
    return bytes < assembly->reach ? bytes : assembly->reach;
}

uint32_t assembly_copy(const struct chunk_pool *pool, const struct assembly *assembly, uint8_t *out)
{
    uint32_t units = front(pool, assembly, true);
    uint32_t bytes = units * UNIT_BYTES;
    if (units == assembly->cut_unit)
        bytes += assembly->cut_bytes;
    if (bytes > assembly->reach)
        bytes = assembly->reach; /* the last unit is a part of eight bytes */
    for (uint32_t at = 0; at < bytes; at += CHUNK_BYTES) {
        const struct chunk *chunk = chunk_of(pool, assembly, at / UNIT_BYTES);
        if (!chunk)
            return at;
        memcpy(out + at, chunk->data, bytes - at < CHUNK_BYTES ? bytes - at : CHUNK_BYTES);
    }
    return bytes;
}

void assembly_free(struct chunk_pool *pool, struct assembly *assembly)
{
    for (uint32_t i = 0; i < ASSEMBLY_CHUNKS; i++) {
        if (assembly->chunk[i] != CHUNK_NONE)
            chunk_give(pool, assembly->chunk[i]);
    }
}
