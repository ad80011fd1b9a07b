/* What a child tries that must succeed before its case begins. */
#ifndef WEIR_TESTS_CAPTURE_MUST_H
#define WEIR_TESTS_CAPTURE_MUST_H

#include "../child.h"
#include "weir/base/error.h"

/* In the child: a stage that must succeed. */
static inline void must(int result, const struct error *error)
{
    if (result != 0) {
        fprintf(stderr, "%s\n", error->message);
        _exit(4);
    }
}

#endif
