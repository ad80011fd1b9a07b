/* An hour of a host that is over, with the pairs that its profile has: what is marked of it and, in
 * hindsight, summed. Out of a total (whose names are asked for) or of the ledger (whose numbers say
 * which pair it is). Private to the baseline room. Engine thread. */
#ifndef WEIR_BASELINE_LOCAL_CLOSED_HOUR_H
#define WEIR_BASELINE_LOCAL_CLOSED_HOUR_H

#include "weir/baseline/evidence.h"

struct closed_pair {
    const struct destination *destination; /* the pair's, the total's, or … */
    struct destination *own;               /* … the hour's: the profile has no such pair */
    struct pair *pair;                     /* … or it has */
    uint32_t name;                         /* evidence_name */
    uint32_t number;                       /* in the ledger */
    uint32_t flows, longest_s;
    uint64_t out_bytes, in_bytes;
    const struct starts *starts; /* the total's; NULL: they are packed: */
    struct cursor packed;
    bool seen_more; /* by others than this sensor */
};

struct closed_hour { /* all zero to begin with; what it borrows is there as long as it is asked */
    int64_t hour;
    uint64_t out_bytes, in_bytes, inside_bytes;
    bool seen_more;
    struct closed_pair *pair; /* in any order */
    size_t pairs, room;
    struct starts starts; /* of the pair that was asked for last */
};

/* Room for so many pairs; there is none in it then. */
void closed_hour_clear(struct closed_hour *hour, size_t pairs);
void closed_hour_of(struct closed_hour *hour, const struct profile *profile,
                    const struct host_total *total);
void closed_hour_fini(struct closed_hour *hour);
/* Until the next are asked for. */
const struct starts *closed_hour_starts(struct closed_hour *hour, const struct closed_pair *pair);

/* evidence_upload.c: evidence_add_whole_hour of all of it. */
void evidence_add_closed_hour(struct day_evidence *into, const struct profile *profile,
                              const struct fleet *fleet, const struct civil *civil,
                              const struct closed_hour *hour);

#endif
