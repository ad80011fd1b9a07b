/* Who sent how much to a destination that the whole fleet met within the last FLEET_SHARED_DAYS: a
 * drop that several hosts fill one after the other is new to each of them, and each may send
 * little.
 *
 * Of each such destination FLEET_SHARED_HOSTS hosts are kept (in the order in which they are told
 * of; when there are more it is no longer rare, so nothing is lost by it), as bins of what they
 * sent in their first week. It changes with fleet_apply only, so that no host is judged by who was
 * closed before it. Bounds: 28 bytes for each of FLEET_DESTINATIONS; let go some weeks later.
 * Thread: the engine's. */
#include "fleet_local.h"
#include "varint.h"

#include <stdlib.h>

#define KEPT_WEEKS 6 /* who joined a wave in its three weeks is young for three more */
#define AGE_MAX    (INT64_C(1) << 40)

void fleet_note_sent(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, uint64_t bytes, int64_t day)
{
    char key[DESTINATION_KEY_SIZE];
    if (bytes < FLEET_SHARED_BYTES || destination->role != ROLE_CLIENT)
        return;
    size_t size = destination_put_key(destination, key);
    const struct used_by *used = map_get(&fleet->destinations, key, size);
    if (used && (day - used->first_day >= FLEET_SHARED_DAYS ||
                 (used->sent && used->sent->count == FLEET_SHARED_HOSTS &&
                  hostset_count(&used->hosts) > FLEET_SHARED_HOSTS)))
        return;
    struct new_use *use = fleet_add_use(&fleet->sent, key, size, fleet_hash(host), day);
    use->bin = (uint8_t)histogram_bin(bytes);
}

void fleet_apply_sent(struct fleet *fleet, const struct new_use *use)
{
    struct used_by *used = map_get(&fleet->destinations, use->key, use->key_size);
    if (!used || use->day - used->first_day >= FLEET_SHARED_DAYS)
        return;
    if (!used->sent)
        used->sent = xcalloc(1, sizeof *used->sent);
    struct sent *sent = used->sent;
    unsigned at = 0;
    while (at < sent->count && sent->hash[at] < use->hash)
        at++;
    if (at == sent->count || sent->hash[at] != use->hash) {
        if (sent->count == FLEET_SHARED_HOSTS)
            return;
        memmove(&sent->hash[at + 1], &sent->hash[at], (sent->count - at) * sizeof *sent->hash);
        memmove(&sent->bin[at + 1], &sent->bin[at], sent->count - at);
        sent->hash[at] = use->hash;
        sent->bin[at] = 0;
        sent->count++;
    }
    if (sent->bin[at] < use->bin)
        sent->bin[at] = use->bin;
}

/* --- forgetting ------------------------------------------------------------------------------- */

void sent_forget_old(struct used_by *used, int64_t week)
{
    if (!used->sent || week - histogram_week(used->first_day) <= KEPT_WEEKS)
        return;
    free(used->sent);
    used->sent = NULL;
}

void sent_forget_host(struct used_by *used, uint32_t hash)
{
    struct sent *sent = used->sent;
    for (unsigned i = 0; sent && i < sent->count; i++) {
        if (sent->hash[i] != hash)
            continue;
        sent->count--;
        memmove(&sent->hash[i], &sent->hash[i + 1], (sent->count - i) * sizeof *sent->hash);
        memmove(&sent->bin[i], &sent->bin[i + 1], sent->count - i);
        break;
    }
    if (sent && sent->count == 0) {
        free(sent);
        used->sent = NULL;
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

/* With the host that asks. */
static bool is_rare(const struct fleet *fleet, const struct used_by *used, uint32_t hash)
{
    uint32_t users =
        hostset_count(&used->hosts) + !hostset_has(&used->hosts, destination_shape, hash);
    double most = FLEET_SHARED_SHARE * (double)fleet_hosts(fleet);
    return users <= 2 || (users <= FLEET_SHARED_HOSTS && (double)users <= most);
}

static void put_larger_first(struct shared *shared, uint64_t bytes)
{
    uint32_t at = shared->others++;
    for (; at > 0 && shared->bytes[at - 1] < bytes; at--)
        shared->bytes[at] = shared->bytes[at - 1];
    shared->bytes[at] = bytes;
}

struct shared fleet_shared(const struct fleet *fleet, const struct ip *host,
                           const struct destination *destination, int64_t day)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    const struct used_by *used = map_get(&fleet->destinations, key, size);
    struct shared shared = {.others = 0};
    uint32_t hash = fleet_hash(host);
    if (!used || !used->sent || day - used->first_day >= FLEET_SHARED_DAYS ||
        !is_rare(fleet, used, hash))
        return shared;
    shared.since = used->first_day;
    for (unsigned i = 0; i < used->sent->count; i++)
        if (used->sent->hash[i] != hash)
            put_larger_first(&shared, histogram_floor(used->sent->bin[i]));
    return shared;
}

/* --- stored ----------------------------------------------------------------------------------- */

void sent_pack(const struct used_by *used, struct buffer *out)
{
    const struct sent *sent = used->sent;
    put_unsigned(out, (uint64_t)(used->last_day - used->first_day));
    buffer_u8(out, sent ? sent->count : 0);
    for (unsigned i = 0; sent && i < sent->count; i++) {
        buffer_le32(out, sent->hash[i]);
        buffer_u8(out, sent->bin[i]);
    }
}

bool sent_unpack(struct used_by *used, struct cursor *in)
{
    used->first_day = used->last_day - (int64_t)take_at_most(in, AGE_MAX);
    uint8_t count = cursor_u8(in);
    if (in->failed || count > FLEET_SHARED_HOSTS)
        return false;
    if (count > 0)
        used->sent = xcalloc(1, sizeof *used->sent);
    for (unsigned i = 0; i < count; i++) {
        used->sent->hash[i] = cursor_le32(in);
        used->sent->bin[i] = cursor_u8(in);
        if (in->failed || used->sent->bin[i] >= HISTOGRAM_BINS ||
            (i > 0 && used->sent->hash[i] <= used->sent->hash[i - 1]))
            return false;
        used->sent->count++;
    }
    return true;
}
