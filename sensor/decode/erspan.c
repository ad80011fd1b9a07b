/* ERSPAN: a switch's mirror port, sent over GRE to wherever the tap is.
 *
 * Type I has no header of its own, type II eight bytes, type III twelve and perhaps eight of the
 * platform. Inside is a frame as it was seen, so its VLAN tag is packet->vlan, as if it were seen
 * here; where the mirror took the tag out (type II, "En" 1 or 2) the header has its id. A frame
 * that the mirror cut to fit says so (T): its IP length exceeds what is there, and the transport
 * around it is counted, as truncated. Sources: draft-foschiano-erspan. Pure; no state, any thread.
 */
#include "decode.h"

#define VERSION_II    1
#define VERSION_III   2
#define HEADER_II     8
#define HEADER_III    12
#define PLATFORM      8
#define FRAME_ETHER   0
#define FRAME_IP      2
#define TAG_TAKEN_OUT 2 /* and 1, the same from ISL */

enum decode_result erspan1_read(struct walk *walk)
{
    walk_layer(walk, LAYER_ERSPAN, 0);
    walk->next = ethernet_read;
    return DECODE_OK;
}

/* What types II and III have in common: session, and whether the frame was cut. */
static void head_keep(struct walk *walk, const uint8_t *head)
{
    walk_layer(walk, LAYER_ERSPAN, read_be16(head + 2) & 0x03ff);
    walk->cut_by_mirror = head[2] & 0x04;
}

enum decode_result erspan2_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_step(&walk->frame, HEADER_II, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] >> 4 != VERSION_II)
        return DECODE_MALFORMED;
    head_keep(walk, head);
    uint8_t tag = head[2] >> 3 & 3;
    if (tag == TAG_TAKEN_OUT || tag == 1)
        walk->packet->vlan = read_be16(head) & 0x0fff;
    walk->next = ethernet_read;
    return DECODE_OK;
}

enum decode_result erspan3_read(struct walk *walk)
{
    const uint8_t *head, *platform;
    enum decode_result result = frame_step(&walk->frame, HEADER_III, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] >> 4 != VERSION_III)
        return DECODE_MALFORMED;
    if (head[11] & 1)
        result = frame_step(&walk->frame, PLATFORM, &platform);
    if (result != DECODE_OK)
        return result;
    head_keep(walk, head);
    uint8_t frame_type = head[10] >> 2 & 0x1f;
    if (frame_type == FRAME_IP)
        return next_by_version(walk);
    if (frame_type != FRAME_ETHER)
        return DECODE_UNKNOWN_LINK;
    walk->next = ethernet_read;
    return DECODE_OK;
}
