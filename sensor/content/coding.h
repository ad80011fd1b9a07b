/* Codings of bodies that compress, undone as their bytes come. What a body says of its codings is
 * a claim: bytes that are not what was said are counted and inspected as they are, and what grows
 * beyond all measure is let go. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_CODING_H
#define WEIR_SENSOR_CONTENT_CODING_H

#include "body.h"

/* One body may become this large, and all bodies of a side together CODING_RATIO times what the
 * side sent and CODING_FREE_BYTES: text packs to a tenth, a bomb to a thousandth. */
#define CODING_BODY_BYTES (UINT64_C(256) << 20)
#define CODING_RATIO      100u
#define CODING_FREE_BYTES (UINT64_C(256) << 10)
/* A decoder that takes so much and makes nothing is led about (a gzip header's file name, frames to
 * be skipped): no block of any coding is as large. */
#define CODING_SILENT_BYTES (UINT64_C(256) << 10)

/* What became of a body's codings, all together. */
struct coding_fate {
    struct side *side;
    bool damaged; /* spoilt, cut short, or with a gap */
    bool bomb;    /* let go at a bound */
    bool unread;  /* unknown, or there was no memory for it */
};

bool coding_inflates(enum body_coding coding);
/* Has so much been made of what the side sent that it can only be meant as a bomb? */
bool coding_is_beyond(const struct side *side);
/* `fate` outlives it. */
struct filter *coding_filter_new(struct coding_fate *fate, enum body_coding which,
                                 struct filter *next);

#endif
