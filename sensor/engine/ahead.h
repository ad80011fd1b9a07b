/* What the next records look for is fetched before they do: each of them changes its host, the
 * host's hour, a pair and two stories, which lie nowhere near each other and mostly in no cache. So
 * while a record is consumed, those behind it are gone through in steps, the last of them first:
 *
 *   its route (routes.h), else its destination → hashes → host → hour, host's story → pair → pair's
 * story; of DNS: ahead_names.c
 *
 * Each step reads what the one before, some records ago, has fetched. Kept are hashes, the route
 * and the host; nothing that is told depends on it: a wrong guess costs time. Engine thread. */
#ifndef WEIR_ENGINE_AHEAD_H
#define WEIR_ENGINE_AHEAD_H

#include "routes.h"

#include <stdbool.h>
#include <stdint.h>

#define AHEAD_ROOM 16u /* a power of two, above the distance at which they are hashed */

struct ahead_name { /* of DNS */
    bool is_one;
    uint64_t asked;          /* hash of its key in names.questions */
    uint64_t client, domain; /* … of the entries it is counted in (questions.h); 0: of none */
};

struct ahead_record {
    uint64_t number;             /* which record's, as many were consumed before it; 0: none */
    struct route *route;         /* of its addresses, unless somebody else's took the place */
    const struct host *known;    /* its host, by its route or by the hash; NULL: not found yet */
    uint64_t host, place, story; /* hashes of its keys; place, story 0: nobody guesses where to */
    struct ahead_name name;      /* `is_one`: there is nothing of the above */
};

struct ahead {
    uint64_t done; /* records that were consumed */
    struct ahead_record of[AHEAD_ROOM];
};

struct engine;
/* Once a record of the order is consumed. */
void ahead_step(struct engine *engine);
/* ahead_names.c: the first step of a name, and the ones behind it. */
void ahead_name(const struct engine *engine, const struct record_name *record,
                struct ahead_name *ahead);
void ahead_follow_name(const struct engine *engine, const struct ahead_name *ahead, bool beside);

#endif
