/* Teredo: IPv6 in UDP through IPv4 NATs. Nothing marks it but the port, so what follows the
 * optional indications must be IPv6 whose length fits; anything else on the port is what it is.
 * Source: RFC 4380. Pure; no state, any thread. */
#include "decode.h"

#define INDICATION_ORIGIN 0x0000
#define INDICATION_AUTH   0x0001
#define ORIGIN_SIZE       8
#define AUTH_FIXED        13u /* indicator, two lengths, nonce, confirmation */
#define IPV6_HEADER       40

static enum decode_result indications_step(struct frame *frame)
{
    const uint8_t *head, *body;
    enum decode_result result = frame_peek(frame, 4, &head);
    if (result == DECODE_OK && read_be16(head) == INDICATION_AUTH) {
        result = frame_step(frame, AUTH_FIXED + head[2] + head[3], &body);
        if (result == DECODE_OK)
            result = frame_peek(frame, 4, &head);
    }
    if (result == DECODE_OK && read_be16(head) == INDICATION_ORIGIN)
        result = frame_step(frame, ORIGIN_SIZE, &body);
    return result;
}

enum decode_result teredo_read(struct walk *walk)
{
    const uint8_t *ip;
    enum decode_result result = indications_step(&walk->frame);
    if (result == DECODE_OK)
        result = frame_peek(&walk->frame, IPV6_HEADER, &ip);
    if (result != DECODE_OK)
        return result;
    if (ip[0] >> 4 != 6 || read_be16(ip + 4) + (uint32_t)IPV6_HEADER > walk->frame.left)
        return DECODE_MALFORMED;
    walk_layer(walk, LAYER_TEREDO, 0);
    walk->next = ipv6_read;
    return DECODE_OK;
}
