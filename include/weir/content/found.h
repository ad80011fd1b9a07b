/* What a scanner found, and whom it tells. Thread: the capture thread. */
#ifndef WEIR_CONTENT_FOUND_H
#define WEIR_CONTENT_FOUND_H

#include "weir/record/record.h"

struct found {
    enum content_class class;
    uint64_t hash;     /* keyed, of the item in its one form (lower case, no separators); not 0 */
    const char *label; /* see enum content_class; no NUL, borrowed for the call */
    size_t label_size; /* longer ones than CONTENT_LABEL_MAX keep their end */
    const uint8_t *bytes; /* as it stood there: for samples, where they are allowed */
    size_t size;
};

struct finder {
    bool (*known)(void *context, uint64_t hash); /* told before: not worth a closer look */
    void (*found)(void *context, const struct found *found);
    void *context;
};

#endif
