/* A set of patterns: compiled once, at start.
 *
 * Bounds: a search gives up after MATCH_STEPS backtracking steps from one beginning, or MATCH_HEAP
 * KiB; that is counted, and PATTERN_REFUSALS of them set the pattern aside. No JIT: the capture
 * role may not make memory executable. Thread: start-up, then the capture thread. */
#include "pattern_set.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS   1000u
#define MATCH_DEPTH   256u
#define MATCH_HEAP    64u /* KiB */
#define PATTERN_NEST  32u /* parentheses */
#define PATTERN_BYTES 512u

#define COMPILE_OPTIONS                                                                            \
    (PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | PCRE2_NEVER_UTF)

static pcre2_code *compile(const char *pattern, struct error *error)
{
    int code;
    size_t offset;
    unsigned char why[160];
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        abort(); /* no memory, as in xcalloc */
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_max_pattern_length(context, PATTERN_BYTES);
    pcre2_set_parens_nest_limit(context, PATTERN_NEST);
    pcre2_code *made = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, COMPILE_OPTIONS,
                                     &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!made) {
        pcre2_get_error_message(code, why, sizeof why);
        error_set(error, ERROR_USAGE, "%s at offset %zu", (const char *)why, offset);
    }
    return made;
}

int pattern_check(const char *pattern, struct error *error)
{
    uint32_t empty = 0, behind = 0;
    pcre2_code *code = compile(pattern, error);
    if (!code)
        return -1;
    pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &empty);
    pcre2_pattern_info(code, PCRE2_INFO_MAXLOOKBEHIND, &behind);
    pcre2_code_free(code);
    if (empty)
        return error_set(error, ERROR_USAGE, "it matches where there is nothing, at offset 0");
    if (behind > PATTERN_BEHIND)
        return error_set(error, ERROR_USAGE, "it looks back further than %u bytes, at offset 0",
                         PATTERN_BEHIND);
    return 0;
}

static int add(struct pattern_set *set, const struct pattern_row *row, struct error *error)
{
    struct pattern *pattern = &set->pattern[set->count];
    *pattern = (struct pattern){.row = *row};
    if (row->pattern && pattern_check(row->pattern, error) != 0)
        return -1;
    if (row->pattern && !(pattern->code = compile(row->pattern, error)))
        return -1;
    pattern->anchor_size = row->anchor ? strlen(row->anchor) : 0;
    if (pattern->anchor_size > PATTERN_ANCHOR ||
        (row->anchor && pattern->anchor_size < PATTERN_ANCHOR_MIN))
        return error_set(error, ERROR_RUN, "%s: an anchor of %zu bytes", row->label,
                         pattern->anchor_size);
    if (row->pattern)
        pattern->edges = strstr(row->pattern, "\\b") || strstr(row->pattern, "\\B") ||
                         strstr(row->pattern, "(?=") || strstr(row->pattern, "(?!");
    pattern->always = row->anchor == NULL;
    set->count++;
    return 0;
}

static void settle_always(struct pattern_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->pattern[i].always) {
            set->always[i / 64] |= UINT64_C(1) << (i % 64);
            set->some_always = true;
        }
}

struct pattern_set *pattern_set_new(const struct pattern_row *row, size_t count, bool fast,
                                    struct error *error)
{
    struct pattern_set *set = xcalloc(1, sizeof *set);
    int failed = 0;
    if (count > PATTERN_ROWS_MAX)
        failed = error_set(error, ERROR_RUN, "more than %u patterns", PATTERN_ROWS_MAX);
    for (size_t i = 0; i < count && !failed; i++)
        failed = add(set, &row[i], error);
    set->limits = pcre2_match_context_create(NULL);
    set->match = pcre2_match_data_create(1, NULL);
    if (!set->limits || !set->match)
        abort(); /* no memory */
    pcre2_set_match_limit(set->limits, MATCH_STEPS);
    pcre2_set_depth_limit(set->limits, MATCH_DEPTH);
    pcre2_set_heap_limit(set->limits, MATCH_HEAP);
    if (failed) {
        pattern_set_free(set);
        return NULL;
    }
    skim_build(set, fast);
    if (fast)
        set->fast = fast_look_new(set);
    settle_always(set);
    return set;
}

void pattern_set_free(struct pattern_set *set)
{
    if (!set)
        return;
    fast_look_free(set->fast);
    for (size_t i = 0; i < PATTERN_ROWS_MAX; i++)
        pcre2_code_free(set->pattern[i].code);
    pcre2_match_data_free(set->match);
    pcre2_match_context_free(set->limits);
    free(set);
}

bool pattern_set_is_fast(const struct pattern_set *set)
{
    return set->fast != NULL;
}

uint64_t pattern_set_refusals(const struct pattern_set *set)
{
    return set->refusals;
}
