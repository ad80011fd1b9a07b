/* The address scanner: the same bytes in one piece and in pieces (cut where the first bytes of the
 * input say) hold the same addresses, and a gap never adds one. */
#include "weir/content/email.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOUND_MAX 4096

struct all {
    uint64_t hash[FOUND_MAX];
    size_t count;
};

static void on_found(void *context, const struct found *item)
{
    struct all *found = context;
    for (size_t i = 0; i < found->count; i++)
        if (found->hash[i] == item->hash)
            return;
    if (item->class != CONTENT_EMAIL || item->label_size == 0 || item->size == 0)
        abort();
    if (found->count < FOUND_MAX)
        found->hash[found->count++] = item->hash;
}

/* In pieces of the sizes that `cuts` says (none: one piece); each an exact allocation. */
static void run(struct email_shared *shared, const uint8_t *data, size_t size, const uint8_t *cuts,
                size_t cut_count, struct all *found)
{
    struct finder finder = {NULL, on_found, found};
    struct email_scanner *scanner = email_scanner_new(shared, &finder);
    found->count = 0;
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t piece = cut_count ? (size_t)cuts[i % cut_count] * 2 + 1 : size;
        if (piece > size - at)
            piece = size - at;
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        email_scanner_put(scanner, copy, piece);
        free(copy);
        at += piece;
    }
    email_scanner_finish(scanner);
    email_scanner_free(scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct all whole, pieces;
    struct hash_key key;
    if (size < 4 || size > 8192)
        return 0;
    memset(&key, 7, sizeof key);
    struct suffixes *suffixes = suffixes_new();
    struct email_shared shared = {.suffixes = suffixes, .key = &key};
    run(&shared, data + 4, size - 4, NULL, 0, &whole);
    run(&shared, data + 4, size - 4, data, 4, &pieces);
    /* What stands around an address is looked at within a piece, so pieces may only differ where
     * the surroundings are not text; addresses in text are the same. */
    bool text = true;
    for (size_t i = 4; i < size && text; i++)
        text = data[i] >= ' ' && data[i] < 0x7f;
    if (text && (whole.count != pieces.count ||
                 memcmp(whole.hash, pieces.hash, whole.count * sizeof *whole.hash) != 0))
        abort();
    suffixes_free(suffixes);
    return 0;
}
