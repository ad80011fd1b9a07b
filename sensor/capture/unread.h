/* What a packet was that could not be read, for people who must judge what a sensor did not see. */
#ifndef WEIR_SENSOR_CAPTURE_UNREAD_H
#define WEIR_SENSOR_CAPTURE_UNREAD_H

#include "weir/decode/packet.h"
#include "weir/record/record.h"

/* By its link type or EtherType. `carries`: IP packets may be inside (DECODE_UNKNOWN_LINK). */
void unread_count(struct health *health, const struct packet_raw *raw, bool carries);
/* By the header at which decode gave up: what it had filled in of `packet` until then. */
void unread_count_truncated(struct health *health, const struct packet *packet);
void unread_count_malformed(struct health *health, const struct packet *packet);

#endif
