/* Registrable domains by the Public Suffix List. Thin over libpsl, which does the matching; kept in
 * base/ because both content (addresses) and engine (destinations) ask.
 *
 * A name is asked for several times within a moment: with its question, its answer, its
 * connections; and many names have the same end. So the answers to the last names are kept, and
 * what the list says of the last ends, each in the one place that its hash says; the name itself is
 * compared. */
#include "weir/base/suffix.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <libpsl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN    1024u
#define ENDS     512u
#define END_KEPT 29u
#define NONE     UINT8_MAX

struct known {
    uint8_t size; /* 0: empty */
    uint8_t at;   /* where the registrable domain begins; NONE: there is none */
    bool private_too;
    char name[SUFFIXES_NAME_KEPT];
};

struct end {
    uint8_t size; /* 0: empty */
    bool private_too, is_suffix;
    char name[END_KEPT];
};

struct suffixes {
    const psl_ctx_t *list; /* a constant inside the library */
    struct known *known;   /* KNOWN of them */
    struct end *end;       /* ENDS of them */
};

struct suffixes *suffixes_new(void)
{
    const psl_ctx_t *list = psl_builtin();
    if (!list)
        return NULL;
    struct suffixes *suffixes = xcalloc(1, sizeof *suffixes);
    suffixes->list = list;
    suffixes->known = xcalloc(KNOWN, sizeof *suffixes->known);
    suffixes->end = xcalloc(ENDS, sizeof *suffixes->end);
    return suffixes;
}

void suffixes_free(struct suffixes *suffixes)
{
    if (!suffixes)
        return;
    free(suffixes->known);
    free(suffixes->end);
    free(suffixes); /* psl_builtin() is never freed */
}

/* NO_STAR_RULE: an unknown top level is not a suffix, whatever stands before it. */
static bool ask(const psl_ctx_t *list, const char *end, bool private_too)
{
    int kind = (private_too ? PSL_TYPE_ANY : PSL_TYPE_ICANN) | PSL_TYPE_NO_STAR_RULE;
    return psl_is_public_suffix2(list, end, kind) != 0;
}

static bool is_suffix(const struct suffixes *suffixes, const char *name, size_t size,
                      bool private_too)
{
    if (size == 0 || size > END_KEPT)
        return ask(suffixes->list, name, private_too);
    struct end *end = &suffixes->end[hash64(name, size, private_too) % ENDS];
    if (end->size != size || end->private_too != private_too ||
        memcmp(end->name, name, size) != 0) {
        *end = (struct end){.size = (uint8_t)size,
                            .private_too = private_too,
                            .is_suffix = ask(suffixes->list, name, private_too)};
        memcpy(end->name, name, size);
    }
    return end->is_suffix;
}

/* The longest suffix wins: walk from the left until the rest is a public suffix. */
static const char *find(const struct suffixes *suffixes, const char *name, size_t size,
                        bool private_too)
{
    const char *end = name + size, *at = name;
    for (const char *dot; (dot = strchr(at, '.')) != NULL; at = dot + 1)
        if (is_suffix(suffixes, dot + 1, (size_t)(end - dot) - 1, private_too))
            return at == name && is_suffix(suffixes, name, size, private_too) ? NULL : at;
    return NULL;
}

const char *suffixes_registrable(const struct suffixes *suffixes, const char *name,
                                 bool private_too)
{
    size_t size = strlen(name);
    if (!suffixes || size == 0)
        return NULL;
    if (size > SUFFIXES_NAME_KEPT)
        return find(suffixes, name, size, private_too);
    struct known *known = &suffixes->known[hash64(name, size, private_too) % KNOWN];
    if (known->size != size || known->private_too != private_too ||
        memcmp(known->name, name, size) != 0) {
        const char *at = find(suffixes, name, size, private_too);
        *known = (struct known){.size = (uint8_t)size,
                                .at = at ? (uint8_t)(at - name) : NONE,
                                .private_too = private_too};
        memcpy(known->name, name, size);
    }
    return known->at == NONE ? NULL : name + known->at;
}
