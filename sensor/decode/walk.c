/* The way through a frame, layer by layer inwards, and what is kept of each.
 *
 * Every IP packet that is whole stands as the result before its inside is tried (walk_enter): when
 * anything further in cannot be read (another protocol, cut, contradicting itself, nested too deep)
 * the walk ends with that packet, and packet->tunnel_unread says why. So bytes are always
 * somebody's and a forged inside cannot hide the packet that carried it. Ends: every reader steps
 * over at least one byte or reads one IP packet's inside, and there are at most WALK_HEADERS of
 * them.
 *
 * The tenant is a hash over the ids that keep address plans apart: two networks may both use
 * 10.0.0.0/8 when a VLAN, a VNI, an I-SID, a TEID, a GRE key, a call or session id divides them.
 * Left out, though they are listed as layers: MPLS labels and NSH paths (they name the way, chosen
 * by each router and for one direction), the PPPoE session (of one access line, whose addresses are
 * the provider's), the ERSPAN session (the mirror's name for itself) and the SPI (a direction's
 * keys). With these in the key, the two directions of one conversation would never meet.
 *
 * A mirror's transport is the tap's, not the host's: mirrored and seen directly, traffic must have
 * the same key. So whatever was around ERSPAN is forgotten for the key. Pure; any thread. */
#include "decode.h"

#include "weir/base/digest.h"

static struct tunnel *tunnel_of(struct walk *walk)
{
    if (!walk->described)
        walk->packet->tunnel = (struct tunnel){.count = 0};
    walk->described = true;
    return &walk->packet->tunnel;
}

void walk_layer(struct walk *walk, enum layer layer, uint32_t id)
{
    struct tunnel *tunnel = tunnel_of(walk);
    if (walk->enclosed && !walk->addressed && layer != LAYER_AH) {
        tunnel->orig_ip = walk->outer.src;
        tunnel->resp_ip = walk->outer.dst;
        if (walk->outer.proto == PROTO_UDP) {
            tunnel->orig_port = walk->outer.src_port;
            tunnel->resp_port = walk->outer.dst_port;
        }
        walk->addressed = true;
    }
    if (tunnel->count < TUNNEL_LAYERS) {
        tunnel->layer[tunnel->count] = (uint8_t)layer;
        tunnel->id[tunnel->count] = id;
    }
    tunnel->count++;
    walk->own_tag = layer == LAYER_ERSPAN;
    if (layer == LAYER_ERSPAN) {
        walk->packet->vlan = 0;
        walk->packet->tenant = 0;
        walk->packet->tenant_one_way = false;
    }
}

void walk_tenant(struct walk *walk, enum layer layer, uint32_t id)
{
    const uint32_t what[2] = {layer, id};
    uint64_t tenant = hash64(what, sizeof what, walk->packet->tenant);
    walk->packet->tenant = tenant ? tenant : 1;
}

void walk_tag(struct walk *walk, uint16_t id)
{
    if (id == 0) /* a priority, no VLAN */
        return;
    if (walk->own_tag && walk->packet->vlan == 0) {
        walk->packet->vlan = id;
        return;
    }
    walk_layer(walk, LAYER_VLAN, id);
    walk_tenant(walk, LAYER_VLAN, id);
}

void walk_enter(struct walk *walk)
{
    walk->outer = *walk->packet;
    walk->enclosed = true;
}

enum decode_result walk_read(struct walk *walk)
{
    enum decode_result result = DECODE_OK;
    while (result == DECODE_OK && walk->next) {
        layer_reader *read = walk->next;
        walk->next = NULL;
        result = walk->headers++ < WALK_HEADERS ? read(walk) : DECODE_MALFORMED;
    }
    if (result == DECODE_OK || result == DECODE_HELD || result == DECODE_COPY || !walk->enclosed)
        return result;
    if (result == DECODE_MALFORMED && walk->cut_by_mirror)
        result = DECODE_TRUNCATED;
    *walk->packet = walk->outer;
    walk->packet->tunnel_unread = result;
    return DECODE_OK;
}
