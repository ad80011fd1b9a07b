/* Which e-mail addresses were seen leaving, for whoever asks of a given one later (weir report
 * --contains): of each host and destination a Bloom filter (Bloom 1970) over their keyed hashes. No
 * address can be read out of it, but whoever has it can try one. E-mail addresses only: of numbers
 * all can be tried. While the run lasts the hashes are kept exactly (detect/union.h).
 *
 * Bounds: SIFT_SETS pairs of host and destination, further ones are counted; SIFT_BYTES of hashes
 * and UNION_EXACT of a pair, beyond which the pair has no filter, and says so. Engine thread. */
#ifndef WEIR_INVESTIGATE_SIFT_H
#define WEIR_INVESTIGATE_SIFT_H

#include "weir/baseline/destination.h"
#include "weir/record/record.h"

#define SIFT_SETS  65536u
#define SIFT_BYTES (UINT64_C(256) << 20)
#define SIFT_RATE  1e-4 /* of an address that never left to be taken for one that did */

struct sift;
struct sift *sift_new(void);
void sift_free(struct sift *sift);
void sift_add(struct sift *sift, const struct ip *host, const struct destination *destination,
              const struct record_content *record);
/* items.ndjson: a line a pair, sorted, and one that ends it. Caller frees. */
char *sift_text(const struct sift *sift);

/* A filter as it is in a line. */
struct json_value;
struct sift_filter {
    const char *host, *destination; /* borrowed from the line */
    uint64_t items;                 /* distinct; estimated where there is no filter */
    uint64_t bits;                  /* 0: none was kept */
    unsigned hashes;
    double rate; /* of false answers, by how full it is */
    uint8_t *data;
};
/* False: it is no such line. sift_filter_fini either way. */
bool sift_filter_read(struct sift_filter *filter, const struct json_value *line);
void sift_filter_fini(struct sift_filter *filter);
bool sift_filter_has(const struct sift_filter *filter, uint64_t hash);

#endif
