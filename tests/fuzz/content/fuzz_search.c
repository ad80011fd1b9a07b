/* Settings and messages over a text: in one piece or in pieces, with vectorscan's first look or
 * without, the same is found. */
#include "../../../sensor/content/search.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint64_t sum;
    size_t count;
};

static void on_found(void *context, const struct found *found)
{
    struct told *told = context;
    if ((found->class != CONTENT_SETTING && found->class != CONTENT_FLIGHT) || found->hash == 0 ||
        found->size == 0)
        abort();
    told->sum += found->hash; /* patterns and messages are told each in its order */
    told->count++;
}

static struct told run(struct search_shared *shared, const uint8_t *data, size_t size,
                       const uint8_t *cuts)
{
    struct told told = {0, 0};
    struct finder finder = {NULL, on_found, &told};
    struct search *search = search_new(shared, &finder);
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t piece = cuts ? (size_t)cuts[i % 4] * 3 + 1 : size;
        if (piece > size - at)
            piece = size - at;
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        search_put(search, copy, piece);
        free(copy);
        at += piece;
    }
    search_finish(search);
    search_free(search);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct search_shared *fast, *slow;
    static struct hash_key key;
    struct error error;
    if (size < 4)
        return 0;
    if (!fast) {
        memset(&key, 7, sizeof key);
        fast = search_shared_new(&key, NULL, 0, true, &error);
        slow = search_shared_new(&key, NULL, 0, false, &error);
        if (!fast || !slow)
            abort();
    }
    struct told whole = run(fast, data + 4, size - 4, NULL),
                pieces = run(fast, data + 4, size - 4, data),
                plain = run(slow, data + 4, size - 4, NULL);
    if (whole.count != pieces.count || whole.sum != pieces.sum || whole.count != plain.count ||
        whole.sum != plain.sum)
        abort();
    return 0;
}
