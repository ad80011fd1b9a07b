/* The scanner of cards, accounts and telephone numbers: the same bytes in one piece and in pieces
 * (cut where the first bytes of the input say) hold the same numbers in the same order; what is
 * found has its class's form; and a gap never makes one of two halves: what is found with a gap in
 * the middle stands in one of them. */
#include "weir/content/numbers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOUND_MAX 4096
#define CUTS      4u

struct all {
    uint64_t hash[FOUND_MAX];
    size_t count;
    const uint8_t *text; /* NULL: there is no gap */
    size_t size, gap;
};

static struct hash_key key;

static void on_found(void *context, const struct found *item)
{
    struct all *found = context;
    bool known =
        item->class == CONTENT_CARD || item->class == CONTENT_IBAN || item->class == CONTENT_PHONE;
    if (!known || item->label_size < 2 || item->size < 8 || item->size > 64 ||
        found->count == FOUND_MAX)
        abort();
    if (found->text && !memmem(found->text, found->gap, item->bytes, item->size) &&
        !memmem(found->text + found->gap, found->size - found->gap, item->bytes, item->size))
        abort();
    found->hash[found->count++] = item->hash;
}

/* In pieces of the sizes that `cuts` says (NULL: one piece); each an exact allocation. */
static void put(struct numbers_scanner *scanner, const uint8_t *data, size_t size,
                const uint8_t *cuts)
{
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t piece = cuts ? (size_t)cuts[i % CUTS] + 1 : size;
        if (piece > size - at)
            piece = size - at;
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        numbers_scanner_put(scanner, copy, piece);
        free(copy);
        at += piece;
    }
}

/* `gap`: where one is; `size`: nowhere. */
static void run(const uint8_t *data, size_t size, size_t gap, const uint8_t *cuts,
                struct all *found)
{
    struct finder finder = {NULL, on_found, found};
    struct numbers_scanner *scanner = numbers_scanner_new(&key, &finder);
    put(scanner, data, gap, cuts);
    if (gap < size)
        numbers_scanner_gap(scanner);
    put(scanner, data + gap, size - gap, cuts);
    numbers_scanner_finish(scanner);
    numbers_scanner_free(scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct all whole, pieces;
    if (size < CUTS || size > 8192)
        return 0;
    const uint8_t *cuts = data, *text = data + CUTS;
    size_t length = size - CUTS, gap = (size_t)data[0] * 31 % (length + 1);
    whole.count = pieces.count = 0;
    pieces.text = NULL;
    run(text, length, length, NULL, &whole);
    run(text, length, length, cuts, &pieces);
    if (whole.count != pieces.count ||
        memcmp(whole.hash, pieces.hash, whole.count * sizeof *whole.hash) != 0)
        abort();
    pieces = (struct all){.text = text, .size = length, .gap = gap};
    run(text, length, gap, cuts, &pieces);
    return 0;
}
