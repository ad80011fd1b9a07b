/* Where in some bytes a number that counts could be.
 *
 * Nearly all bytes of nearly all text are in no number, so what is done to every byte is as little
 * as can be: two masks of 64 bits a block, made with AVX2 where the processor has it, with SSE2 on
 * every other x86-64, and byte by byte elsewhere, with the same answer. From the masks shifts find
 * fourth digits; a block without digits costs its loads and one branch. Each block begins with the
 * last bytes of the one before, so that nothing is carried from block to block.
 *
 * A place is known from itself and the bytes before it alone, so whoever cuts a text into pieces
 * finds each place once. Pure; bounds: SKIM_SLICE. */
#include "skim.h"

#include <string.h>

#define SKIM_BEFORE 4u /* bytes that decide about a place, before it */

#ifdef __x86_64__
#include <immintrin.h>
#define WIDE __attribute__((target("avx2")))
#endif

struct skim_masks skim_portable(const uint8_t *block)
{
    struct skim_masks masks = {0, 0};
    for (unsigned i = 0; i < SKIM_BLOCK; i++) {
        masks.digit |= (uint64_t)((uint8_t)(block[i] - '0') <= 9) << i;
        masks.plus |= (uint64_t)(block[i] == '+') << i;
    }
    return masks;
}

#ifdef __x86_64__
static inline __m128i digits_of(__m128i lane)
{
    __m128i above = _mm_sub_epi8(lane, _mm_set1_epi8('0'));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(9)), above);
}

static inline uint64_t bits_of(__m128i lane)
{
    return (uint64_t)(uint16_t)_mm_movemask_epi8(lane);
}

/* No loops: the compilers would leave them as they are, and each vector in memory. */
static inline struct skim_masks sse2_masks(const uint8_t *block)
{
    const __m128i *lane = (const void *)block;
    __m128i a = _mm_loadu_si128(lane), b = _mm_loadu_si128(lane + 1), c = _mm_loadu_si128(lane + 2),
            d = _mm_loadu_si128(lane + 3);
    __m128i digit_a = digits_of(a), digit_b = digits_of(b), digit_c = digits_of(c),
            digit_d = digits_of(d);
    __m128i any = _mm_or_si128(_mm_or_si128(digit_a, digit_b), _mm_or_si128(digit_c, digit_d));
    if (_mm_movemask_epi8(any) == 0)
        return (struct skim_masks){0, 0};
    uint64_t digit =
        bits_of(digit_a) | bits_of(digit_b) << 16 | bits_of(digit_c) << 32 | bits_of(digit_d) << 48;
    __m128i plus = _mm_set1_epi8('+');
    a = _mm_cmpeq_epi8(a, plus);
    b = _mm_cmpeq_epi8(b, plus);
    c = _mm_cmpeq_epi8(c, plus);
    d = _mm_cmpeq_epi8(d, plus);
    any = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
    if (_mm_movemask_epi8(any) == 0)
        return (struct skim_masks){digit, 0};
    return (struct skim_masks){digit,
                               bits_of(a) | bits_of(b) << 16 | bits_of(c) << 32 | bits_of(d) << 48};
}

WIDE static inline __m256i wide_digits_of(__m256i lane)
{
    __m256i above = _mm256_sub_epi8(lane, _mm256_set1_epi8('0'));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8(9)), above);
}

WIDE static inline uint64_t wide_bits_of(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

WIDE static inline struct skim_masks avx2_masks(const uint8_t *block)
{
    const __m256i *lane = (const void *)block;
    __m256i low = _mm256_loadu_si256(lane), high = _mm256_loadu_si256(lane + 1);
    uint64_t digit = wide_bits_of(wide_digits_of(low), wide_digits_of(high));
    if (digit == 0)
        return (struct skim_masks){0, 0};
    __m256i plus = _mm256_set1_epi8('+');
    return (struct skim_masks){
        digit, wide_bits_of(_mm256_cmpeq_epi8(low, plus), _mm256_cmpeq_epi8(high, plus))};
}
#endif

/* Of each fourth digit in a row that is not the fifth, the bit; the block's first SKIM_BEFORE bits
 * only where nothing is before the block. */
static inline uint64_t fourth_digits(uint64_t digit)
{
    uint64_t two = digit & digit << 1;
    uint64_t four = two & two << 2;
    return four & ~(digit << 4);
}

/* Of a block, those that are `fresh`. */
static inline size_t add_places(struct skim_masks masks, size_t block, uint64_t fresh,
                                uint32_t *place)
{
    size_t count = 0;
    uint64_t places = fourth_digits(masks.digit) | (masks.plus << 1 & masks.digit);
    for (places &= fresh; places; places &= places - 1)
        place[count++] = (uint32_t)(block + (unsigned)__builtin_ctzll(places));
    return count;
}

/* From `at` to the end, less than a block: by the last block, or as if zeros followed. */
static inline size_t add_last(skim_masks_function *masks_of, const uint8_t *data, size_t at,
                              size_t to, uint32_t *place)
{
    uint8_t rest[SKIM_BLOCK] = {0};
    size_t block = to >= SKIM_BLOCK ? to - SKIM_BLOCK : 0;
    uint64_t fresh = UINT64_MAX << (at - block);
    if (to >= SKIM_BLOCK)
        return add_places(masks_of(data + block), block, fresh, place);
    memcpy(rest, data, to);
    return add_places(masks_of(rest), block, fresh, place);
}

/* Once for each way of making masks, which goes into it: calls would cost as much as they do. */
static inline __attribute__((always_inline)) size_t
skim_by(skim_masks_function *masks_of, const uint8_t *data, size_t from, size_t to, uint32_t *place)
{
    size_t count = 0, block = from < SKIM_BEFORE ? 0 : from - SKIM_BEFORE, at = from;
    uint64_t fresh = UINT64_MAX << (from - block);
    for (; to - block >= SKIM_BLOCK; block += SKIM_BLOCK - SKIM_BEFORE) {
        struct skim_masks masks = masks_of(data + block);
        if (masks.digit)
            count += add_places(masks, block, fresh, place + count);
        fresh = UINT64_MAX << SKIM_BEFORE;
        at = block + SKIM_BLOCK;
    }
    return at < to ? count + add_last(masks_of, data, at, to, place + count) : count;
}

#ifdef __x86_64__
WIDE static size_t skim_wide(const uint8_t *data, size_t from, size_t to, uint32_t *place)
{
    return skim_by(avx2_masks, data, from, to, place);
}

size_t skim(const uint8_t *data, size_t from, size_t to, uint32_t place[SKIM_ROOM])
{
    if (__builtin_cpu_supports("avx2"))
        return skim_wide(data, from, to, place);
    return skim_by(sse2_masks, data, from, to, place);
}

skim_masks_function *skim_sse2(void)
{
    return sse2_masks;
}

skim_masks_function *skim_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? avx2_masks : NULL;
}
#else
size_t skim(const uint8_t *data, size_t from, size_t to, uint32_t place[SKIM_ROOM])
{
    return skim_by(skim_portable, data, from, to, place);
}

skim_masks_function *skim_sse2(void)
{
    return NULL;
}

skim_masks_function *skim_avx2(void)
{
    return NULL;
}
#endif
