/* Distinct keyed hashes: an open-addressing set, half full at most, that becomes a HyperLogLog when
 * it would outgrow UNION_EXACT. Hashes come from other processes, so slots are taken by a mix of
 * the hash rather than by its low bits; 0 marks an empty slot and is counted apart. Engine thread.
 */
#include "weir/detect/union.h"

#include "weir/base/buffer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER_BITS 14
#define REGISTERS     (1u << REGISTER_BITS)
#define FIRST_SLOTS   16u

struct item_union {
    uint64_t *slot; /* NULL once the registers count */
    size_t mask, count;
    bool has_zero;
    uint8_t *registers;
    double inverse_sum; /* Σ 2^−register, kept up to date */
};

struct item_union *item_union_new(void)
{
    struct item_union *u = xcalloc(1, sizeof *u);
    u->slot = xcalloc(FIRST_SLOTS, sizeof *u->slot);
    u->mask = FIRST_SLOTS - 1;
    return u;
}

void item_union_free(struct item_union *u)
{
    if (!u)
        return;
    free(u->slot);
    free(u->registers);
    free(u);
}

/* The finaliser of MurmurHash3: every bit of the hash moves every bit of the slot. */
static uint64_t mix(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static size_t find(const struct item_union *u, uint64_t hash)
{
    size_t at = mix(hash) & u->mask;
    while (u->slot[at] && u->slot[at] != hash)
        at = (at + 1) & u->mask;
    return at;
}

static void grow(struct item_union *u)
{
    uint64_t *old = u->slot;
    size_t size = u->mask + 1;
    u->slot = xcalloc(2 * size, sizeof *u->slot);
    u->mask = 2 * size - 1;
    for (size_t i = 0; i < size; i++)
        if (old[i])
            u->slot[find(u, old[i])] = old[i];
    free(old);
}

static bool add_to_registers(struct item_union *u, uint64_t hash)
{
    uint64_t mixed = mix(hash), rest = mixed << REGISTER_BITS;
    size_t index = mixed >> (64 - REGISTER_BITS);
    uint8_t rank = (uint8_t)(rest ? __builtin_clzll(rest) + 1 : 64 - REGISTER_BITS + 1);
    if (rank <= u->registers[index])
        return false;
    u->inverse_sum += ldexp(1, -rank) - ldexp(1, -u->registers[index]);
    u->registers[index] = rank;
    return true;
}

static void become_registers(struct item_union *u)
{
    u->registers = xcalloc(REGISTERS, 1);
    u->inverse_sum = REGISTERS;
    for (size_t i = 0; i <= u->mask; i++)
        if (u->slot[i])
            add_to_registers(u, u->slot[i]);
    if (u->has_zero)
        add_to_registers(u, 0);
    free(u->slot);
    u->slot = NULL;
}

bool item_union_add(struct item_union *u, uint64_t hash)
{
    if (u->registers)
        return add_to_registers(u, hash);
    size_t at = hash ? find(u, hash) : 0;
    if (hash ? u->slot[at] != 0 : u->has_zero)
        return false;
    if (u->count == UNION_EXACT) {
        become_registers(u);
        add_to_registers(u, hash);
        return true; /* it was not in the exact set */
    }
    u->count++;
    if (!hash) {
        u->has_zero = true;
        return true;
    }
    u->slot[at] = hash;
    if (2 * u->count > u->mask)
        grow(u);
    return true;
}

uint64_t item_union_count(const struct item_union *u)
{
    if (!u->registers)
        return u->count;
    /* Beyond UNION_EXACT items no register range is small: the plain estimate has no bias there. */
    double m = REGISTERS, estimate = 0.7213 / (1 + 1.079 / m) * m * m / u->inverse_sum;
    return estimate > UNION_EXACT + 1.0 ? (uint64_t)(estimate + 0.5) : UNION_EXACT + UINT64_C(1);
}

double item_union_error(const struct item_union *u)
{
    return u->registers ? 1.04 / sqrt(REGISTERS) : 0;
}

/* --- packed ---------------------------------------------------------------------------------- */

#define FORM_EXACT     1
#define FORM_REGISTERS 2

void item_union_pack(const struct item_union *u, struct buffer *out)
{
    buffer_u8(out, u->registers ? FORM_REGISTERS : FORM_EXACT);
    if (u->registers) {
        buffer_put(out, u->registers, REGISTERS);
        buffer_f64(out, u->inverse_sum); /* its last bit depends on the order of what was added */
        return;
    }
    buffer_le32(out, (uint32_t)u->count);
    if (u->has_zero)
        buffer_le64(out, 0);
    for (size_t i = 0; i <= u->mask; i++)
        if (u->slot[i])
            buffer_le64(out, u->slot[i]);
}

static bool unpack_registers(struct item_union *u, struct cursor *in)
{
    const uint8_t *registers = cursor_take(in, REGISTERS);
    uint64_t bits = cursor_le64(in);
    if (in->failed)
        return false;
    free(u->slot);
    u->slot = NULL;
    u->registers = xcalloc(REGISTERS, 1);
    memcpy(u->registers, registers, REGISTERS);
    memcpy(&u->inverse_sum, &bits, sizeof bits);
    for (size_t i = 0; i < REGISTERS; i++)
        if (registers[i] > 64 - REGISTER_BITS + 1)
            return false;
    /* All of the highest rank make the least sum there can be. */
    return u->inverse_sum <= REGISTERS &&
           u->inverse_sum >= ldexp(REGISTERS, -(64 - REGISTER_BITS + 1));
}

static bool unpack_exact(struct item_union *u, struct cursor *in)
{
    uint32_t count = cursor_le32(in);
    if (count > UNION_EXACT || cursor_left(in) / sizeof(uint64_t) < count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!item_union_add(u, cursor_le64(in)))
            return false;
    return !in->failed;
}

struct item_union *item_union_unpack(struct cursor *in)
{
    struct item_union *u = item_union_new();
    uint8_t form = cursor_u8(in);
    if ((form == FORM_EXACT && unpack_exact(u, in)) ||
        (form == FORM_REGISTERS && unpack_registers(u, in)))
        return u;
    item_union_free(u);
    return NULL;
}
