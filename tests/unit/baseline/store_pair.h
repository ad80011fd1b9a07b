/* Two clients of one server, of the same vantage. */
#ifndef WEIR_TESTS_BASELINE_STORE_PAIR_H
#define WEIR_TESTS_BASELINE_STORE_PAIR_H

#include "store_server.h"

static struct client a, b;

static inline void open_both(void)
{
    must_open(&a, "a", "core");
    must_open(&b, "b", "core");
}

static inline void close_both(void)
{
    client_close(&a);
    client_close(&b);
}

static inline void on_removed(void *context, bool removed)
{
    *(bool *)context = removed;
}

#endif
