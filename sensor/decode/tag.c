/* Tags between an Ethernet header and its EtherType: VLANs, and what switches say to each other.
 *
 * Each tag ends with the type of what follows, so they stack in any order. E-tag and VN-tag name a
 * port of the bridge that is extended, nothing between hosts: stepped over, no layer. Backbone
 * bridges (802.1ah) put a whole customer frame behind a service id, which is a tenant's. Sources:
 * IEEE 802.1Q (802.1ad, 802.1ah), 802.1BR; Cisco VN-Tag. Pure; no state, any thread. */
#include "decode.h"

enum decode_result vlan_read(struct walk *walk)
{
    const uint8_t *tag;
    enum decode_result result = frame_step(&walk->frame, 4, &tag);
    if (result != DECODE_OK)
        return result;
    walk_tag(walk, read_be16(tag) & 0x0fff);
    return next_by_type(walk, read_be16(tag + 2));
}

static enum decode_result step_to_type(struct walk *walk, uint32_t size)
{
    const uint8_t *tag;
    enum decode_result result = frame_step(&walk->frame, size, &tag);
    if (result != DECODE_OK)
        return result;
    return next_by_type(walk, read_be16(tag + size - 2));
}

enum decode_result etag_read(struct walk *walk)
{
    return step_to_type(walk, 8);
}

enum decode_result vntag_read(struct walk *walk)
{
    return step_to_type(walk, 6);
}

enum decode_result pbb_read(struct walk *walk)
{
    const uint8_t *tag;
    enum decode_result result = frame_step(&walk->frame, 4, &tag);
    if (result != DECODE_OK)
        return result;
    uint32_t service = read_be24(tag + 1);
    walk_layer(walk, LAYER_PBB, service);
    walk_tenant(walk, LAYER_PBB, service);
    walk->next = ethernet_read;
    return DECODE_OK;
}
