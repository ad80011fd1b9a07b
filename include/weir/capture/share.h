/* Whose a packet is when several workers share the work: the host pair decides, so that both
 * directions, all fragments and the data channels of one pair meet in one worker. Pure. */
#ifndef WEIR_CAPTURE_SHARE_H
#define WEIR_CAPTURE_SHARE_H

#include "weir/decode/packet.h"

/* 0 … workers − 1, by the two addresses alone, the same for both directions. */
uint32_t share_of(const struct packet *packet, uint32_t workers);

#endif
