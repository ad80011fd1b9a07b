/* Where a flow's two addresses lead to, of those that were met lately: who is inside, and, when one
 * of them is, the host, the destination by the other address, the name of both among an hour's
 * pairs with its hash. Most flows are between addresses that were met before, and all of this is
 * the same for them: it is looked for once, and from there on by one look at one place.
 *
 * A name that the client gave decides before the address does (names.h), a tunnel before both, and
 * a device before the host's address: those flows are looked at one by one.
 *
 * Bounds: ROUTES places; of those that may lie in the same ROUTE_WAYS the latest that were made
 * stay. What is in there changes no answer, so it is in no checkpoint. Engine thread. */
#ifndef WEIR_ENGINE_ROUTES_H
#define WEIR_ENGINE_ROUTES_H

#include "weir/baseline/totals.h"
#include "weir/engine/engine.h"

#define ROUTES     32768u /* 4 MiB */
#define ROUTE_WAYS 2u     /* places that one may lie in */
#define ROUTE_TEXT 48     /* of a prefix or an AS: "served|prefix|2001:db8:1234::/48" */

struct route_ends { /* compared as bytes: no padding */
    struct ip orig_ip, resp_ip;
    uint16_t vlan;
    uint8_t vantage;
    uint8_t taken; /* 1 */
};

struct route {
    struct route_ends ends;
    uint8_t scope;         /* enum scope; SCOPE_OUT and SCOPE_IN alone have what follows */
    uint8_t kind;          /* enum destination_kind */
    uint8_t size, name_at; /* of the text; where in it the destination's name begins */
    uint64_t number;       /* of host and destination: nobody else's, ever; never 0 */
    struct host *host;     /* NULL: it was none so far, or nobody has looked for it */
    uint64_t host_hash, place_hash, story_hash; /* map_hash: its address, the text, both */
    char text[ROUTE_TEXT];                      /* destination_key */
};

struct routes {
    struct route *route; /* ROUTES of them */
    struct route *next;  /* probably the next record's, in there; NULL: nobody looked */
    uint64_t made;
};

void routes_init(struct routes *routes);
void routes_fini(struct routes *routes);

struct engine;
/* By the flow's own addresses. Good until the next call. */
struct route *routes_of(struct engine *engine, const struct flow_key *key);
/* It is asked for soon. */
void routes_prefetch(const struct engine *engine, const struct flow_key *key);
/* The next that is asked for is probably this one. */
void routes_expect(struct engine *engine, struct route *route);
/* The same as way_of says without a tunnel. */
struct way route_way(const struct route *route, const struct flow_key *key);
/* The host and the destination of this record are the route's. */
bool route_leads(const struct engine *engine, const struct route *route,
                 const struct record_flow *record);
void route_destination(const struct route *route, struct destination *destination);

#endif
