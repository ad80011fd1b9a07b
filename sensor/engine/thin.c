#include "thin.h"

#include <string.h>

#define LINE_GRAINS ((size_t)8) /* looked at together: most are zero */
#define LINE_BYTES  (LINE_GRAINS * THIN_GRAIN)

static bool line_is_zero(const uint8_t line[LINE_BYTES])
{
    uint64_t w[LINE_GRAINS];
    memcpy(w, line, sizeof w);
    return (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) == 0;
}

/* Each grain is copied, and the next one over it where it was zero: no branch. */
static uint8_t *pack_line(const uint8_t *from, size_t grains, uint8_t *to, uint64_t *bits)
{
    for (size_t i = 0; i < grains; i++, from += THIN_GRAIN) {
        uint64_t grain;
        memcpy(&grain, from, sizeof grain);
        memcpy(to, &grain, sizeof grain);
        to += grain ? THIN_GRAIN : 0;
        *bits |= (uint64_t)(grain != 0) << i;
    }
    return to;
}

/* Returns `to` when there is nothing in it. */
static uint8_t *pack_group(const uint8_t *from, size_t grains, uint8_t *to)
{
    uint64_t bits = 0;
    uint8_t *at = to + sizeof bits;
    size_t i = 0;
    for (; i + LINE_GRAINS <= grains; i += LINE_GRAINS, from += LINE_BYTES) {
        uint64_t line = 0;
        if (!line_is_zero(from))
            at = pack_line(from, LINE_GRAINS, at, &line);
        bits |= line << i;
    }
    uint64_t rest = 0;
    at = pack_line(from, grains - i, at, &rest);
    bits |= i < 64 ? rest << i : 0;
    memcpy(to, &bits, sizeof bits);
    return bits ? at : to;
}

unsigned thin_groups_in(size_t begin, size_t end)
{
    size_t first = (begin + THIN_GROUP - 1) / THIN_GROUP, behind = end / THIN_GROUP;
    return behind > first ? (1u << behind) - (1u << first) : 0;
}

size_t thin_pack(const void *from, size_t size, uint8_t *to)
{
    return thin_pack_but(from, size, 0, to);
}

size_t thin_pack_but(const void *from, size_t size, unsigned zero, uint8_t *to)
{
    const uint8_t *bytes = from;
    uint8_t *at = to + THIN_HEAD;
    uint16_t groups = 0;
    for (size_t done = 0; done < size; done += THIN_GROUP) {
        if (zero >> (done / THIN_GROUP) & 1)
            continue;
        size_t left = size - done < THIN_GROUP ? size - done : THIN_GROUP;
        uint8_t *behind = pack_group(bytes + done, left / THIN_GRAIN, at);
        groups |= (uint16_t)((behind != at) << (done / THIN_GROUP));
        at = behind;
    }
    memcpy(to, &groups, sizeof groups);
    return (size_t)(at - to);
}

static const uint8_t *unpack_group(const uint8_t *from, const uint8_t *end, uint8_t *to,
                                   size_t size)
{
    uint64_t bits;
    if ((size_t)(end - from) < sizeof bits)
        return NULL;
    memcpy(&bits, from, sizeof bits);
    from += sizeof bits;
    for (; bits; bits &= bits - 1, from += THIN_GRAIN) {
        size_t at = (size_t)__builtin_ctzll(bits) * THIN_GRAIN;
        if (at + THIN_GRAIN > size || (size_t)(end - from) < THIN_GRAIN)
            return NULL;
        memcpy(to + at, from, THIN_GRAIN);
    }
    return from;
}

bool thin_fill(const uint8_t *from, size_t thin, void *to, size_t size)
{
    const uint8_t *end = from + thin;
    uint8_t *bytes = to;
    uint16_t groups;
    if (thin < sizeof groups)
        return false;
    memcpy(&groups, from, sizeof groups);
    from += sizeof groups;
    for (unsigned left = groups; left && from; left &= left - 1) {
        size_t done = (size_t)__builtin_ctz(left) * THIN_GROUP;
        from = done < size ? unpack_group(from, end, bytes + done, size - done) : NULL;
    }
    return from == end;
}

bool thin_unpack(const uint8_t *from, size_t thin, void *to, size_t size)
{
    memset(to, 0, size);
    return thin_fill(from, thin, to, size);
}

void thin_clear(const uint8_t *thin, void *of)
{
    static const uint8_t zero[THIN_GRAIN];
    uint8_t *group = of;
    uint16_t groups;
    memcpy(&groups, thin, sizeof groups);
    thin += sizeof groups;
    for (; groups; groups >>= 1, group += THIN_GROUP) {
        uint64_t bits;
        if (!(groups & 1))
            continue;
        memcpy(&bits, thin, sizeof bits);
        thin += sizeof bits + (size_t)__builtin_popcountll(bits) * THIN_GRAIN;
        for (; bits; bits &= bits - 1)
            memcpy(group + (size_t)__builtin_ctzll(bits) * THIN_GRAIN, zero, THIN_GRAIN);
    }
}
