/* The first look: in which blocks of the buffer could a pattern match?
 *
 * Anchors are looked for in one pass (pattern_skim.c). Expressions without one, which are the
 * operator's, are given to vectorscan, all in one pass too and approximated from above
 * (HS_FLAG_PREFILTER). One whose meaning there could be narrower than PCRE2's is not: what hangs on
 * a line's or a text's ends, and options that turn that on or off. Those, and without vectorscan
 * all, are tried everywhere. What is seen may be too much, never too little.
 *
 * Vectorscan tells matches in no certain order, so nothing here hangs on it.
 * Bounds: struct look. Thread: start-up, then the capture thread; no memory is taken then. */
#include "pattern_set.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

void look_see(struct pattern_set *set, size_t row, size_t end, size_t old)
{
    struct look *look = &set->look;
    const struct pattern *pattern = &set->pattern[row];
    if (pattern->code) {
        look->seen[end / LOOK_BLOCK][row / 64] |= UINT64_C(1) << (row % 64);
        look->some[end / LOOK_BLOCK] = look->any = true;
    } else if (end > old && look->heard_count < LOOK_HEARD) {
        look->heard[look->heard_count++] =
            (struct heard){(uint32_t)(end - pattern->anchor_size), (uint32_t)row};
    }
}

/* As if something stood everywhere. */
static void see_all(struct pattern_set *set, size_t size)
{
    for (size_t row = 0; row < set->count; row++)
        for (size_t at = 0; !set->pattern[row].anchor_size && at < size + LOOK_BLOCK;
             at += LOOK_BLOCK)
            look_see(set, row, at < size ? at : size, 0);
}

static int by_begin(const void *a, const void *b)
{
    const struct heard *one = a, *other = b;
    return (one->begin > other->begin) - (one->begin < other->begin);
}

#ifdef WEIR_HAVE_HS
#include <hs.h>

struct fast_look {
    hs_database_t *database;
    hs_scratch_t *scratch;
};

/* Does an option, an end of a line or text, or a verb occur in it? Looked for in the plainest way:
 * "[$]" counts too, which costs time and nothing else. */
static bool is_narrower(const char *pattern)
{
    static const char *const words[] = {"$", "\\A", "\\Z", "\\z", "\\G", "\\K", "(*"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(pattern, words[i]))
            return true;
    for (const char *at = pattern; (at = strstr(at, "(?")); at += 2)
        if (!strchr(":=!<", at[2]) && strncmp(at, "(?i)", 4) != 0 && strncmp(at, "(?i:", 4) != 0)
            return true;
    return false;
}

#define FAST_OPTIONS (HS_FLAG_MULTILINE | HS_FLAG_PREFILTER)

static bool can_be_fast(const char *pattern)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *error = NULL;
    if (is_narrower(pattern))
        return false;
    hs_error_t result = hs_expression_info(pattern, FAST_OPTIONS, &info, &error);
    hs_free_compile_error(error);
    free(info);
    return result == HS_SUCCESS;
}

struct listing {
    const char *text[PATTERN_ROWS_MAX];
    unsigned flags[PATTERN_ROWS_MAX], row[PATTERN_ROWS_MAX], count;
};

static void list(const struct pattern_set *set, struct listing *listing)
{
    listing->count = 0;
    for (size_t row = 0; row < set->count; row++) {
        const struct pattern *pattern = &set->pattern[row];
        unsigned at = listing->count;
        if (pattern->always || pattern->anchor_size)
            continue;
        listing->text[at] = pattern->row.pattern;
        listing->flags[at] = FAST_OPTIONS;
        listing->row[at] = (unsigned)row;
        listing->count++;
    }
}

/* *culprit: the row that cannot be compiled with the others, or the number of rows. */
static hs_database_t *build(const struct pattern_set *set, size_t *culprit)
{
    struct listing *listing = xcalloc(1, sizeof *listing);
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    list(set, listing);
    *culprit = set->count;
    if (listing->count > 0 &&
        hs_compile_multi(listing->text, listing->flags, listing->row, listing->count, HS_MODE_BLOCK,
                         NULL, &database, &error) != HS_SUCCESS)
        if (error && error->expression >= 0)
            *culprit = listing->row[error->expression];
    hs_free_compile_error(error);
    free(listing);
    return database;
}

struct fast_look *fast_look_new(struct pattern_set *set)
{
    size_t culprit;
    hs_scratch_t *scratch = NULL;
    hs_database_t *database = NULL;
    if (hs_valid_platform() != HS_SUCCESS)
        return NULL;
    for (size_t row = 0; row < set->count; row++)
        if (set->pattern[row].anchor_size == 0)
            set->pattern[row].always = !can_be_fast(set->pattern[row].row.pattern);
    while (!(database = build(set, &culprit)) && culprit < set->count &&
           set->pattern[culprit].anchor_size == 0)
        set->pattern[culprit].always = true;
    if (!database || hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
        hs_free_database(database);
        for (size_t row = 0; row < set->count; row++)
            set->pattern[row].always = set->pattern[row].row.anchor == NULL;
        return NULL;
    }
    struct fast_look *fast = xcalloc(1, sizeof *fast);
    fast->database = database;
    fast->scratch = scratch;
    return fast;
}

void fast_look_free(struct fast_look *fast)
{
    if (!fast)
        return;
    hs_free_scratch(fast->scratch);
    hs_free_database(fast->database);
    free(fast);
}

static int on_match(unsigned row, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct pattern_set *set = context;
    (void)from, (void)flags;
    look_see(set, row, (size_t)to, 0);
    return 0;
}

static void look_fast(struct pattern_set *set, size_t size)
{
    if (hs_scan(set->fast->database, (const char *)set->buffer, (unsigned)size, 0,
                set->fast->scratch, on_match, set) != HS_SUCCESS)
        see_all(set, size); /* a fault of the library's */
}
#else
struct fast_look *fast_look_new(struct pattern_set *set)
{
    (void)set;
    return NULL;
}

void fast_look_free(struct fast_look *fast)
{
    (void)fast;
}

static void look_fast(struct pattern_set *set, size_t size)
{
    see_all(set, size);
}
#endif

void pattern_look(struct pattern_set *set, size_t from, size_t size, size_t old)
{
    struct look *look = &set->look;
    if (look->any) {
        memset(look->seen, 0, sizeof look->seen);
        memset(look->some, 0, sizeof look->some);
    }
    look->any = false;
    look->heard_count = 0;
    skim_look(set, from, size, old);
    if (set->fast)
        look_fast(set, size);
    if (look->heard_count > 1)
        qsort(look->heard, look->heard_count, sizeof *look->heard, by_begin);
}
