/* Named regular expressions in a byte stream: counted, never kept.
 *
 * PCRE2 decides what matches, in bytes, case as written, `^` and `$` at lines. A match lies within
 * one line (which ends with LF or CR LF, with the text, or with missing bytes); of a longer one the
 * first PATTERN_MATCH_MAX bytes are the item. Of a line that is longer than PATTERN_VISIBLE a match
 * sees the PATTERN_BEHIND bytes before where it may begin and PATTERN_MATCH_MAX bytes behind that
 * at least, whatever pieces the line came in. What missing bytes cut is no match.
 *
 * Where vectorscan is there (at build time and on this processor) it looks first, and PCRE2 only
 * where it saw something; what is found is the same without it. Neither makes code at run time. */
#ifndef WEIR_CONTENT_PATTERN_H
#define WEIR_CONTENT_PATTERN_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/content/found.h"

#include <stdbool.h>

#define PATTERN_ROWS_MAX   192u
#define PATTERN_MATCH_MAX  256u
#define PATTERN_STEP       128u /* matches are looked for from so many bytes at once */
#define PATTERN_VISIBLE    (PATTERN_STEP + PATTERN_MATCH_MAX)
#define PATTERN_BEHIND     32u
#define PATTERN_ANCHOR     20u /* bytes of an anchor, at most */
#define PATTERN_ANCHOR_MIN 4u
/* Of an expression that needs more steps than allowed so often, no more is looked for until the
 * process ends: it would stall the capture thread. */
#define PATTERN_REFUSALS 1024u

struct pattern_row {
    enum content_class class;
    const char *label;   /* of what is found; borrowed for as long as the set */
    const char *pattern; /* NULL: the anchor is told to the listener, nothing is found */
    const char *anchor;  /* bytes that every match holds; NULL: none */
};

/* Hears the text in order, and where an anchor without a pattern begins: after the bytes before it,
 * before its own. */
struct pattern_listener {
    void (*anchor)(void *context, size_t row);
    void (*bytes)(void *context, const uint8_t *data, size_t size);
    void *context;
};

/* 0, or -1 and what is wrong with it ("… at offset 7"): of one that an operator wrote. */
int pattern_check(const char *pattern, struct error *error);

/* What all scanners of a process share; outlives them. `fast`: vectorscan may look first. */
struct pattern_set;
struct pattern_set *pattern_set_new(const struct pattern_row *row, size_t count, bool fast,
                                    struct error *error);
void pattern_set_free(struct pattern_set *set);
bool pattern_set_is_fast(const struct pattern_set *set);      /* vectorscan looks for some */
uint64_t pattern_set_refusals(const struct pattern_set *set); /* searches that needed too much */

struct pattern_scanner;
/* `listener` NULL: nobody listens. */
struct pattern_scanner *pattern_scanner_new(struct pattern_set *set, const struct hash_key *key,
                                            const struct finder *finder,
                                            const struct pattern_listener *listener);
void pattern_scanner_free(struct pattern_scanner *scanner);
void pattern_scanner_put(struct pattern_scanner *scanner, const uint8_t *data, size_t size);
void pattern_scanner_gap(struct pattern_scanner *scanner); /* bytes are missing */
/* The text ends. What is put next begins another. */
void pattern_scanner_finish(struct pattern_scanner *scanner);

#endif
