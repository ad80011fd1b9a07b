/* Distinct hosts, exact while they are few. 32 bits of hash are enough: the exact form holds at
 * most a few thousand, and HyperLogLog's registers are far from full at the largest `max_hosts`.
 * Engine thread. */
#include "hostset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RANK_MOST      33
#define FORM_EXACT     0
#define FORM_REGISTERS 1

void hostset_fini(struct hostset *set)
{
    free(set->hash);
    free(set->registers);
    *set = (struct hostset){0};
}

static uint8_t rank_of(struct hostset_shape shape, uint32_t hash)
{
    uint32_t rest = hash << shape.bits;
    return (uint8_t)(rest ? __builtin_clz(rest) + 1 : 32 - shape.bits + 1);
}

/* True: it changed something. */
static bool add_to_registers(uint8_t *registers, struct hostset_shape shape, uint32_t hash)
{
    uint32_t index = hash >> (32 - shape.bits);
    uint8_t rank = rank_of(shape, hash);
    if (rank <= registers[index])
        return false;
    registers[index] = rank;
    return true;
}

static uint32_t estimate_of(const uint8_t *registers, struct hostset_shape shape)
{
    uint32_t size = UINT32_C(1) << shape.bits, zeros = 0;
    uint64_t parts = 0; /* of 2^33: a rank is at most that, and so no bit of the sum is lost */
    for (uint32_t i = 0; i < size; i++) {
        parts += UINT64_C(1) << (RANK_MOST - registers[i]);
        zeros += registers[i] == 0;
    }
    double m = (double)size, sum = (double)parts / (double)(UINT64_C(1) << RANK_MOST);
    double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && zeros > 0)
        estimate = m * log(m / (double)zeros);
    /* It has outgrown the exact form; an estimate below that would be known to be wrong. */
    return estimate > (double)shape.exact + 1 ? (uint32_t)(estimate + 0.5)
                                              : shape.exact + UINT32_C(1);
}

static void add_to_exact(struct hostset *set, uint16_t at, uint32_t hash)
{
    if (set->count == set->room) {
        set->room = (uint16_t)(set->room ? 2 * set->room : 2);
        set->hash = xrealloc(set->hash, set->room * sizeof *set->hash);
    }
    memmove(&set->hash[at + 1], &set->hash[at], (size_t)(set->count - at) * sizeof *set->hash);
    set->hash[at] = hash;
    set->count++;
}

/* Where it is, or where it would go. */
static uint16_t find_exact(const struct hostset *set, uint32_t hash)
{
    uint16_t low = 0;
    for (uint16_t high = set->count; low < high;) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (set->hash[middle] < hash)
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static void use_registers(struct hostset *set, struct hostset_shape shape)
{
    set->registers = xcalloc((size_t)1 << shape.bits, 1);
    for (uint16_t i = 0; i < set->count; i++)
        add_to_registers(set->registers, shape, set->hash[i]);
    free(set->hash);
    set->hash = NULL;
    set->count = set->room = 0;
}

/* True: the estimate is no longer of the registers. */
static bool insert(struct hostset *set, struct hostset_shape shape, uint32_t hash)
{
    if (set->registers)
        return add_to_registers(set->registers, shape, hash);
    uint16_t at = find_exact(set, hash);
    if (at < set->count && set->hash[at] == hash)
        return false;
    if (set->count < shape.exact) {
        add_to_exact(set, at, hash);
        return false;
    }
    use_registers(set, shape);
    add_to_registers(set->registers, shape, hash);
    return true;
}

void hostset_add(struct hostset *set, struct hostset_shape shape, uint32_t hash)
{
    if (insert(set, shape, hash))
        set->estimate = estimate_of(set->registers, shape);
}

void hostset_merge(struct hostset *to, const struct hostset *from, struct hostset_shape shape)
{
    bool stale = from->registers && !to->registers;
    for (uint16_t i = 0; i < from->count; i++)
        stale |= insert(to, shape, from->hash[i]);
    if (stale && !to->registers)
        use_registers(to, shape);
    for (size_t i = 0; from->registers && i < (size_t)1 << shape.bits; i++) {
        if (from->registers[i] > to->registers[i]) {
            to->registers[i] = from->registers[i];
            stale = true;
        }
    }
    if (stale)
        to->estimate = estimate_of(to->registers, shape);
}

bool hostset_has(const struct hostset *set, struct hostset_shape shape, uint32_t hash)
{
    if (set->registers)
        return set->registers[hash >> (32 - shape.bits)] >= rank_of(shape, hash);
    uint16_t at = find_exact(set, hash);
    return at < set->count && set->hash[at] == hash;
}

bool hostset_remove(struct hostset *set, uint32_t hash)
{
    uint16_t at = find_exact(set, hash);
    if (set->registers || at == set->count || set->hash[at] != hash)
        return false;
    set->count--;
    memmove(&set->hash[at], &set->hash[at + 1], (size_t)(set->count - at) * sizeof *set->hash);
    return true;
}

void hostset_copy(struct hostset *to, const struct hostset *from, struct hostset_shape shape)
{
    size_t size = (size_t)1 << shape.bits;
    hostset_fini(to);
    if (from->registers) {
        to->registers = xcalloc(size, 1);
        memcpy(to->registers, from->registers, size);
        to->estimate = from->estimate;
    } else if (from->count) {
        to->hash = xcalloc(from->count, sizeof *to->hash);
        memcpy(to->hash, from->hash, from->count * sizeof *to->hash);
        to->count = to->room = from->count;
    }
}

uint32_t hostset_count(const struct hostset *set)
{
    return set->registers ? set->estimate : set->count;
}

void hostset_pack(const struct hostset *set, struct hostset_shape shape, struct buffer *out)
{
    buffer_u8(out, set->registers ? FORM_REGISTERS : FORM_EXACT);
    if (set->registers) {
        buffer_put(out, set->registers, (size_t)1 << shape.bits);
        return;
    }
    buffer_le16(out, set->count);
    for (uint16_t i = 0; i < set->count; i++)
        buffer_le32(out, set->hash[i]);
}

static bool unpack_registers(struct hostset *set, struct hostset_shape shape, struct cursor *in)
{
    size_t size = (size_t)1 << shape.bits;
    const uint8_t *registers = cursor_take(in, size);
    if (!registers)
        return false;
    for (size_t i = 0; i < size; i++)
        if (registers[i] > RANK_MOST - shape.bits)
            return false;
    set->registers = xcalloc(size, 1);
    memcpy(set->registers, registers, size);
    set->estimate = estimate_of(set->registers, shape);
    return true;
}

static bool unpack_exact(struct hostset *set, struct hostset_shape shape, struct cursor *in)
{
    uint16_t count = cursor_le16(in);
    if (in->failed || count > shape.exact || cursor_left(in) < 4 * (size_t)count)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        uint32_t hash = cursor_le32(in);
        if (i > 0 && hash <= set->hash[i - 1])
            return false;
        add_to_exact(set, i, hash);
    }
    return true;
}

bool hostset_unpack(struct hostset *set, struct hostset_shape shape, struct cursor *in)
{
    *set = (struct hostset){0};
    uint8_t form = cursor_u8(in);
    bool good = !in->failed && form == FORM_REGISTERS ? unpack_registers(set, shape, in)
                : !in->failed && form == FORM_EXACT   ? unpack_exact(set, shape, in)
                                                      : false;
    if (!good)
        hostset_fini(set);
    return good;
}
