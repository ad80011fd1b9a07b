/* The authentication header over IPv4 (over IPv6 it is one of the chain in ip.c). It signs and does
 * not hide: addresses are the packet's own, and what follows is named like in an IP header. Source:
 * RFC 4302. Pure; no state, any thread. */
#include "decode.h"

#define AH_HEADER 12

enum decode_result ah_read(struct walk *walk)
{
    const uint8_t *head, *rest;
    enum decode_result result = frame_step(&walk->frame, AH_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    uint32_t size = (head[1] + 2u) * 4;
    if (size < AH_HEADER || size > HEADERS_MAX)
        return DECODE_MALFORMED;
    result = frame_step(&walk->frame, size - AH_HEADER, &rest);
    if (result != DECODE_OK)
        return result;
    walk_layer(walk, LAYER_AH, read_be32(head + 4));
    walk->packet->proto = head[0];
    walk->next = transport_read;
    return DECODE_OK;
}
