/* A pattern as an operator may write it (the input's first line, 24 bytes at most): it is refused,
 * or finds the same with vectorscan's first look and without. */
#include "weir/content/pattern.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PATTERN_BYTES 24

struct all {
    uint64_t sum;
    size_t count;
};

static void on_found(void *context, const struct found *found)
{
    struct all *all = context;
    all->sum = all->sum * 31 + found->hash;
    all->count++;
}

static struct all run(const char *pattern, bool fast, const uint8_t *data, size_t size)
{
    struct all all = {0, 0};
    struct error error;
    struct hash_key key;
    struct finder finder = {NULL, on_found, &all};
    struct pattern_row row = {CONTENT_PATTERN, "one", pattern, NULL};
    struct pattern_set *set = pattern_set_new(&row, 1, fast, &error);
    if (!set)
        abort(); /* it was checked */
    memset(&key, 7, sizeof key);
    struct pattern_scanner *scanner = pattern_scanner_new(set, &key, &finder, NULL);
    pattern_scanner_put(scanner, data, size);
    pattern_scanner_finish(scanner);
    pattern_scanner_free(scanner);
    if (pattern_set_refusals(set))
        all.count = SIZE_MAX; /* whatever it found */
    pattern_set_free(set);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char pattern[PATTERN_BYTES + 1];
    struct error error;
    const uint8_t *feed = memchr(data, '\n', size < PATTERN_BYTES + 1 ? size : PATTERN_BYTES + 1);
    size_t length = feed ? (size_t)(feed - data) : 0;
    if (!feed || length == 0 || size > 2000 || memchr(data, '\0', length))
        return 0;
    memcpy(pattern, data, length);
    pattern[length] = '\0';
    if (pattern_check(pattern, &error) != 0)
        return 0;
    struct all fast = run(pattern, true, feed + 1, size - length - 1),
               slow = run(pattern, false, feed + 1, size - length - 1);
    if (slow.count != SIZE_MAX && fast.count != SIZE_MAX &&
        (fast.sum != slow.sum || fast.count != slow.count))
        abort();
    return 0;
}
