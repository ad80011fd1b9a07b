/* See tape_pack.h. No state but the packer's. */
#include "tape_pack.h"

#include <string.h>

#define WORD(member) (uint8_t)(offsetof(struct record_flow, member) / 8)
#define RELATED(member, of)                                                                        \
    {                                                                                              \
        WORD(member), WORD(of)                                                                     \
    }

/* The first becomes the second less the first: mostly zero, and else not below it. Doing it again
 * undoes it, in the other order, since no second is changed by one before it. */
static const struct {
    uint8_t word, of;
} related[] = {
    RELATED(fresh[0].packets, total[0].packets),
    RELATED(fresh[1].packets, total[1].packets),
    RELATED(fresh[0].payload_bytes, total[0].payload_bytes),
    RELATED(fresh[1].payload_bytes, total[1].payload_bytes),
    RELATED(fresh[0].acked_bytes, total[0].acked_bytes),
    RELATED(fresh[1].acked_bytes, total[1].acked_bytes),
    RELATED(fresh[0].missing_bytes, total[0].missing_bytes),
    RELATED(fresh[1].missing_bytes, total[1].missing_bytes),
    RELATED(total[0].acked_bytes, total[0].payload_bytes),
    RELATED(total[1].acked_bytes, total[1].payload_bytes),
    RELATED(total[0].ip_bytes, total[0].wire_bytes),
    RELATED(total[1].ip_bytes, total[1].wire_bytes),
    RELATED(start_ns, fresh_since_ns),
    RELATED(last_ns, header.time_ns),
    RELATED(fresh_since_ns, header.time_ns),
};
#define RELATED_COUNT (sizeof related / sizeof *related)

_Static_assert(sizeof(struct record_flow) % 8 == 0 && RECORD_MAX_BYTES % 64 == 0, "whole words");

static void relate(uint64_t *word)
{
    for (size_t i = 0; i < RELATED_COUNT; i++)
        word[related[i].word] = word[related[i].of] - word[related[i].word];
}

static void restore(uint64_t *word)
{
    for (size_t i = RELATED_COUNT; i-- > 0;)
        word[related[i].word] = word[related[i].of] - word[related[i].word];
}

static bool is_flow(uint16_t kind, size_t words)
{
    return kind == RECORD_FLOW && words >= sizeof(struct record_flow) / 8;
}

bool tape_packs(const struct record_header *record)
{
    return record->kind >= RECORD_FLOW && record->kind < RECORD_WATERMARK &&
           record->size >= sizeof *record && record->size % 8 == 0 &&
           record->size <= RECORD_MAX_BYTES;
}

/* --- packing ---------------------------------------------------------------------------------- */

/* Where its bytes begin, how many they are, and they. */
static uint8_t *put_word(uint8_t *to, uint64_t word)
{
    unsigned first = (unsigned)__builtin_ctzll(word) / 8;
    unsigned last = (63u - (unsigned)__builtin_clzll(word)) / 8;
    word >>= 8 * first;
    *to++ = (uint8_t)(first | (last - first + 1) << 4);
    memcpy(to, &word, sizeof word);
    return to + last - first + 1;
}

static uint8_t *put_words(const uint64_t *word, uint64_t *before, size_t words, uint8_t *to)
{
    uint8_t *bits = to, *at = to + (words + 7) / 8;
    memset(bits, 0, (words + 7) / 8);
    for (size_t i = 0; i < words; i++) {
        uint64_t differs = word[i] ^ before[i];
        if (!differs)
            continue;
        before[i] = word[i];
        bits[i / 8] |= (uint8_t)(1u << i % 8);
        at = put_word(at, differs);
    }
    return at;
}

size_t tape_pack(struct tape_packer *packer, const struct record_header *record,
                 const struct tape_note *note, uint8_t *to)
{
    uint16_t words = (uint16_t)(record->size / 8);
    uint64_t *word = packer->record.word;
    memcpy(word, record, record->size);
    if (is_flow(record->kind, words))
        relate(word);
    word[WORD(header.number)] -= packer->number + 1;
    word[WORD(header.time_ns)] -= packer->time;
    packer->number = record->number;
    packer->time = (uint64_t)record->time_ns;
    to[0] = (uint8_t)note->worker;
    to[1] = (uint8_t)record->kind;
    memcpy(to + 2, &words, sizeof words);
    memcpy(to + 4, &note->tag, sizeof note->tag);
    return (size_t)(put_words(word, packer->before[record->kind], words, to + TAPE_HEAD) - to);
}

/* --- unpacking -------------------------------------------------------------------------------- */

/* The lowest `count` bytes; a copy of as many as it happens to be is a call, of eight it is none.
 */
static uint64_t take_bytes(const uint8_t *from, const uint8_t *end, unsigned count)
{
    uint64_t bytes = 0;
    if (end - from < 8) {
        memcpy(&bytes, from, count);
        return bytes;
    }
    memcpy(&bytes, from, sizeof bytes);
    return bytes & UINT64_MAX >> (64 - 8 * count);
}

/* Behind it; NULL: it does not end before `end`. */
static const uint8_t *take_word(const uint8_t *from, const uint8_t *end, uint64_t *word)
{
    if (from == end)
        return NULL;
    unsigned first = *from & 15u, count = *from >> 4;
    from++;
    if (count == 0 || first + count > 8 || count > (size_t)(end - from))
        return NULL;
    *word = take_bytes(from, end, count) << 8 * first;
    return from + count;
}

static const uint8_t *take_words(const uint8_t *from, const uint8_t *end, size_t words,
                                 uint64_t *before)
{
    const uint8_t *bits = from;
    if ((size_t)(end - from) < (words + 7) / 8)
        return NULL;
    from += (words + 7) / 8;
    for (size_t group = 0; group < (words + 7) / 8; group++)
        for (unsigned differ = bits[group]; differ; differ &= differ - 1) {
            uint64_t word;
            size_t i = 8 * group + (unsigned)__builtin_ctz(differ);
            from = i < words ? take_word(from, end, &word) : NULL;
            if (!from)
                return NULL;
            before[i] ^= word;
        }
    return from;
}

size_t tape_unpack(struct tape_packer *packer, const uint8_t *from, size_t size,
                   const struct record_header **record, struct tape_note *note)
{
    uint16_t words;
    if (size < TAPE_HEAD)
        return 0;
    note->worker = from[0];
    uint16_t kind = from[1];
    memcpy(&words, from + 2, sizeof words);
    memcpy(&note->tag, from + 4, sizeof note->tag);
    if (kind < RECORD_FLOW || kind >= RECORD_WATERMARK || words > TAPE_WORDS ||
        words < sizeof(struct record_header) / 8)
        return 0;
    const uint8_t *end = take_words(from + TAPE_HEAD, from + size, words, packer->before[kind]);
    if (!end)
        return 0;
    uint64_t *word = packer->record.word;
    memcpy(word, packer->before[kind], words * sizeof *word);
    packer->number = word[WORD(header.number)] += packer->number + 1;
    packer->time = word[WORD(header.time_ns)] += packer->time;
    if (is_flow(kind, words))
        restore(word);
    *record = &packer->record.header;
    if ((*record)->size != words * sizeof *word || (*record)->kind != kind)
        return 0;
    return (size_t)(end - from);
}
