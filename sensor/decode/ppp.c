/* PPP, PPPoE sessions, and serial links that speak like it.
 *
 * Address and control (ff 03) may be left out, and the protocol's first byte when it is zero: an
 * odd first byte is a protocol of one byte. What was compressed or encrypted by the peers is
 * unknown, not "not IP". Cisco's HDLC has 0f or 8f in place of ff, and an EtherType. Sources: RFC
 * 1661, 1662, 2516, 1547, tcpdump.org/linktypes.html. Pure; no state, any thread. */
#include "decode.h"

#define ADDRESS_ALL     0xff
#define CONTROL_UI      0x03
#define HDLC_UNICAST    0x0f
#define HDLC_BROADCAST  0x8f
#define PPPOE_HEADER    6
#define PPPOE_VERSION_1 0x11

enum decode_result ppp_read(struct walk *walk)
{
    struct frame *frame = &walk->frame;
    const uint8_t *head, *low;
    enum decode_result result = frame_peek(frame, 2, &head);
    if (result == DECODE_TRUNCATED)
        return result;
    if (result == DECODE_OK && head[0] == ADDRESS_ALL && head[1] == CONTROL_UI)
        frame_step(frame, 2, &head);
    result = frame_step(frame, 1, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] & 1)
        return next_by_ppp(walk, head[0]);
    result = frame_step(frame, 1, &low);
    if (result != DECODE_OK)
        return result;
    return next_by_ppp(walk, read_be16(head));
}

/* The address byte says the direction instead (pppd), or a byte before it does. */
enum decode_result ppp_direction_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_peek(&walk->frame, 2, &head);
    if (result != DECODE_OK)
        return result;
    frame_step(&walk->frame, head[1] == CONTROL_UI ? 2 : 1, &head);
    walk->next = ppp_read;
    return DECODE_OK;
}

enum decode_result hdlc_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_peek(&walk->frame, 4, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] != HDLC_UNICAST && head[0] != HDLC_BROADCAST)
        return ppp_read(walk);
    frame_step(&walk->frame, 4, &head);
    return next_by_type(walk, read_be16(head + 2));
}

enum decode_result pppoe_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_step(&walk->frame, PPPOE_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    uint16_t length = read_be16(head + 4);
    if (head[0] != PPPOE_VERSION_1 || length > walk->frame.left)
        return DECODE_MALFORMED;
    if (head[1] != 0)
        return DECODE_NOT_IP; /* discovery */
    frame_trim(&walk->frame, length);
    walk_layer(walk, LAYER_PPPOE, read_be16(head + 2));
    walk->next = ppp_read;
    return DECODE_OK;
}
