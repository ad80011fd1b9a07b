/* Devices and what they hold as bytes, for a restart: each list from its old end, so that what is
 * forgotten next stays the same. Structs are written as they are (the same build reads them), but
 * for what points. Thread: the engine's. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

static void put_holdings(struct buffer *out, const struct holdings *list)
{
    for (const struct holding *holding = list->oldest; holding; holding = holding->newer) {
        struct holding copy = *holding;
        copy.newer = copy.older = NULL;
        buffer_put(out, &copy, sizeof copy);
    }
}

void identity_pack(const struct identity *identity, struct buffer *out)
{
    buffer_put(out, &identity->counts, sizeof identity->counts);
    buffer_le64(out, identity->addresses.count);
    put_holdings(out, &identity->claims);
    put_holdings(out, &identity->leases);
    buffer_le64(out, identity->devices.count);
    for (const struct claimant *one = identity->oldest; one; one = one->newer) {
        buffer_put(out, &one->device, sizeof one->device);
        buffer_le64(out, (uint64_t)one->window_ns);
        buffer_u8(out, one->proxy);
        buffer_le32(out, one->claims);
        buffer_put(out, one->claim, one->claims * sizeof *one->claim);
    }
}

static bool take_raw(struct cursor *in, void *to, size_t size)
{
    const uint8_t *bytes = cursor_take(in, size);
    if (bytes && size)
        memcpy(to, bytes, size);
    return bytes != NULL;
}

static bool take_holding(struct identity *identity, struct cursor *in)
{
    struct holding holding;
    if (!take_raw(in, &holding, sizeof holding) ||
        map_get(&identity->addresses, &holding.address, sizeof holding.address))
        return false;
    holding.newer = holding.older = NULL;
    identity_add_holding(identity, &holding);
    return true;
}

static bool take_claimant(struct identity *identity, struct cursor *in)
{
    struct ip device;
    if (!take_raw(in, &device, sizeof device) ||
        map_get(&identity->devices, &device, sizeof device))
        return false;
    struct claimant *claimant = identity_add_claimant(identity, &device);
    claimant->window_ns = (int64_t)cursor_le64(in);
    claimant->proxy = cursor_u8(in) != 0;
    uint32_t claims = cursor_le32(in);
    if (in->failed || claims > IDENTITY_PROXY_CLAIMS)
        return false;
    if (claims == 0)
        return true;
    claimant->claim = xcalloc(claims, sizeof *claimant->claim);
    claimant->claims = claimant->room = claims;
    return take_raw(in, claimant->claim, claims * sizeof *claimant->claim);
}

/* A smaller baseline.max_hosts than when it was packed forgets the oldest, counted. */
bool identity_unpack(struct identity *identity, struct cursor *in)
{
    struct identity_counts counts;
    if (!take_raw(in, &counts, sizeof counts))
        return false;
    uint64_t addresses = cursor_le64(in);
    for (uint64_t i = 0; i < addresses; i++)
        if (!take_holding(identity, in))
            return false;
    uint64_t devices = cursor_le64(in);
    for (uint64_t i = 0; i < devices; i++)
        if (!take_claimant(identity, in))
            return false;
    counts.forgotten += identity->counts.forgotten;
    identity->counts = counts;
    return !in->failed;
}
