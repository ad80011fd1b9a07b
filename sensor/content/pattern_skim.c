/* Where do anchors stand? One pass for all of them.
 *
 * Of each anchor a group of four bytes is taken. Where the processor has AVX2, tables of half bytes
 * say of 32 places at once whether one of the groups could begin there (the method is Teddy: Wang
 * et al., "Hyperscan", NSDI 2019); elsewhere a table of 32 KiB says it of every other place, by
 * three bytes, and each anchor has two neighbouring groups, one of which stands at an even place.
 * Only where a group may be the anchors themselves are compared: what is found is the same. (A
 * library that looks for a hundred literals costs ten times as much: docs/content.md.)
 *
 * What text costs hangs on how often it looks like a group: each is chosen with its bucket so that
 * all take least by chance.
 *
 * Bounds: a group that is found costs the anchors that share its list, which are few and ours;
 * bytes behind the buffer's end are read, never trusted (PATTERN_SLACK). Thread: start-up, then the
 * capture thread. */
#include "pattern_set.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define GROUP   SKIM_GROUP
#define LISTS   256u
#define BUCKETS 8u
#define BYTES   256u

/* Four bytes: the fourth is no part of the group, and the hash does not see it. */
static uint32_t group_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t hash_of(uint32_t group)
{
    return (group * (UINT32_C(0x9e3779b1) << 8)) >> 17;
}

/* --- groups, chosen at start-up ----------------------------------------------------------------
 */

/* What a bucket takes for its own: at each place of a group, bytes of these halves. */
struct bucket {
    uint16_t low[SKIM_WIDE], high[SKIM_WIDE];
    uint64_t chance; /* how often text has such */
};

struct choice {
    uint8_t weight[BYTES]; /* how often a byte stands in text */
    struct bucket bucket[BUCKETS];
};

/* In thousandths, roughly, of prose with markup and base64 in it. In whole numbers: the machine's
 * floating point must not decide where a group goes. */
static unsigned weight_of(unsigned byte)
{
    static const uint8_t small[26] = {86, 19, 32, 47, 131, 26, 24, 65, 74, 6,  12, 44, 28,
                                      71, 79, 23, 5,  64,  67, 95, 32, 14, 28, 6,  24, 5};
    if (byte >= 'a' && byte <= 'z')
        return small[byte - 'a'];
    if ((byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9'))
        return 12;
    if (byte == ' ' || byte == '\n')
        return byte == ' ' ? 150 : 20;
    return byte > ' ' && byte < 0x7f ? 6 : 1;
}

/* As if the bytes of text hung on nothing: the product over the group's places. */
static uint64_t chance_of(const struct choice *choice, const struct bucket *bucket)
{
    uint64_t chance = 1;
    for (size_t i = 0; i < SKIM_WIDE; i++) {
        uint64_t weight = 0;
        for (unsigned high = bucket->high[i]; high; high &= high - 1)
            for (unsigned low = bucket->low[i]; low; low &= low - 1)
                weight += choice->weight[__builtin_ctz(high) * 16 + __builtin_ctz(low)];
        chance *= weight; /* of at most 2,000 */
    }
    return chance;
}

static struct bucket bucket_with(const struct choice *choice, unsigned number, const char *group)
{
    struct bucket bucket = choice->bucket[number];
    for (size_t i = 0; i < SKIM_WIDE; i++) {
        bucket.low[i] |= (uint16_t)(1u << (group[i] & 15));
        bucket.high[i] |= (uint16_t)(1u << ((uint8_t)group[i] >> 4));
    }
    bucket.chance = chance_of(choice, &bucket);
    return bucket;
}

static void add_entry(struct pattern_set *set, size_t row, size_t offset)
{
    struct skim *skim = &set->skim;
    uint8_t bytes[4] = {0};
    memcpy(bytes, set->pattern[row].row.anchor + offset, GROUP);
    uint32_t hash = hash_of(group_at(bytes));
    struct skim_entry *entry = &skim->entry[++skim->entries]; /* 0 is the end of a list */
    *entry = (struct skim_entry){(uint16_t)hash, (uint16_t)row, (uint16_t)offset,
                                 skim->list[hash % LISTS]};
    skim->list[hash % LISTS] = (uint16_t)skim->entries;
    skim->may_be[hash] = 1;
}

/* The group and the bucket that add least to what is taken by chance. */
static void add_wide(struct pattern_set *set, size_t row, struct choice *choice)
{
    const struct pattern *pattern = &set->pattern[row];
    struct bucket best = {.chance = 0};
    uint64_t least = UINT64_MAX;
    unsigned number = 0;
    size_t place = 0;
    for (size_t at = 0; at + SKIM_WIDE <= pattern->anchor_size; at++)
        for (unsigned i = 0; least && i < BUCKETS; i++) {
            struct bucket with = bucket_with(choice, i, pattern->row.anchor + at);
            uint64_t more = with.chance - choice->bucket[i].chance;
            if (more >= least)
                continue;
            least = more;
            best = with;
            number = i;
            place = at;
        }
    choice->bucket[number] = best;
    add_entry(set, row, place);
}

static void set_halves(struct skim_halves *halves, const struct choice *choice)
{
    for (unsigned number = 0; number < BUCKETS; number++)
        for (size_t i = 0; i < SKIM_WIDE; i++)
            for (unsigned half = 0; half < 16; half++) {
                const struct bucket *bucket = &choice->bucket[number];
                halves->low[i][half] |= (uint8_t)((bucket->low[i] >> half & 1) << number);
                halves->high[i][half] |= (uint8_t)((bucket->high[i] >> half & 1) << number);
            }
}

static uint64_t chance_of_group(const struct choice *choice, const char *group)
{
    uint64_t chance = 1;
    for (size_t i = 0; i < GROUP; i++)
        chance *= choice->weight[(uint8_t)group[i]];
    return chance;
}

/* Two groups, the second a byte behind the first. */
static void add_narrow(struct pattern_set *set, size_t row, const struct choice *choice)
{
    const char *anchor = set->pattern[row].row.anchor;
    uint64_t least = UINT64_MAX;
    size_t best = 0;
    for (size_t at = 0; at + GROUP + 1 <= set->pattern[row].anchor_size; at++) {
        uint64_t chance =
            chance_of_group(choice, anchor + at) + chance_of_group(choice, anchor + at + 1);
        if (chance < least) {
            least = chance;
            best = at;
        }
    }
    add_entry(set, row, best);
    add_entry(set, row, best + 1);
}

/* Short anchors first, which leave no choice: long ones have a group that goes with theirs. */
void skim_build(struct pattern_set *set, bool wide)
{
    struct choice choice = {.weight = {0}};
    for (unsigned byte = 0; byte < BYTES; byte++)
        choice.weight[byte] = (uint8_t)weight_of(byte);
#ifdef __x86_64__
    set->skim.wide = wide && __builtin_cpu_supports("avx2");
#else
    (void)wide;
#endif
    for (size_t size = PATTERN_ANCHOR_MIN; size <= PATTERN_ANCHOR; size++)
        for (size_t row = 0; row < set->count; row++) {
            if (set->pattern[row].anchor_size != size)
                continue;
            if (set->skim.wide)
                add_wide(set, row, &choice);
            else
                add_narrow(set, row, &choice);
        }
    set_halves(&set->skim.halves, &choice);
}

/* --- looking closer ----------------------------------------------------------------------------
 */

static unsigned may_be(const struct skim *skim, const uint8_t *at)
{
    return skim->may_be[hash_of(group_at(at))];
}

/* Which anchors have this group, and stand there? */
static void look_closer(struct pattern_set *set, size_t at, size_t size, size_t old)
{
    const struct skim *skim = &set->skim;
    uint32_t hash = hash_of(group_at(set->buffer + at));
    for (unsigned i = skim->list[hash % LISTS]; i; i = skim->entry[i].next) {
        const struct skim_entry *entry = &skim->entry[i];
        const struct pattern *pattern = &set->pattern[entry->row];
        size_t begin = at - entry->offset;
        if (entry->hash == hash && at >= entry->offset && size - begin >= pattern->anchor_size &&
            begin < size &&
            memcmp(set->buffer + begin, pattern->row.anchor, pattern->anchor_size) == 0)
            look_see(set, entry->row, begin + pattern->anchor_size, old);
    }
}

/* --- 32 places at once -------------------------------------------------------------------------
 */

#ifdef __x86_64__
#define WIDE        __attribute__((target("avx2")))
#define WIDE_PLACES 32u

/* A byte above 0x7f is in no anchor, and gives 0 without its low half being cut out. */
WIDE static inline __m256i buckets_of(__m256i low, __m256i high, const uint8_t *at)
{
    __m256i bytes = _mm256_loadu_si256((const void *)at);
    __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    return _mm256_and_si256(_mm256_shuffle_epi8(low, bytes), _mm256_shuffle_epi8(high, upper));
}

WIDE static inline __m256i twice(const uint8_t half[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)half));
}

/* The places where a group may be. Each table has its register; a call in the loop would cost them
 * all, so what is there is looked at later. */
WIDE static size_t find_wide(struct pattern_set *set, size_t from, size_t size)
{
    const struct skim_halves *of = &set->skim.halves;
    uint16_t *place = set->skim.place;
    size_t count = 0;
    __m256i low0 = twice(of->low[0]), low1 = twice(of->low[1]), low2 = twice(of->low[2]),
            low3 = twice(of->low[3]);
    __m256i high0 = twice(of->high[0]), high1 = twice(of->high[1]), high2 = twice(of->high[2]),
            high3 = twice(of->high[3]);
    for (size_t at = from; at < size; at += WIDE_PLACES) {
        const uint8_t *b = set->buffer + at;
        __m256i first =
            _mm256_and_si256(buckets_of(low0, high0, b), buckets_of(low1, high1, b + 1));
        __m256i rest =
            _mm256_and_si256(buckets_of(low2, high2, b + 2), buckets_of(low3, high3, b + 3));
        if (_mm256_testz_si256(first, rest))
            continue;
        __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(first, rest), _mm256_setzero_si256());
        uint32_t places = ~(uint32_t)_mm256_movemask_epi8(none);
        for (; places; places &= places - 1)
            place[count++] = (uint16_t)(at + (unsigned)__builtin_ctz(places));
    }
    return count;
}

static void look_wide(struct pattern_set *set, size_t from, size_t size, size_t old)
{
    size_t count = find_wide(set, from, size);
    for (size_t i = 0; i < count; i++)
        if (may_be(&set->skim, set->buffer + set->skim.place[i]))
            look_closer(set, set->skim.place[i], size, old);
}
#endif

/* --- every other place ------------------------------------------------------------------------
 */

static void look_narrow(struct pattern_set *set, size_t from, size_t size, size_t old)
{
    const struct skim *skim = &set->skim;
    for (size_t at = from; at < size; at += 8) {
        const uint8_t *b = set->buffer + at;
        if (!(may_be(skim, b) | may_be(skim, b + 2) | may_be(skim, b + 4) | may_be(skim, b + 6)))
            continue;
        for (size_t i = 0; i < 8; i += 2)
            if (may_be(skim, b + i))
                look_closer(set, at + i, size, old);
    }
}

void skim_look(struct pattern_set *set, size_t from, size_t size, size_t old)
{
#ifdef __x86_64__
    if (set->skim.wide) {
        look_wide(set, from, size, old);
        return;
    }
#endif
    look_narrow(set, from, size, old);
}
