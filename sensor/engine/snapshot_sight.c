/* What sight knows, as bytes: a restart forgets no silence, and no usual subject. Hosts are kept in
 * the order of their list, which is the order in which they are looked at. Thread: the engine's. */
#include "snapshot.h"

void snapshot_put_sight(const struct engine *engine, struct buffer *out)
{
    struct sight copy = engine->sight;
    uint32_t vlans = 0, hosts = 0;
    copy.vlan = NULL;
    copy.hosts = NULL;
    copy.hosts_silent.why = NULL;
    buffer_put(out, &copy, sizeof copy);
    for (size_t i = 0; i < SIGHT_VLANS; i++)
        vlans += engine->sight.vlan[i].slots > 0;
    buffer_le32(out, vlans);
    for (size_t i = 0; i < SIGHT_VLANS; i++)
        if (engine->sight.vlan[i].slots > 0) {
            buffer_le16(out, (uint16_t)i);
            buffer_put(out, &engine->sight.vlan[i], sizeof(struct sign));
        }
    for (const struct sight_host *at = engine->sight.hosts; at; at = at->next)
        hosts++;
    buffer_le32(out, hosts);
    for (const struct sight_host *at = engine->sight.hosts; at; at = at->next) {
        const struct host *host =
            (const void *)((const uint8_t *)at - offsetof(struct host, sight));
        buffer_put(out, &host->ip, sizeof host->ip);
        buffer_put(out, at, sizeof *at);
    }
}

static bool take_watched(struct engine *engine, struct cursor *in, struct sight_host ***last)
{
    struct ip ip;
    struct sight_host saved;
    if (!snapshot_take_raw(in, &ip, sizeof ip) || !snapshot_take_raw(in, &saved, sizeof saved))
        return false;
    struct host *host = hosts_get(engine, &ip);
    if (!host || host->sight.listed)
        return !host; /* max_hosts is smaller now */
    host->sight = saved;
    host->sight.next = NULL;
    **last = &host->sight;
    *last = &host->sight.next;
    return true;
}

bool snapshot_take_sight(struct engine *engine, struct cursor *in)
{
    struct sign *vlan = engine->sight.vlan;
    struct sight_host **last = &engine->sight.hosts;
    if (!snapshot_take_raw(in, &engine->sight, sizeof engine->sight)) {
        engine->sight.vlan = vlan;
        return false;
    }
    engine->sight.vlan = vlan;
    engine->sight.hosts = NULL;
    uint32_t vlans = cursor_le32(in);
    for (uint32_t i = 0; i < vlans; i++) {
        uint16_t id = cursor_le16(in);
        if (id >= SIGHT_VLANS || !snapshot_take_raw(in, &vlan[id], sizeof vlan[id]))
            return false;
    }
    uint32_t hosts = cursor_le32(in);
    for (uint32_t i = 0; i < hosts; i++)
        if (!take_watched(engine, in, &last))
            return false;
    return !in->failed;
}
