/* Registrable domains by the Public Suffix List. Thin over libpsl, which does the matching; kept in
 * base/ because both content (addresses) and engine (destinations) ask. No state of its own. */
#include "weir/base/suffix.h"

#include <libpsl.h>
#include <stddef.h>
#include <string.h>

/* psl_builtin() is a constant inside the library: the handle only gives it a type. */
struct suffixes *suffixes_new(void)
{
    const psl_ctx_t *list = psl_builtin();
    union {
        const void *borrowed;
        struct suffixes *handle;
    } cast = {.borrowed = list};
    return cast.handle;
}

void suffixes_free(struct suffixes *suffixes)
{
    (void)suffixes; /* psl_builtin() is never freed */
}

const char *suffixes_registrable(const struct suffixes *suffixes, const char *name,
                                 bool private_too)
{
    const psl_ctx_t *list = (const psl_ctx_t *)(const void *)suffixes;
    /* NO_STAR_RULE: an unknown top level is not a suffix, whatever stands before it. */
    int kind = (private_too ? PSL_TYPE_ANY : PSL_TYPE_ICANN) | PSL_TYPE_NO_STAR_RULE;
    if (!list)
        return NULL;
    /* The longest suffix wins: walk from the left until the rest is a public suffix. */
    for (const char *at = name, *dot; (dot = strchr(at, '.')) != NULL; at = dot + 1)
        if (psl_is_public_suffix2(list, dot + 1, kind))
            return psl_is_public_suffix2(list, at, kind) ? NULL : at;
    return NULL;
}
