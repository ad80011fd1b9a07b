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
#define RANK_MAX      (64 - REGISTER_BITS + 1)
#define RANKS         (RANK_MAX + 1)
#define FIRST_SLOTS   16u

struct item_union {
    struct union_budget *budget;
    uint64_t *slot;     /* NULL once the registers count */
    size_t mask, count; /* items, as long as they are exact */
    bool has_zero;
    uint8_t *registers;
    uint32_t of_rank[RANKS]; /* registers that hold so much, kept up to date */
};

static void charge(struct item_union *u, size_t more, size_t less)
{
    if (u->budget)
        u->budget->used_bytes += (more - less) * sizeof *u->slot; /* wraps both ways alike */
}

struct item_union *item_union_new(struct union_budget *budget)
{
    struct item_union *u = xcalloc(1, sizeof *u);
    u->budget = budget;
    u->slot = xcalloc(FIRST_SLOTS, sizeof *u->slot);
    u->mask = FIRST_SLOTS - 1;
    charge(u, FIRST_SLOTS, 0);
    return u;
}

void item_union_free(struct item_union *u)
{
    if (!u)
        return;
    if (u->slot)
        charge(u, 0, u->mask + 1);
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
    charge(u, 2 * size, size);
}

static bool add_to_registers(struct item_union *u, uint64_t hash)
{
    uint64_t mixed = mix(hash), rest = mixed << REGISTER_BITS;
    size_t index = mixed >> (64 - REGISTER_BITS);
    uint8_t rank = (uint8_t)(rest ? __builtin_clzll(rest) + 1 : RANK_MAX);
    if (rank <= u->registers[index])
        return false;
    u->of_rank[u->registers[index]]--;
    u->of_rank[rank]++;
    u->registers[index] = rank;
    return true;
}

static void become_registers(struct item_union *u)
{
    u->registers = xcalloc(REGISTERS, 1);
    u->of_rank[0] = REGISTERS;
    for (size_t i = 0; i <= u->mask; i++)
        if (u->slot[i])
            add_to_registers(u, u->slot[i]);
    if (u->has_zero)
        add_to_registers(u, 0);
    charge(u, 0, u->mask + 1);
    free(u->slot);
    u->slot = NULL;
}

/* Half full. */
static void make_room(struct item_union *u)
{
    size_t size = u->mask + 1;
    const struct union_budget *budget = u->budget;
    if (budget && 2 * size * sizeof *u->slot > REGISTERS &&
        budget->used_bytes + size * sizeof *u->slot > budget->limit_bytes) {
        u->budget->shortened++;
        become_registers(u);
    } else {
        grow(u);
    }
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
        make_room(u);
    return true;
}

bool item_union_each(const struct item_union *u, void (*each)(void *context, uint64_t hash),
                     void *context)
{
    if (u->registers)
        return false;
    if (u->has_zero)
        each(context, 0);
    for (size_t i = 0; i <= u->mask; i++)
        if (u->slot[i])
            each(context, u->slot[i]);
    return true;
}

/* x + Σ x^(2^k)·2^(k−1): of registers that nothing reached. Not for 1. */
static double sigma(double x)
{
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

/* (1 − x − Σ (1 − x^(2^−k))²·2^−k) / 3: of registers that are full. */
static double tau(double x)
{
    double y = 1, z = 1 - x, before;
    if (x <= 0 || x >= 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

static double estimate(const struct item_union *u)
{
    double m = REGISTERS, z = m * tau(1 - u->of_rank[RANK_MAX] / m);
    if (u->of_rank[0] == REGISTERS)
        return 0;
    for (int rank = RANK_MAX - 1; rank >= 1; rank--)
        z = 0.5 * (z + u->of_rank[rank]);
    z += m * sigma(u->of_rank[0] / m);
    return m * m / (2 * log(2) * z);
}

/* What was counted exactly was there. */
uint64_t item_union_count(const struct item_union *u)
{
    if (!u->registers)
        return u->count;
    double items = estimate(u);
    return items > (double)u->count + 1.0 ? (uint64_t)(items + 0.5) : u->count + 1;
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
        buffer_le32(out, (uint32_t)u->count);
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
    uint32_t count = cursor_le32(in);
    if (in->failed || count > UNION_EXACT)
        return false;
    free(u->slot);
    u->slot = NULL;
    u->count = count;
    u->registers = xcalloc(REGISTERS, 1);
    memcpy(u->registers, registers, REGISTERS);
    for (size_t i = 0; i < REGISTERS; i++) {
        if (registers[i] > RANK_MAX)
            return false;
        u->of_rank[registers[i]]++;
    }
    return true;
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

struct item_union *item_union_unpack(struct union_budget *budget, struct cursor *in)
{
    struct item_union *u = item_union_new(NULL); /* it had found room before */
    uint8_t form = cursor_u8(in);
    if ((form == FORM_EXACT && unpack_exact(u, in)) ||
        (form == FORM_REGISTERS && unpack_registers(u, in))) {
        u->budget = budget;
        if (u->slot)
            charge(u, u->mask + 1, 0);
        return u;
    }
    item_union_free(u);
    return NULL;
}
