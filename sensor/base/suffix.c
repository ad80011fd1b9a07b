/* Registrable domains by the Public Suffix List. Thin over libpsl, which does the matching; kept in
 * base/ because both content (addresses) and engine (destinations) ask.
 *
 * A name is asked for several times within a moment: with its question, its answer, its
 * connections. So the answers to the last ones are kept, each in the one place that its hash says;
 * the name itself is compared. */
#include "weir/base/suffix.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <libpsl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN     1024u
#define NAME_KEPT 60u /* longer ones are not kept */
#define NONE      UINT8_MAX

struct known {
    uint8_t size; /* 0: empty */
    uint8_t at;   /* where the registrable domain begins; NONE: there is none */
    bool private_too;
    char name[NAME_KEPT];
};

struct suffixes {
    const psl_ctx_t *list; /* a constant inside the library */
    struct known *known;   /* KNOWN of them */
};

struct suffixes *suffixes_new(void)
{
    const psl_ctx_t *list = psl_builtin();
    if (!list)
        return NULL;
    struct suffixes *suffixes = xcalloc(1, sizeof *suffixes);
    suffixes->list = list;
    suffixes->known = xcalloc(KNOWN, sizeof *suffixes->known);
    return suffixes;
}

void suffixes_free(struct suffixes *suffixes)
{
    if (suffixes)
        free(suffixes->known);
    free(suffixes); /* psl_builtin() is never freed */
}

static const char *find(const psl_ctx_t *list, const char *name, bool private_too)
{
    /* NO_STAR_RULE: an unknown top level is not a suffix, whatever stands before it. */
    int kind = (private_too ? PSL_TYPE_ANY : PSL_TYPE_ICANN) | PSL_TYPE_NO_STAR_RULE;
    /* The longest suffix wins: walk from the left until the rest is a public suffix. */
    for (const char *at = name, *dot; (dot = strchr(at, '.')) != NULL; at = dot + 1)
        if (psl_is_public_suffix2(list, dot + 1, kind))
            return psl_is_public_suffix2(list, at, kind) ? NULL : at;
    return NULL;
}

const char *suffixes_registrable(const struct suffixes *suffixes, const char *name,
                                 bool private_too)
{
    size_t size = strlen(name);
    if (!suffixes || size == 0)
        return NULL;
    if (size > NAME_KEPT)
        return find(suffixes->list, name, private_too);
    struct known *known = &suffixes->known[hash64(name, size, private_too) % KNOWN];
    if (known->size != size || known->private_too != private_too ||
        memcmp(known->name, name, size) != 0) {
        const char *at = find(suffixes->list, name, private_too);
        *known = (struct known){.size = (uint8_t)size,
                                .at = at ? (uint8_t)(at - name) : NONE,
                                .private_too = private_too};
        memcpy(known->name, name, size);
    }
    return known->at == NONE ? NULL : name + known->at;
}
