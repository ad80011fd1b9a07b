/* What scanners find, written down: shared by the tests of patterns, messages and containers. */
#ifndef WEIR_TEST_CONTENT_FINDS_H
#define WEIR_TEST_CONTENT_FINDS_H

#include "weir/content/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finds {
    char log[65536]; /* "class:label[bytes] …" */
    size_t log_size, count;
    uint64_t hash[4096];
    bool brief; /* no bytes in the log */
};

static inline void on_find(void *context, const struct found *found)
{
    struct finds *finds = context;
    int bytes = finds->brief ? 0 : (int)found->size;
    int size = snprintf(finds->log + finds->log_size, sizeof finds->log - finds->log_size,
                        "%s:%.*s[%.*s] ", content_class_name[found->class], (int)found->label_size,
                        found->label, bytes, (const char *)found->bytes);
    if (size < 0 || (size_t)size >= sizeof finds->log - finds->log_size || finds->count == 4096)
        abort();
    finds->log_size += (size_t)size;
    finds->hash[finds->count++] = found->hash;
}

static inline void finds_clear(struct finds *finds)
{
    finds->log_size = finds->count = 0;
    finds->log[0] = '\0';
}

#endif
