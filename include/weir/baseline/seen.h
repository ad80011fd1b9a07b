/* How much of the same each of several sensors saw leave in an open hour: what the store says of
 * the others beside its sums (store_elsewhere.c), as text: how many they are and the sum of their
 * bytes, "SENSORS|BYTES|", then of those SEEN_OTHERS that saw most "BYTES|VANTAGE|SENSOR|" each,
 * the most first. The server is not trusted: what is no such text is refused. Sensors of one
 * vantage see the same traffic, so bytes may be in several shares. Pure; any thread. */
#ifndef WEIR_BASELINE_SEEN_H
#define WEIR_BASELINE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_OTHERS    4
#define SEEN_SENSORS   (SEEN_OTHERS + 1) /* and oneself */
#define SEEN_NAME_SIZE 48                /* longer names are cut */
#define SEEN_TEXT_MAX  2047              /* bytes: names have 200 */

struct seen_by {
    struct seen_share {
        char sensor[SEEN_NAME_SIZE], vantage[SEEN_NAME_SIZE];
        uint64_t bytes;
    } share[SEEN_SENSORS]; /* the most first, of equals by name */
    uint32_t count;
    uint64_t sensors;    /* in all that saw it; 0: nobody was asked, or nobody else saw it */
    uint64_t rest_bytes; /* of those that have no share here */
};

/* False: it is no such text; `seen` is empty then. */
bool seen_parse(const char *text, size_t size, struct seen_by *seen);
/* One more, in its place. There is room for one behind a parse. */
void seen_add(struct seen_by *seen, const char *sensor, const char *vantage, uint64_t bytes);
/* Of bytes that were read back: counts are within bounds, names end. */
bool seen_holds(const struct seen_by *seen);

#endif
