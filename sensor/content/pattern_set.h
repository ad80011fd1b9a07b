/* What a set of patterns is made of: for pattern.c, pattern_look.c and pattern_scan.c. */
#ifndef WEIR_SENSOR_CONTENT_PATTERN_SET_H
#define WEIR_SENSOR_CONTENT_PATTERN_SET_H

#include "weir/content/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_CHUNK   4096u /* of a text, looked at at once */
#define PATTERN_CARRIED (PATTERN_VISIBLE + PATTERN_BEHIND)
#define PATTERN_ROOM    (PATTERN_CARRIED + PATTERN_CHUNK)
#define PATTERN_SLACK   64u  /* may be read behind the buffer */
#define LOOK_BLOCK      128u /* where something was seen is known this exactly */
#define LOOK_BLOCKS     (PATTERN_ROOM / LOOK_BLOCK + 2u)
#define LOOK_WORDS      (PATTERN_ROWS_MAX / 64u)
#define LOOK_HEARD      (PATTERN_ROOM / 4u) /* anchors without a pattern are 4 bytes or more */

struct pattern {
    struct pattern_row row;
    pcre2_code *code; /* NULL: an anchor alone */
    size_t anchor_size;
    uint32_t refusals;
    bool always; /* no first look tells where it may be */
    bool edges;  /* what follows a match decides about it */
};

struct heard {
    uint32_t begin, row;
};

/* What the first look saw in the buffer: for each block, which rows' anchors or matches end there.
 */
struct look {
    uint64_t seen[LOOK_BLOCKS][LOOK_WORDS];
    bool some[LOOK_BLOCKS]; /* … anything at all */
    bool any;
    struct heard heard[LOOK_HEARD];
    size_t heard_count;
};

/* Anchors by groups of their bytes: pattern_skim.c. */
struct skim_entry {
    uint16_t hash, row, offset, next;
};

#define SKIM_GROUP 3u
#define SKIM_WIDE  4u /* bytes of a group, looked at in 32 places at once */

/* By the halves of a group's bytes, which of eight buckets of groups have such a byte there. */
struct skim_halves {
    uint8_t low[SKIM_WIDE][16], high[SKIM_WIDE][16];
};

struct skim {
    uint8_t may_be[32768]; /* by the hash of three bytes */
    uint16_t list[256];
    struct skim_entry entry[2 * PATTERN_ROWS_MAX + 1];
    size_t entries;
    bool wide; /* this processor looks at 32 places at once: what follows is used */
    struct skim_halves halves;
    uint16_t place[PATTERN_ROOM + 32u]; /* where a group may be, of one look */
};

struct fast_look; /* vectorscan's database, or NULL */

struct pattern_set {
    struct pattern pattern[PATTERN_ROWS_MAX];
    size_t count;
    uint64_t always[LOOK_WORDS];
    bool some_always;
    uint64_t refusals;
    pcre2_match_context *limits;
    pcre2_match_data *match;
    struct fast_look *fast;
    struct look look;
    struct skim skim;
    uint8_t buffer[PATTERN_ROOM + PATTERN_SLACK];
};

/* pattern_skim.c. skim_build: for all anchors of the set. skim_look: all that lie in [from,
 * size) of set->buffer; some that begin before may be told too. */
void skim_build(struct pattern_set *set, bool wide);
void skim_look(struct pattern_set *set, size_t from, size_t size, size_t old);

/* pattern_look.c. look_see: something of this row ends there. */
void look_see(struct pattern_set *set, size_t row, size_t end, size_t old);
/* fast_look_new: NULL where vectorscan is not to be had; rows that it cannot take
 * become `always`. */
struct fast_look *fast_look_new(struct pattern_set *set);
void fast_look_free(struct fast_look *fast);
/* Fills set->look from the first `size` bytes of set->buffer: of anchors those that begin at `from`
 * or behind it; of anchors alone only those that end behind `old`. */
void pattern_look(struct pattern_set *set, size_t from, size_t size, size_t old);

#endif
