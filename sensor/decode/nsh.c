/* The network service header: a path through services, and what goes along it. The path is chosen
 * for a direction, so it is no tenant. Metadata of both types is stepped over by the header's own
 * length. Source: RFC 8300. Pure; no state, any thread. */
#include "decode.h"

#define NSH_HEADER 8 /* base and service path */
#define NSH_OAM    0x20

enum decode_result nsh_read(struct walk *walk)
{
    const uint8_t *head, *context;
    enum decode_result result = frame_step(&walk->frame, NSH_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    uint32_t size = (head[1] & 0x3fu) * 4;
    if (head[0] >> 6 != 0)
        return DECODE_UNKNOWN_LINK;
    if (size < NSH_HEADER)
        return DECODE_MALFORMED;
    result = frame_step(&walk->frame, size - NSH_HEADER, &context);
    if (result != DECODE_OK)
        return result;
    if (head[0] & NSH_OAM)
        return DECODE_NOT_IP;
    walk_layer(walk, LAYER_NSH, read_be32(head + 4));
    return next_by_nsh(walk, head[3]);
}
