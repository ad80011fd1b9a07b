/* VXLAN: Ethernet in UDP, by a network id. With the P flag it is GPE, which says what is inside;
 * the group policy's id (G) lies where GPE's protocol would and is not kept. A datagram to the port
 * without the flag that the id is there is something else. Sources: RFC 7348,
 * draft-ietf-nvo3-vxlan-gpe, draft-smith-vxlan-group-policy. Pure; no state, any thread. */
#include "decode.h"

#define VXLAN_HEADER 8
#define FLAG_ID      0x08
#define FLAG_NEXT    0x04
#define FLAG_OAM     0x01
#define GPE_VERSION  0x30

enum decode_result vxlan_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_step(&walk->frame, VXLAN_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    if (!(head[0] & FLAG_ID))
        return DECODE_MALFORMED;
    uint32_t network = read_be24(head + 4);
    walk_layer(walk, LAYER_VXLAN, network);
    walk_tenant(walk, LAYER_VXLAN, network);
    if (!(head[0] & FLAG_NEXT)) {
        walk->next = ethernet_read;
        return DECODE_OK;
    }
    if (head[0] & GPE_VERSION)
        return DECODE_UNKNOWN_LINK;
    return head[0] & FLAG_OAM ? DECODE_NOT_IP : next_by_nsh(walk, head[3]);
}
