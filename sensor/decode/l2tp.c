/* L2TP version 2 over UDP: PPP by a tunnel and a session id, which the receiver chose. Control
 * messages are not IP. Version 3 is unknown: whether a cookie and a sublayer stand before its
 * payload was agreed on its control channel, and a wrong guess would invent addresses. Source: RFC
 * 2661, 3931. Pure; no state, any thread. */
#include "decode.h"

#define FLAG_CONTROL  0x8000
#define FLAG_LENGTH   0x4000
#define FLAG_SEQUENCE 0x0800
#define FLAG_OFFSET   0x0200
#define VERSION       0x000f

/* The length counts from the first byte of the header, of which `read` are behind us. */
static enum decode_result length_trim(struct frame *frame, uint32_t read)
{
    const uint8_t *field;
    enum decode_result result = frame_step(frame, 2, &field);
    if (result != DECODE_OK)
        return result;
    uint16_t length = read_be16(field);
    if (length < read + 2 || length - (read + 2) > frame->left)
        return DECODE_MALFORMED;
    frame_trim(frame, length - (read + 2));
    return DECODE_OK;
}

static enum decode_result offset_step(struct frame *frame)
{
    const uint8_t *field;
    enum decode_result result = frame_step(frame, 2, &field);
    return result == DECODE_OK ? frame_step(frame, read_be16(field), &field) : result;
}

enum decode_result l2tp_read(struct walk *walk)
{
    struct frame *frame = &walk->frame;
    const uint8_t *head, *ids, *numbers;
    enum decode_result result = frame_step(frame, 2, &head);
    if (result != DECODE_OK)
        return result;
    uint16_t flags = read_be16(head);
    if ((flags & VERSION) != 2)
        return (flags & VERSION) == 3 ? DECODE_UNKNOWN_LINK : DECODE_MALFORMED;
    if (flags & FLAG_CONTROL)
        return DECODE_NOT_IP;
    if (flags & FLAG_LENGTH)
        result = length_trim(frame, 2);
    if (result == DECODE_OK)
        result = frame_step(frame, 4, &ids);
    if (result == DECODE_OK && flags & FLAG_SEQUENCE)
        result = frame_step(frame, 4, &numbers);
    if (result == DECODE_OK && flags & FLAG_OFFSET)
        result = offset_step(frame);
    if (result != DECODE_OK)
        return result;
    walk_layer(walk, LAYER_L2TP, read_be32(ids));
    walk_tenant(walk, LAYER_L2TP, read_be32(ids));
    walk->packet->tenant_one_way = true;
    walk->next = ppp_read;
    return DECODE_OK;
}
