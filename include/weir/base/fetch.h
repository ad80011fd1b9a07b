/* Memory that will be needed soon is asked for now, line by line; nothing waits for it and nothing
 * changes. An address may be NULL, or of nothing. */
#ifndef WEIR_BASE_FETCH_H
#define WEIR_BASE_FETCH_H

#include <stddef.h>

#define FETCH_LINE ((size_t)64)

static inline void fetch(const void *from, size_t bytes)
{
    for (size_t at = 0; from && at < bytes; at += FETCH_LINE)
        __builtin_prefetch((const char *)from + at, 1);
}

#endif
