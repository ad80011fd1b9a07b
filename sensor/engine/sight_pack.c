/* What was seen, as bytes, for a restart that goes on as if there had been none: an open silence
 * must find its end, and what is usual need not be learned again. Structs are written as they are
 * but for their pointers (the same build reads them). Thread: the engine's. */
#include "sight.h"

#include <string.h>

static bool take_raw(struct cursor *in, void *to, size_t size)
{
    const uint8_t *bytes = cursor_take(in, size);
    if (bytes)
        memcpy(to, bytes, size);
    return bytes != NULL;
}

static bool take_sign(struct cursor *in, struct sign *sign)
{
    return take_raw(in, sign, sizeof *sign) && sign->slots <= SIGHT_SLOTS;
}

void sight_pack(const struct sight *sight, struct buffer *out)
{
    struct sight plain = *sight;
    uint32_t vlans = 0;
    plain.vlan = NULL;
    plain.hosts = NULL;
    plain.hosts_silent.why = NULL;
    buffer_put(out, &plain, sizeof plain);
    for (size_t i = 0; i < SIGHT_VLANS; i++)
        vlans += sight->vlan[i].slots > 0;
    buffer_le32(out, vlans);
    for (uint32_t i = 0; i < SIGHT_VLANS; i++) {
        if (sight->vlan[i].slots == 0)
            continue;
        buffer_le32(out, i);
        buffer_put(out, &sight->vlan[i], sizeof sight->vlan[i]);
    }
}

static bool take_vlan(struct sight *sight, struct cursor *in)
{
    uint32_t vlan = cursor_le32(in);
    return vlan < SIGHT_VLANS && take_sign(in, &sight->vlan[vlan]);
}

bool sight_unpack(struct sight *sight, struct cursor *in)
{
    struct sight plain;
    if (!take_raw(in, &plain, sizeof plain) || plain.tap.slots > SIGHT_SLOTS ||
        plain.direction[0].slots > SIGHT_SLOTS || plain.direction[1].slots > SIGHT_SLOTS)
        return false;
    plain.vlan = sight->vlan;
    plain.hosts = sight->hosts;
    *sight = plain;
    uint32_t vlans = cursor_le32(in);
    for (uint32_t i = 0; i < vlans; i++)
        if (!take_vlan(sight, in))
            return false;
    return !in->failed;
}

void sight_host_pack(const struct sight_host *host, struct buffer *out)
{
    buffer_u8(out, host->listed);
    if (!host->listed)
        return;
    buffer_le32(out, host->vlan);
    buffer_put(out, &host->sign, sizeof host->sign);
}

bool sight_host_unpack(struct sight *sight, struct sight_host *host, struct cursor *in)
{
    struct sight_host found = {.listed = cursor_u8(in) != 0};
    if (found.listed) {
        found.vlan = (uint16_t)cursor_le32(in);
        if (!take_sign(in, &found.sign))
            return false;
    }
    if (host && found.listed) {
        found.next = sight->hosts;
        *host = found;
        sight->hosts = host;
    }
    return !in->failed;
}
