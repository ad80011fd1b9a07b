/* Containers: whatever the bytes, what is told is the same in one piece and in pieces (cut where
 * the first bytes of the input say), one at most; with a gap nothing breaks. */
#include "../../../sensor/content/container.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint64_t hash;
    size_t count;
    char label[32];
};

static void on_found(void *context, const struct found *found)
{
    struct told *told = context;
    if (found->class != CONTENT_ARCHIVE || found->label_size == 0 ||
        found->label_size >= sizeof told->label || found->size > CONTAINER_HASHED)
        abort();
    told->hash = found->hash;
    told->count++;
    memcpy(told->label, found->label, found->label_size);
}

/* `gap`: so many bytes are missing after the first half. */
static struct told run(const uint8_t *data, size_t size, const uint8_t *cuts, uint64_t gap)
{
    struct told told = {.count = 0};
    struct hash_key key;
    struct finder finder = {NULL, on_found, &told};
    memset(&key, 7, sizeof key);
    struct container_scanner *scanner = container_scanner_new(&key, &finder);
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t piece = cuts ? (size_t)cuts[i % 4] * 2 + 1 : size;
        if (piece > size - at)
            piece = size - at;
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        container_scanner_put(scanner, copy, piece);
        free(copy);
        if (gap && at < size / 2 && at + piece >= size / 2)
            container_scanner_gap(scanner, gap);
        at += piece;
    }
    container_scanner_finish(scanner);
    container_scanner_free(scanner);
    if (told.count > 1)
        abort();
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct told whole = run(data + 4, size - 4, NULL, 0), pieces = run(data + 4, size - 4, data, 0);
    if (whole.count != pieces.count || whole.hash != pieces.hash ||
        strcmp(whole.label, pieces.label) != 0)
        abort();
    run(data + 4, size - 4, data, UINT64_C(1) << (data[0] % 64));
    return 0;
}
