/* Shared by evidence*.c only. */
#ifndef WEIR_BASELINE_LOCAL_EVIDENCE_H
#define WEIR_BASELINE_LOCAL_EVIDENCE_H

#include "weir/baseline/evidence.h"

#define EXPOSED_DAYS 7 /* host-days in which something new was counted, before it is a measure */

struct asked {
    struct day_evidence *into;
    const struct profile *profile;
    const struct pair *pair;
    const struct destination *destination;
    const struct fleet *fleet;
    const struct civil *civil;
    uint32_t name;
};

/* Keeps the larger one; the amount as it is. */
void evidence_mark_exact(struct day_evidence *into, enum evidence_kind kind, double l,
                         uint64_t amount, uint32_t pair);
/* How far an hour's bytes are beyond the edge of what is no activity: 0 there, 1 from 1 MiB on. */
double evidence_beyond_edge(uint64_t bytes);
/* Met after the warm-up and less than three weeks ago; or met rarely, however long ago. */
bool evidence_is_young(const struct asked *asked);

/* evidence_manner.c: what can be known of a host; what is asked of a pair while its hour is open;
 * one kind again (not of those for which manner_is_one is false). */
bool manner_is_one(enum evidence_kind kind);
void manner_of_host(struct day_evidence *into, const struct profile *profile,
                    const struct fleet *fleet);
void manner_of_pair(const struct asked *asked, const struct amounts *amounts);
struct estimate manner_estimate(const struct asked *asked, enum evidence_kind kind,
                                uint64_t amount);

/* evidence_upload.c: how rare an hour of so many bytes is; on how many days before it was sent to;
 * so large a surplus of a day, after the days before it. */
struct estimate upload_estimate(const struct asked *asked, uint64_t bytes);
struct estimate upload_again_estimate(const struct asked *asked);
struct estimate upload_growth_estimate(const struct asked *asked, uint64_t bytes);
/* A pair's open hour as far as it is an upload already. */
void upload_of_open_hour(const struct asked *asked, const struct amounts *amounts);
/* Whether a host's uploads are held against what is usual of their places, too; one with so much
 * more out than in. */
bool upload_has_usual(const struct profile *profile);
struct estimate upload_alone_estimate(const struct asked *asked, uint64_t surplus);

#endif
