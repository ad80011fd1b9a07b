/* Where do anchors stand? One pass for all of them.
 *
 * Of each anchor a group of three bytes is taken, the least everyday one. Where the processor has
 * AVX2, tables of half bytes say of 32 places at once whether one of the groups could begin there
 * (the method is Teddy: Wang et al., "Hyperscan", NSDI 2019); elsewhere a table of 32 KiB says it
 * of every other place, and each anchor has two neighbouring groups, one of which stands at an even
 * place. Only where a group may be the anchors themselves are compared: what is found is the same.
 * (A library that looks for a hundred literals costs ten times as much: docs/content.md.)
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

/* Four bytes: the fourth is no part of the group, and the hash does not see it. */
static uint32_t group_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t hash_of(uint32_t group)
{
    return (group * (UINT32_C(0x9e3779b1) << 8)) >> 17;
}

/* How everyday a group is: small letters and blanks stand in every text. */
static unsigned everyday(const char *group, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (group[i] >= 'a' && group[i] <= 'z') || group[i] == ' ' ? 2 : 1;
    return sum;
}

/* Where the group begins, or two neighbouring ones. */
static size_t best_place(const char *anchor, size_t size, bool wide)
{
    size_t best = 0;
    for (size_t at = 1; wide && at + SKIM_WIDE <= size; at++)
        if (everyday(anchor + at, SKIM_WIDE) < everyday(anchor + best, SKIM_WIDE))
            best = at;
    if (wide)
        return best;
    for (size_t at = 1; at + GROUP + 1 <= size; at++)
        if (everyday(anchor + at, GROUP) + everyday(anchor + at + 1, GROUP) <
            everyday(anchor + best, GROUP) + everyday(anchor + best + 1, GROUP))
            best = at;
    return best;
}

void skim_begin(struct skim *skim, bool wide)
{
#ifdef __x86_64__
    skim->wide = wide && __builtin_cpu_supports("avx2");
#else
    (void)wide;
    skim->wide = false;
#endif
}

void skim_add(struct skim *skim, const struct pattern *pattern, size_t row)
{
    size_t place = best_place(pattern->row.anchor, pattern->anchor_size, skim->wide);
    for (size_t offset = place; offset < place + (skim->wide ? 1 : 2); offset++) {
        uint8_t bytes[4] = {0};
        memcpy(bytes, pattern->row.anchor + offset, GROUP);
        uint32_t hash = hash_of(group_at(bytes));
        struct skim_entry *entry = &skim->entry[++skim->entries]; /* 0 is the end of a list */
        *entry = (struct skim_entry){(uint16_t)hash, (uint16_t)row, (uint16_t)offset,
                                     skim->list[hash % LISTS]};
        skim->list[hash % LISTS] = (uint16_t)skim->entries;
        skim->may_be[hash] = 1;
    }
}

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

static const char *group_of(const struct pattern_set *set, const struct skim_entry *entry)
{
    return set->pattern[entry->row].row.anchor + entry->offset;
}

/* How often a byte stands in text, roughly and in whole numbers: the machine's floating point must
 * not decide where a group goes. */
static unsigned weight_of(unsigned byte)
{
    if (byte == ' ')
        return 60;
    if (byte >= 'a' && byte <= 'z')
        return 16;
    if ((byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9'))
        return 4;
    return byte >= 0x20 && byte < 0x7f ? 3 : 1;
}

static void put_group(struct skim_halves *halves, const char *group, unsigned bucket)
{
    for (size_t i = 0; i < SKIM_WIDE; i++) {
        uint8_t byte = (uint8_t)group[i];
        halves->low[i][byte & 15] |= (uint8_t)(1u << bucket);
        halves->high[i][byte >> 4] |= (uint8_t)(1u << bucket);
    }
}

/* Of the bytes with this high half that a bucket takes. */
static uint64_t weight_of_row(const uint8_t low[16], unsigned high, unsigned bucket)
{
    uint64_t weight = 0;
    for (unsigned byte = high << 4; byte < (high + 1) << 4 && byte < 0x7f; byte++)
        if (low[byte & 15] & (1u << bucket))
            weight += weight_of(byte);
    return weight;
}

/* What a bucket takes for its own by chance, in some unit. */
static uint64_t chance_of(const struct skim_halves *halves, unsigned bucket)
{
    uint64_t chance = 1;
    for (size_t i = 0; i < SKIM_WIDE; i++) {
        uint64_t weight = 0;
        for (unsigned high = ' ' >> 4; high < 8; high++) /* the others are rare in text */
            if (halves->high[i][high] & (1u << bucket))
                weight += weight_of_row(halves->low[i], high, bucket);
        chance *= weight;
    }
    return chance;
}

/* Each group goes where it adds least to what is taken for one by chance. */
void skim_finish(struct pattern_set *set)
{
    struct skim *skim = &set->skim;
    uint64_t chance[BUCKETS] = {0};
    for (size_t i = 1; i <= skim->entries && skim->wide; i++) {
        const char *group = group_of(set, &skim->entry[i]);
        uint64_t least = UINT64_MAX;
        unsigned best = 0;
        for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
            struct skim_halves with = skim->halves;
            put_group(&with, group, bucket);
            uint64_t more = chance_of(&with, bucket) - chance[bucket];
            if (more < least) {
                least = more;
                best = bucket;
            }
        }
        put_group(&skim->halves, group, best);
        chance[best] += least;
    }
}

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

/* Each table by itself, so that all stay in registers. */
WIDE static void look_wide(struct pattern_set *set, size_t size, size_t old)
{
    const struct skim_halves *of = &set->skim.halves;
    __m256i low0 = twice(of->low[0]), low1 = twice(of->low[1]), low2 = twice(of->low[2]),
            low3 = twice(of->low[3]);
    __m256i high0 = twice(of->high[0]), high1 = twice(of->high[1]), high2 = twice(of->high[2]),
            high3 = twice(of->high[3]);
    for (size_t at = 0; at < size; at += WIDE_PLACES) {
        const uint8_t *b = set->buffer + at;
        __m256i first =
            _mm256_and_si256(buckets_of(low0, high0, b), buckets_of(low1, high1, b + 1));
        __m256i rest =
            _mm256_and_si256(buckets_of(low2, high2, b + 2), buckets_of(low3, high3, b + 3));
        if (_mm256_testz_si256(first, rest))
            continue;
        __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(first, rest), _mm256_setzero_si256());
        uint32_t places = ~(uint32_t)_mm256_movemask_epi8(none);
        for (; places; places &= places - 1) {
            size_t place = at + (unsigned)__builtin_ctz(places);
            if (may_be(&set->skim, set->buffer + place))
                look_closer(set, place, size, old);
        }
    }
}
#endif

/* --- every other place ------------------------------------------------------------------------
 */

static void look_narrow(struct pattern_set *set, size_t size, size_t old)
{
    const struct skim *skim = &set->skim;
    for (size_t at = 0; at < size; at += 8) {
        const uint8_t *b = set->buffer + at;
        if (!(may_be(skim, b) | may_be(skim, b + 2) | may_be(skim, b + 4) | may_be(skim, b + 6)))
            continue;
        for (size_t i = 0; i < 8; i += 2)
            if (may_be(skim, b + i))
                look_closer(set, at + i, size, old);
    }
}

void skim_look(struct pattern_set *set, size_t size, size_t old)
{
#ifdef __x86_64__
    if (set->skim.wide) {
        look_wide(set, size, old);
        return;
    }
#endif
    look_narrow(set, size, old);
}
