/* H = log2 n − (Σ c·log2 c) / n, logarithms in steps of 2^-16; those of small numbers are kept.
 * Thread: the capture thread. */
#include "entropy.h"

#define FRACTION 16u
#define SMALL    64u

/* log2 of 1 to 65,535, in 2^-16ths: the whole part is the highest bit's place; each further bit of
 * the fraction comes from squaring what is left. */
static uint32_t log2_of(uint32_t value)
{
    unsigned whole = 31u - (unsigned)__builtin_clz(value);
    uint64_t rest = (uint64_t)value << (31u - whole); /* 1 to 2, in 2^-31sts */
    uint32_t fraction = 0;
    for (unsigned i = 0; i < FRACTION; i++) {
        rest = (rest * rest) >> 31;
        fraction <<= 1;
        if (rest >= UINT64_C(1) << 32) {
            fraction |= 1;
            rest >>= 1;
        }
    }
    return (whole << FRACTION) + fraction;
}

/* Of the counts that most bytes of a sample have. */
static uint32_t log2_of_small(uint32_t value)
{
    static uint32_t known[SMALL];
    if (value >= SMALL)
        return log2_of(value);
    if (known[value] == 0)
        known[value] = log2_of(value);
    return known[value];
}

bool entropy_put(struct entropy *entropy, const uint8_t *data, size_t size)
{
    size_t room = ENTROPY_BYTES - entropy->bytes;
    size_t some = size < room ? size : room;
    for (size_t i = 0; i < some; i++)
        entropy->count[data[i]]++;
    entropy->bytes = (uint16_t)(entropy->bytes + some);
    return entropy->bytes == ENTROPY_BYTES;
}

uint16_t entropy_thousandths(const struct entropy *entropy)
{
    uint64_t sum = 0, all = entropy->bytes;
    if (all < ENTROPY_BYTES_MIN)
        return 0;
    for (size_t i = 0, seen = 0; seen < all; seen += entropy->count[i++])
        if (entropy->count[i] > 1)
            sum += (uint64_t)entropy->count[i] * log2_of_small(entropy->count[i]);
    uint64_t bits = all * log2_of((uint32_t)all);
    uint64_t left = bits > sum ? bits - sum : 0; /* n·H */
    uint64_t thousandths = (left * 1000 / all + (1u << (FRACTION - 1))) >> FRACTION;
    return thousandths ? (uint16_t)thousandths : 1;
}
