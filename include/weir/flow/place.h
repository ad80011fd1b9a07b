/* Two places that are one: a conversation keeps one VLAN and one tenant, although its packets are
 * seen in two VLANs, or each direction has a tunnel id of its own. See place.c.
 *
 * Bound: PLACES_KEPT of each kind, twice; the older half is forgotten and counted. Thread: one at a
 * time. */
#ifndef WEIR_FLOW_PLACE_H
#define WEIR_FLOW_PLACE_H

#include "weir/flow/duplicate.h"

#define PLACES_KEPT 65536u

struct places;
struct places *places_new(void);
void places_free(struct places *places);
/* `packet` is a copy: its place and that of the first are one, for this pair of addresses. */
void places_join(struct places *places, const struct packet *packet, const struct duplicate *of);
/* Puts the conversation's place into packet->vlan and packet->tenant. For whole packets that are
 * no copies, in the order of their capture. */
void places_settle(struct places *places, struct packet *packet);
void places_health(const struct places *places, struct health *health); /* adds its counter */

#endif
