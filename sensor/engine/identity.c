/* Devices behind addresses.
 *
 *   binding → is it a proxy's? → is the address leased to another? → the holding begins, goes on,
 *   or moves
 *
 * An attacker on the network can say "this address is mine" to move his bytes to another's
 * baseline, or another's to his. Against that: a claim that is not the frame's own sender's never
 * gets here (content/binding.h), a lease outweighs every claim until it ends, and each change is
 * counted. Who forges DHCP acknowledgements is believed, as the network itself believes him.
 *
 * Invariants: a holding hangs in `leases` if its lease had not ended when it was last renewed, else
 * in `claims`; before.until_ns ≤ now.since_ns. Thread: the engine's. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

void identity_init(struct identity *identity, size_t max)
{
    *identity = (struct identity){.max = max};
    map_init(&identity->addresses);
    map_init(&identity->devices);
}

static void free_claimant(void *value)
{
    struct claimant *claimant = value;
    free(claimant->claim);
    free(claimant);
}

void identity_fini(struct identity *identity)
{
    map_fini(&identity->addresses, free);
    map_fini(&identity->devices, free_claimant);
}

/* --- lists ----------------------------------------------------------------------------------- */

static struct holdings *list_of(struct identity *identity, const struct holding *holding)
{
    return holding->leased ? &identity->leases : &identity->claims;
}

static void unlink_holding(struct identity *identity, struct holding *holding)
{
    struct holdings *list = list_of(identity, holding);
    *(holding->newer ? &holding->newer->older : &list->newest) = holding->older;
    *(holding->older ? &holding->older->newer : &list->oldest) = holding->newer;
    holding->newer = holding->older = NULL;
}

static void link_holding(struct identity *identity, struct holding *holding)
{
    struct holdings *list = list_of(identity, holding);
    holding->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = holding;
    list->newest = holding;
}

static void unlink_claimant(struct identity *identity, struct claimant *claimant)
{
    *(claimant->newer ? &claimant->newer->older : &identity->newest) = claimant->older;
    *(claimant->older ? &claimant->older->newer : &identity->oldest) = claimant->newer;
    claimant->newer = claimant->older = NULL;
}

static void link_claimant(struct identity *identity, struct claimant *claimant)
{
    claimant->older = identity->newest;
    *(identity->newest ? &identity->newest->newer : &identity->oldest) = claimant;
    identity->newest = claimant;
}

static void forget_holding(struct identity *identity, struct holding *holding)
{
    unlink_holding(identity, holding);
    map_remove(&identity->addresses, &holding->address, sizeof holding->address);
    free(holding);
}

struct holding *identity_add_holding(struct identity *identity, const struct holding *from)
{
    if (identity->addresses.count >= identity->max) {
        forget_holding(identity,
                       identity->claims.oldest ? identity->claims.oldest : identity->leases.oldest);
        identity->counts.forgotten++;
    }
    struct holding *holding = xcalloc(1, sizeof *holding);
    *holding = *from;
    map_put(&identity->addresses, &holding->address, sizeof holding->address, holding);
    link_holding(identity, holding);
    return holding;
}

struct claimant *identity_add_claimant(struct identity *identity, const struct ip *device)
{
    if (identity->devices.count >= identity->max) {
        struct claimant *oldest = identity->oldest;
        unlink_claimant(identity, oldest);
        map_remove(&identity->devices, &oldest->device, sizeof oldest->device);
        free_claimant(oldest);
        identity->counts.forgotten++;
    }
    struct claimant *claimant = xcalloc(1, sizeof *claimant);
    claimant->device = *device;
    map_put(&identity->devices, device, sizeof *device, claimant);
    link_claimant(identity, claimant);
    return claimant;
}

/* --- proxies --------------------------------------------------------------------------------- */

static bool is_proxy(const struct identity *identity, const struct ip *device)
{
    const struct claimant *claimant = map_get(&identity->devices, device, sizeof *device);
    return claimant && claimant->proxy;
}

static void note_claim(struct claimant *claimant, const struct ip *address)
{
    for (uint32_t i = 0; i < claimant->claims; i++)
        if (ip_compare(&claimant->claim[i], address) == 0)
            return;
    if (claimant->claims == IDENTITY_PROXY_CLAIMS) {
        claimant->proxy = true;
        free(claimant->claim);
        claimant->claim = NULL;
        claimant->claims = claimant->room = 0;
        return;
    }
    if (claimant->claims == claimant->room) {
        claimant->room = claimant->room ? 2 * claimant->room : 2;
        claimant->claim = xrealloc(claimant->claim, claimant->room * sizeof *claimant->claim);
    }
    claimant->claim[claimant->claims++] = *address;
}

/* True when this device claims for others. */
static bool claims_for_others(struct identity *identity, const struct record_binding *record)
{
    struct claimant *claimant = map_get(&identity->devices, &record->device, sizeof record->device);
    int64_t now_ns = record->header.time_ns;
    if (claimant) {
        unlink_claimant(identity, claimant);
        link_claimant(identity, claimant);
    } else {
        claimant = identity_add_claimant(identity, &record->device);
        claimant->window_ns = now_ns;
    }
    if (claimant->proxy)
        return true;
    if (now_ns - claimant->window_ns >= IDENTITY_PROXY_NS) {
        claimant->window_ns = now_ns;
        claimant->claims = 0;
    }
    note_claim(claimant, &record->address);
    identity->counts.proxies += claimant->proxy;
    return claimant->proxy;
}

/* --- learning -------------------------------------------------------------------------------- */

static bool is_lease(const struct record_binding *record)
{
    return record->lease_s > 0 && record->kind >= BINDING_DHCP4;
}

static int64_t lease_end(const struct record_binding *record)
{
    uint32_t s = record->lease_s < IDENTITY_LEASE_MAX_S ? record->lease_s : IDENTITY_LEASE_MAX_S;
    return is_lease(record) ? record->header.time_ns + s * NS_PER_S : INT64_MIN;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The lease of another device that runs and that this claim cannot move. */
static bool is_contested(const struct identity *identity, const struct holding *holding,
                         const struct record_binding *record)
{
    return !is_lease(record) && record->header.time_ns < holding->lease_ns &&
           ip_compare(&holding->now.device, &record->device) != 0 &&
           !is_proxy(identity, &holding->now.device);
}

/* Another device, or the same one after a time in which nobody was known to hold the address. */
static void begin_tenure(struct identity *identity, struct holding *holding,
                         const struct record_binding *record)
{
    int64_t now_ns = record->header.time_ns;
    bool held = now_ns < holding->now.until_ns && !is_proxy(identity, &holding->now.device);
    identity->counts.moved += held;
    if (!is_proxy(identity, &holding->now.device))
        holding->before = holding->now;
    if (holding->before.until_ns > now_ns)
        holding->before.until_ns = now_ns;
    holding->now = (struct tenure){record->device, now_ns, now_ns};
    holding->lease_ns = INT64_MIN;
}

static void renew(struct identity *identity, struct holding *holding,
                  const struct record_binding *record)
{
    struct tenure *now = &holding->now;
    int64_t now_ns = record->header.time_ns, ends_ns = lease_end(record);
    unlink_holding(identity, holding);
    if (now_ns >= now->until_ns || ip_compare(&now->device, &record->device) != 0)
        begin_tenure(identity, holding, record);
    if (ends_ns != INT64_MIN) { /* a lease may be renewed for less than what was left */
        holding->lease_ns = ends_ns;
        now->until_ns = ends_ns + IDENTITY_LEASE_SLACK_NS;
    } else {
        now->until_ns = later(now->until_ns, now_ns + IDENTITY_CLAIM_LASTS_NS);
    }
    holding->leased = now_ns < holding->lease_ns;
    link_holding(identity, holding);
}

void identity_learn(struct identity *identity, const struct record_binding *record)
{
    struct holding *holding =
        map_get(&identity->addresses, &record->address, sizeof record->address);
    /* A server names each client by itself: only claims can be for others. */
    if (record->kind < BINDING_DHCP4 && claims_for_others(identity, record)) {
        identity->counts.by_proxy++;
        return;
    }
    if (!holding) {
        struct holding made = {.address = record->address,
                               .now = {record->device, record->header.time_ns, INT64_MIN},
                               .before = {record->device, INT64_MIN, INT64_MIN},
                               .lease_ns = INT64_MIN};
        made.now.until_ns = record->header.time_ns + 1;
        holding = identity_add_holding(identity, &made);
    }
    if (is_contested(identity, holding, record))
        identity->counts.contested++;
    else
        renew(identity, holding, record);
}

/* --- asking ---------------------------------------------------------------------------------- */

static const struct ip *holder(const struct identity *identity, const struct tenure *tenure,
                               struct ptime time)
{
    bool held = time.ns >= tenure->since_ns && time.ns < tenure->until_ns;
    return held && !is_proxy(identity, &tenure->device) ? &tenure->device : NULL;
}

const struct ip *identity_of(const struct identity *identity, const struct ip *address,
                             struct ptime from, struct ptime until)
{
    const struct holding *holding = map_get(&identity->addresses, address, sizeof *address);
    if (!holding)
        return NULL;
    const struct ip *device = holder(identity, &holding->now, from);
    if (!device)
        device = holder(identity, &holding->before, from);
    return device ? device : holder(identity, &holding->now, until);
}
