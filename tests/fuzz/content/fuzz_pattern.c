/* Patterns over a text: in one piece or in pieces (cut where the first bytes of the input say),
 * with vectorscan's first look or without, the same is found in the same order; also around a gap.
 */
#include "weir/content/pattern.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOUND_MAX 4096

struct all {
    uint64_t hash[FOUND_MAX];
    size_t count;
    uint64_t heard; /* of the bytes that the listener was told, and of the anchors between them */
    size_t heard_bytes;
};

static const struct pattern_row rows[] = {
    {CONTENT_PATTERN, "project", "PRJ-[0-9]{6}", NULL},
    {CONTENT_PATTERN, "word", "\\bkey\\b", NULL},
    {CONTENT_PATTERN, "digits", "[0-9]{6,}", NULL},
    {CONTENT_PATTERN, "line", "^a.*z$", NULL},
    {CONTENT_PATTERN, "rest", "secret:.*", NULL},
    {CONTENT_PATTERN, "ahead", "foo(?!bar)", NULL},
    {CONTENT_PATTERN, "behind", "(?<=id=)[a-f0-9]{4}", NULL},
    {CONTENT_PATTERN, "twice", "(ab|cd)\\1", NULL},
    {CONTENT_PATTERN, "bad", "(x+x+)+[yz]", NULL},
    {CONTENT_PATTERN, "start", "^[a-c]{3}", NULL},
    {CONTENT_PATTERN, "not", "q[^u]+u", NULL},
    {CONTENT_SETTING, "anchored", "^pass ?= ?[a-z]+$", "pass"},
    {CONTENT_SETTING, "anchored-long", "k[a-z]{0,200}zend", "zend"},
    {CONTENT_FLIGHT, "heard", NULL, "(FPL-"},
    {CONTENT_FLIGHT, "heard-too", NULL, "ZCZC "},
};
#define ROWS (sizeof rows / sizeof *rows)

static void on_found(void *context, const struct found *found)
{
    struct all *all = context;
    if (found->size == 0 || found->size > PATTERN_MATCH_MAX || found->hash == 0)
        abort();
    if (all->count < FOUND_MAX)
        all->hash[all->count++] = found->hash;
}

static void on_anchor(void *context, size_t row)
{
    struct all *all = context;
    all->heard = (all->heard ^ row ^ 0x100) * UINT64_C(0x100000001b3);
}

static void on_bytes(void *context, const uint8_t *data, size_t size)
{
    struct all *all = context;
    all->heard_bytes += size;
    for (size_t i = 0; i < size; i++)
        all->heard = (all->heard ^ data[i]) * UINT64_C(0x100000001b3);
}

/* `cuts`: the first four bytes, as sizes; the text is broken by a gap at data[4] × 16. */
static void run(struct pattern_set *set, const uint8_t *data, size_t size, bool pieces,
                struct all *all)
{
    struct hash_key key;
    struct finder finder = {NULL, on_found, all};
    struct pattern_listener listener = {on_anchor, on_bytes, all};
    memset(&key, 7, sizeof key);
    *all = (struct all){.count = 0};
    struct pattern_scanner *scanner = pattern_scanner_new(set, &key, &finder, &listener);
    size_t gap = 5 + (size_t)data[4] * 16;
    for (size_t at = 5, i = 0; at < size; i++) {
        size_t piece = pieces ? (size_t)data[i % 4] * 3 + 1 : size, border = at < gap ? gap : size;
        if (piece > border - at)
            piece = border - at;
        if (piece > size - at)
            piece = size - at;
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        pattern_scanner_put(scanner, copy, piece);
        free(copy);
        at += piece;
        if (at == gap)
            pattern_scanner_gap(scanner);
    }
    pattern_scanner_finish(scanner);
    pattern_scanner_free(scanner);
    if (all->heard_bytes != size - 5)
        abort();
}

static void compare(const struct all *a, const struct all *b)
{
    if (a->count != b->count || memcmp(a->hash, b->hash, a->count * sizeof *a->hash) != 0 ||
        a->heard != b->heard)
        abort();
}

/* A set a run: what is refused is counted over all inputs, and no set may set a pattern aside
 * before the others do. `plain` tries most, so it is the first. */
static struct pattern_set *set_of(size_t run)
{
    struct error error;
    struct pattern_set *set = pattern_set_new(rows, ROWS, run > 0, &error);
    if (!set)
        abort();
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PLAIN, WHOLE, PIECES, RUNS };
    static struct all all[RUNS];
    static struct pattern_set *set[RUNS];
    if (size < 5 || size > 12000)
        return 0;
    for (size_t i = 0; i < RUNS; i++)
        if (!set[i])
            set[i] = set_of(i);
    run(set[PLAIN], data, size, false, &all[PLAIN]);
    if (pattern_set_refusals(set[PLAIN]) > 900) { /* before a pattern is set aside */
        for (size_t i = 0; i < RUNS; i++) {
            pattern_set_free(set[i]);
            set[i] = NULL;
        }
        return 0;
    }
    run(set[WHOLE], data, size, false, &all[WHOLE]);
    compare(&all[PLAIN], &all[WHOLE]);
    run(set[PIECES], data, size, true, &all[PIECES]);
    compare(&all[PLAIN], &all[PIECES]);
    return 0;
}
