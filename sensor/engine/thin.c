#include "thin.h"

#include <string.h>

static bool is_zero(const uint8_t grain[THIN_GRAIN])
{
    uint64_t half[2];
    memcpy(half, grain, sizeof half);
    return (half[0] | half[1]) == 0;
}

/* One group. Each grain is copied, and the next one over it where it was zero: no branch. */
static uint8_t *pack_group(const uint8_t *from, size_t size, uint8_t *to)
{
    uint64_t bits = 0;
    uint8_t *at = to + sizeof bits;
    for (size_t i = 0; i < size / THIN_GRAIN; i++, from += THIN_GRAIN) {
        bool full = !is_zero(from);
        memcpy(at, from, THIN_GRAIN);
        at += full ? THIN_GRAIN : 0;
        bits |= (uint64_t)full << i;
    }
    memcpy(to, &bits, sizeof bits);
    return at;
}

size_t thin_pack(const void *from, size_t size, uint8_t *to)
{
    const uint8_t *bytes = from;
    uint8_t *at = to;
    for (size_t done = 0; done < size; done += THIN_GROUP)
        at = pack_group(bytes + done, size - done < THIN_GROUP ? size - done : THIN_GROUP, at);
    return (size_t)(at - to);
}

bool thin_unpack(const uint8_t *from, size_t thin, void *to, size_t size)
{
    const uint8_t *end = from + thin;
    uint8_t *bytes = to;
    memset(to, 0, size);
    for (size_t done = 0; done < size; done += THIN_GROUP) {
        uint64_t bits;
        if ((size_t)(end - from) < sizeof bits)
            return false;
        memcpy(&bits, from, sizeof bits);
        from += sizeof bits;
        for (; bits; bits &= bits - 1, from += THIN_GRAIN) {
            size_t at = done + (size_t)__builtin_ctzll(bits) * THIN_GRAIN;
            if (at + THIN_GRAIN > size || (size_t)(end - from) < THIN_GRAIN)
                return false;
            memcpy(bytes + at, from, THIN_GRAIN);
        }
    }
    return from == end;
}
