/* A mirror that shows a packet twice (ports mirrored on their way in and out, several VLANs of one
 * trunk, both sides of a router) would have every byte counted twice. This tells a second copy from
 * a second packet; the rules, and what each of them rests on, are at the top of duplicate.c.
 *
 * To be asked about every packet once, in the order of their capture, before anything is counted.
 * The answer is a function of the packets asked about. Bound: DUPLICATES_KEPT packets are
 * remembered, for 100 ms of packet time at most. Thread: one at a time. */
#ifndef WEIR_FLOW_DUPLICATE_H
#define WEIR_FLOW_DUPLICATE_H

#include "weir/decode/packet.h"
#include "weir/record/record.h"

#define DUPLICATES_KEPT 8192u

struct place { /* what of a packet says where in the network it was seen */
    uint64_t tenant;
    uint16_t vlan;
};

struct duplicate {
    struct place first; /* where the one it is a copy of was seen */
    bool sure;          /* nobody else's packet can look like this one by chance */
};

struct duplicates;
struct duplicates *duplicates_new(void);
void duplicates_free(struct duplicates *duplicates);
/* Is it a copy? Then fills *of. A fragment by itself is none here: the decoder knows copies of
 * those, since they must not be put together twice; what was put together is asked about. */
bool duplicates_seen(struct duplicates *duplicates, const struct packet *packet,
                     struct duplicate *of);
/* Adds duplicates_forgotten: what is counted is counted by who asks. */
void duplicates_health(const struct duplicates *duplicates, struct health *health);

#endif
