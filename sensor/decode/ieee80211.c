/* Wireless data frames, as access points hand them to their controller (in GRE) or a capture holds
 * them. Only data frames carry packets; encrypted ones and several packets in one (A-MSDU) are
 * unknown. Source: IEEE 802.11. Pure; no state, any thread. */
#include "decode.h"

#define HEADER         24
#define TYPE_DATA      0x08 /* in the first byte, under TYPE_MASK */
#define TYPE_MASK      0x0f /* with the version */
#define SUBTYPE_QOS    0x80
#define SUBTYPE_NULL   0x40
#define FLAG_TO_DS     0x01
#define FLAG_FROM_DS   0x02
#define FLAG_PROTECTED 0x40
#define FLAG_ORDER     0x80
#define QOS_AMSDU      0x80

enum decode_result ieee80211_read(struct walk *walk)
{
    const uint8_t *head, *more;
    enum decode_result result = frame_step(&walk->frame, HEADER, &head);
    if (result != DECODE_OK)
        return result;
    if ((head[0] & TYPE_MASK) != TYPE_DATA || head[0] & SUBTYPE_NULL)
        return DECODE_NOT_IP;
    if (head[1] & FLAG_PROTECTED)
        return DECODE_UNKNOWN_LINK;
    if ((head[1] & (FLAG_TO_DS | FLAG_FROM_DS)) == (FLAG_TO_DS | FLAG_FROM_DS))
        result = frame_step(&walk->frame, 6, &more); /* a fourth address */
    if (result == DECODE_OK && head[0] & SUBTYPE_QOS) {
        result = frame_step(&walk->frame, head[1] & FLAG_ORDER ? 6 : 2, &more);
        if (result == DECODE_OK && more[0] & QOS_AMSDU)
            return DECODE_UNKNOWN_LINK;
    }
    walk->next = llc_read;
    return result;
}
