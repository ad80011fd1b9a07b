/* Where in some bytes a number that counts could be.
 *
 * Nearly all bytes of nearly all text are in no number, so what is done to every byte is as little
 * as can be: two masks of 64 bits a block, made with SSE2 where the processor has it (every x86-64)
 * and byte by byte elsewhere, with the same answer. From the masks shifts find fourth digits; a
 * block without digits costs its loads and one branch.
 *
 * A place is known from itself and the bytes before it alone, so whoever cuts a text into pieces
 * finds each place once. Pure; bounds: SKIM_SLICE. */
#include "skim.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct skim_masks skim_portable(const uint8_t data[SKIM_BLOCK])
{
    struct skim_masks masks = {0, 0};
    for (unsigned i = 0; i < SKIM_BLOCK; i++) {
        masks.digit |= (uint64_t)((uint8_t)(data[i] - '0') <= 9) << i;
        masks.plus |= (uint64_t)(data[i] == '+') << i;
    }
    return masks;
}

#ifdef __SSE2__
#define LANES 4u /* of 16 bytes */

static uint64_t bits_of(const __m128i lane[LANES])
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < LANES; i++)
        bits |= (uint64_t)(uint16_t)_mm_movemask_epi8(lane[i]) << (16 * i);
    return bits;
}

struct skim_masks skim_sse2(const uint8_t data[SKIM_BLOCK])
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), plus = _mm_set1_epi8('+');
    __m128i byte[LANES], is[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        byte[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        __m128i above = _mm_sub_epi8(byte[i], zero);
        is[i] = _mm_cmpeq_epi8(_mm_min_epu8(above, nine), above);
    }
    __m128i any = _mm_or_si128(_mm_or_si128(is[0], is[1]), _mm_or_si128(is[2], is[3]));
    if (_mm_movemask_epi8(any) == 0)
        return (struct skim_masks){0, 0};
    uint64_t digit = bits_of(is);
    for (unsigned i = 0; i < LANES; i++)
        is[i] = _mm_cmpeq_epi8(byte[i], plus);
    return (struct skim_masks){digit, bits_of(is)};
}
#endif

static struct skim_masks masks_of(const uint8_t data[SKIM_BLOCK])
{
#ifdef __SSE2__
    return skim_sse2(data);
#else
    return skim_portable(data);
#endif
}

/* The bits of `now` moved up by `by`, with those that come up from the block before. */
static uint64_t moved(uint64_t before, uint64_t now, unsigned by)
{
    return now << by | before >> (SKIM_BLOCK - by);
}

/* Bit i: i is the fourth digit in a row, and not the fifth. */
static uint64_t fourth_digits(uint64_t before, uint64_t now)
{
    uint64_t three = now & moved(before, now, 1) & moved(before, now, 2);
    return three & moved(before, now, 3) & ~moved(before, now, 4);
}

/* What the digits before `from` are, as the high bits of a block. */
static uint64_t digits_before(const uint8_t *data, size_t from)
{
    uint64_t digit = 0;
    for (unsigned i = 1; i <= 4 && i <= from; i++)
        digit |= (uint64_t)((uint8_t)(data[from - i] - '0') <= 9) << (SKIM_BLOCK - i);
    return digit;
}

size_t skim(const uint8_t *data, size_t from, size_t to, uint32_t place[SKIM_ROOM])
{
    size_t count = 0;
    uint64_t before = digits_before(data, from);
    for (size_t at = from; at < to; at += SKIM_BLOCK) {
        uint8_t rest[SKIM_BLOCK] = {0};
        const uint8_t *block = data + at;
        if (to - at < SKIM_BLOCK)
            block = memcpy(rest, block, to - at);
        struct skim_masks masks = masks_of(block);
        if (masks.digit) {
            uint64_t plus = masks.plus << 1 | (at > 0 && data[at - 1] == '+');
            uint64_t places = fourth_digits(before, masks.digit) | (plus & masks.digit);
            for (; places; places &= places - 1)
                place[count++] = (uint32_t)(at + (unsigned)__builtin_ctzll(places));
        }
        before = masks.digit;
    }
    return count;
}
