/* Which device holds which inside address, as far as the wire said (networks.identity: device).
 *
 *   lease      DHCP: until it ends, and LEASE_SLACK more; no claim moves the address before its end
 *   claim      ARP, ND, a lease of no stated length: for CLAIM_LASTS after the last one, or until
 *              another device claims the address
 *   proxy      a device that claims more than PROXY_CLAIMS addresses within an hour answers for
 *              others (a router, proxy ARP, a VPN gateway): it holds nothing, for good
 *
 * The newest lease wins. What was before the last change is remembered, so that a flow's record
 * that is told after a change goes to who held the address when its bytes left. Traffic renews
 * nothing: that an address is used does not say by whom.
 *
 * Bound: `max` addresses and as many devices. Of addresses the claim renewed longest ago is
 * forgotten, a lease only when there is no claim; of devices the one heard of longest ago. Counted.
 * A function of the records alone. Engine thread. */
#ifndef WEIR_ENGINE_IDENTITY_H
#define WEIR_ENGINE_IDENTITY_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/map.h"
#include "weir/record/record.h"

#define IDENTITY_CLAIM_LASTS_NS (24 * NS_PER_HOUR)
#define IDENTITY_LEASE_SLACK_NS NS_PER_HOUR
#define IDENTITY_LEASE_MAX_S    (366u * 24u * 3600u) /* what a server calls for ever */
#define IDENTITY_PROXY_CLAIMS   64u
#define IDENTITY_PROXY_NS       NS_PER_HOUR
#define IDENTITY_A_HOST         4u /* addresses for each of baseline.max_hosts */

struct tenure { /* [since, until) */
    struct ip device;
    int64_t since_ns, until_ns;
};

struct holding { /* of an address */
    struct ip address;
    struct tenure now, before; /* before: until_ns ≤ now.since_ns; an empty one: none */
    int64_t lease_ns;          /* of `now`: its lease ends; INT64_MIN: none */
    bool leased;               /* the list it hangs in */
    struct holding *newer, *older;
};

struct claimant { /* a device by what it claimed */
    struct ip device;
    int64_t window_ns; /* since then … */
    struct ip *claim;  /* … distinct addresses, ≤ PROXY_CLAIMS; owned */
    uint32_t claims, room;
    bool proxy;
    struct claimant *newer, *older; /* by when it was last heard of */
};

struct holdings { /* by when they were last renewed */
    struct holding *newest, *oldest;
};

struct identity_counts {
    uint64_t moved, contested, by_proxy, proxies, forgotten;
};

struct identity {
    struct map addresses, devices; /* struct ip → struct holding, struct claimant */
    struct holdings claims, leases;
    struct claimant *newest, *oldest;
    size_t max;
    struct identity_counts counts;
};

void identity_init(struct identity *identity, size_t max);
void identity_fini(struct identity *identity);
/* Of an inside address; valid. */
void identity_learn(struct identity *identity, const struct record_binding *record);
/* The device that held the address at `from`; when nobody is known to have, the one that showed
 * itself by `until`. NULL: not known. Borrowed until the next change. */
const struct ip *identity_of(const struct identity *identity, const struct ip *address,
                             struct ptime from, struct ptime until);
/* identity_pack.c: all of it, for a restart; into an empty one. False: it is not that. */
void identity_pack(const struct identity *identity, struct buffer *out);
bool identity_unpack(struct identity *identity, struct cursor *in);
/* For identity_pack.c: makes the entry, as the newest of its list. */
struct holding *identity_add_holding(struct identity *identity, const struct holding *from);
struct claimant *identity_add_claimant(struct identity *identity, const struct ip *device);

#endif
