/* GENEVE: options, a network id, and a payload that an EtherType names. Options are stepped over,
 * critical ones too: they are for the tunnel's end, and do not change what is inside. Source:
 * RFC 8926. Pure; no state, any thread. */
#include "decode.h"

#define GENEVE_HEADER 8
#define FLAG_CONTROL  0x80

enum decode_result geneve_read(struct walk *walk)
{
    const uint8_t *head, *options;
    enum decode_result result = frame_step(&walk->frame, GENEVE_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] >> 6 != 0)
        return DECODE_MALFORMED;
    result = frame_step(&walk->frame, (head[0] & 0x3fu) * 4, &options);
    if (result != DECODE_OK)
        return result;
    if (head[1] & FLAG_CONTROL)
        return DECODE_NOT_IP;
    uint32_t network = read_be24(head + 4);
    walk_layer(walk, LAYER_GENEVE, network);
    walk_tenant(walk, LAYER_GENEVE, network);
    return next_by_type(walk, read_be16(head + 2));
}
