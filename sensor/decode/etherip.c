/* Ethernet in IP. Source: RFC 3378. Pure; no state, any thread. */
#include "decode.h"

#define VERSION_3 0x30

enum decode_result etherip_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_step(&walk->frame, 2, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] != VERSION_3)
        return DECODE_MALFORMED;
    walk_layer(walk, LAYER_ETHERIP, 0);
    walk->next = ethernet_read;
    return DECODE_OK;
}
