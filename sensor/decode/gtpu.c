/* GTP-U: a phone's packets between base station and core. Only a G-PDU (type 255) carries one; the
 * others are the tunnel's own messages. The TEID is chosen by the receiver, so each direction has
 * its own. Sources: 3GPP TS 29.281. Pure; no state, any thread. */
#include "decode.h"

#define GTP_HEADER     8
#define GTP_VERSION_1  0x30 /* version 1, and GTP, not GTP' */
#define FLAG_EXTENSION 0x04
#define FLAGS_OPTIONAL 0x07 /* extension, sequence, N-PDU: any of them brings all three fields */
#define TYPE_GPDU      255
#define EXTENSIONS_MAX 16

static enum decode_result extensions_step(struct frame *frame, uint8_t next)
{
    const uint8_t *size, *rest;
    for (int extensions = 0; next != 0; extensions++) {
        if (extensions == EXTENSIONS_MAX)
            return DECODE_MALFORMED;
        enum decode_result result = frame_step(frame, 1, &size);
        if (result != DECODE_OK)
            return result;
        if (size[0] == 0)
            return DECODE_MALFORMED;
        uint32_t left = size[0] * 4u - 1;
        result = frame_step(frame, left, &rest);
        if (result != DECODE_OK)
            return result;
        next = rest[left - 1];
    }
    return DECODE_OK;
}

enum decode_result gtpu_read(struct walk *walk)
{
    struct frame *frame = &walk->frame;
    const uint8_t *head, *optional;
    enum decode_result result = frame_step(frame, GTP_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    uint16_t length = read_be16(head + 2);
    if ((head[0] & 0xf0) != GTP_VERSION_1 || length > frame->left)
        return DECODE_MALFORMED;
    if (head[1] != TYPE_GPDU)
        return DECODE_NOT_IP;
    frame_trim(frame, length);
    if (head[0] & FLAGS_OPTIONAL) {
        result = frame_step(frame, 4, &optional);
        if (result == DECODE_OK && head[0] & FLAG_EXTENSION)
            result = extensions_step(frame, optional[3]);
        if (result != DECODE_OK)
            return result;
    }
    uint32_t teid = read_be32(head + 4);
    walk_layer(walk, LAYER_GTPU, teid);
    walk_tenant(walk, LAYER_GTPU, teid);
    walk->packet->tenant_one_way = true;
    return next_by_version(walk);
}
