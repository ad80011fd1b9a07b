/* Good–Turing on a distinct sample. Invariants: hashes are sorted without repeats and below
 * 2^(31 − level); a full sample of a higher level never grows back, so that it is the same sample
 * in whatever order the contacts came. Thread: any (pure). */
#include "weir/baseline/novelty.h"

#include "varint.h"
#include "weir/base/digest.h"

#include <math.h>
#include <string.h>

#define SEED      UINT64_C(0x6e6f76656c7479)
#define HASH_BITS 31u
#define AGAIN     1u

static uint32_t limit_of(const struct novelty_kind *kind)
{
    return kind->level < HASH_BITS ? UINT32_C(1) << (HASH_BITS - kind->level) : 1;
}

/* Where it is, or where it would go. */
static unsigned find(const struct novelty_kind *kind, uint32_t hash)
{
    unsigned at = 0;
    while (at < kind->count && kind->sample[at] >> 1 < hash)
        at++;
    return at;
}

/* The sample is sorted: what stays is its beginning. */
static void halve(struct novelty_kind *kind)
{
    kind->level++;
    kind->count = (uint8_t)find(kind, limit_of(kind));
}

static void sample(struct novelty_kind *kind, uint32_t hash)
{
    while (hash < limit_of(kind)) {
        unsigned at = find(kind, hash);
        if (at < kind->count && kind->sample[at] >> 1 == hash) {
            kind->sample[at] |= AGAIN;
            return;
        }
        if (kind->count < NOVELTY_SAMPLE) {
            memmove(&kind->sample[at + 1], &kind->sample[at],
                    (kind->count - at) * sizeof *kind->sample);
            kind->sample[at] = hash << 1;
            kind->count++;
            return;
        }
        halve(kind);
    }
}

void novelty_meet(struct novelty *novelty, const struct destination *destination)
{
    struct novelty_kind *kind = &novelty->kind[destination->kind];
    char key[DESTINATION_KEY_SIZE];
    destination_key(destination, key);
    if (kind->contacts < UINT64_MAX)
        kind->contacts++;
    sample(kind, (uint32_t)(hash64(key, strlen(key), SEED) >> (64 - HASH_BITS)));
}

double novelty_once(const struct novelty_kind *kind)
{
    unsigned once = 0;
    for (unsigned i = 0; i < kind->count; i++)
        once += !(kind->sample[i] & AGAIN);
    return ldexp((double)once, kind->level);
}

double novelty_rate(const struct novelty_kind *kind, double rate)
{
    return fmin(1, (novelty_once(kind) + NOVELTY_PRIOR * rate) /
                       ((double)kind->contacts + NOVELTY_PRIOR));
}

/* --- packing: contacts; if any: level, size of the sample, its items as differences ------------
 */

void novelty_pack(const struct novelty *novelty, struct buffer *out)
{
    for (int k = 0; k < DESTINATION_KINDS; k++) {
        const struct novelty_kind *kind = &novelty->kind[k];
        put_unsigned(out, kind->contacts);
        if (kind->contacts == 0)
            continue;
        buffer_u8(out, kind->level);
        buffer_u8(out, kind->count);
        for (unsigned i = 0; i < kind->count; i++)
            put_unsigned(out, kind->sample[i] - (i ? kind->sample[i - 1] : 0));
    }
}

static bool take_kind(struct novelty_kind *kind, struct cursor *in)
{
    kind->contacts = take_unsigned(in);
    if (in->failed || kind->contacts == 0)
        return !in->failed;
    kind->level = cursor_u8(in);
    kind->count = cursor_u8(in);
    if (in->failed || kind->level >= HASH_BITS || kind->count > NOVELTY_SAMPLE ||
        kind->count > kind->contacts)
        return false;
    uint32_t last = 0;
    for (unsigned i = 0; i < kind->count; i++) {
        kind->sample[i] = last + (uint32_t)take_at_most(in, UINT32_MAX - last);
        if (in->failed || kind->sample[i] >> 1 >= limit_of(kind) ||
            (i > 0 && kind->sample[i] >> 1 == last >> 1))
            return false;
        last = kind->sample[i];
    }
    return true;
}

bool novelty_unpack(struct novelty *novelty, struct cursor *in)
{
    *novelty = (struct novelty){0};
    for (int k = 0; k < DESTINATION_KINDS; k++)
        if (!take_kind(&novelty->kind[k], in)) {
            *novelty = (struct novelty){0};
            return false;
        }
    return true;
}
