/* IP fragments that wait for the rest of their datagrams. Private to the decode room: decoder_due
 * and decode_packet are its face. Sources: RFC 791, 815, 1122 3.3.2, 5722, 6946, 8200 4.5. */
#ifndef WEIR_SENSOR_DECODE_FRAGMENTS_H
#define WEIR_SENSOR_DECODE_FRAGMENTS_H

#include "decode.h"

#define FRAGMENTS_WAIT_NS   (30 * NS_PER_S)
#define FRAGMENTS_DATAGRAMS 4096u /* that wait at once */
#define FRAGMENTS_OF_PAIR   64u   /* … of one address pair */
#define FRAGMENTS_CHUNKS    8192u /* of memory: 16 MiB */

/* What the IP header says of a fragment. */
struct fragment {
    uint32_t id;
    uint32_t offset; /* bytes */
    bool more;
};

enum fragment_result {
    FRAGMENT_HELD,      /* waits; its frame is told with the datagram's */
    FRAGMENT_WHOLE,     /* was the last one missing: go on with *frame and *packet */
    FRAGMENT_COPY,      /* of a fragment seen just now: a mirror's */
    FRAGMENT_ALONE,     /* not taken: there is no room, or it contradicts the others */
    FRAGMENT_IMPOSSIBLE /* not taken: no host sends such */
};

struct fragments;
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/* The fragment whose bytes are walk->frame, with everything up to its IP header in walk->packet.
 * WHOLE: both are the datagram's, good until the next call, and the walk goes on inside. */
enum fragment_result fragments_put(struct fragments *fragments, const struct fragment *fragment,
                                   struct walk *walk);
/* Is there a datagram to give up: due at `now`, or in the place of the next frame's? */
bool fragments_due(struct fragments *fragments, struct ptime now);
/* Gives it up. walk->frame is what was seen from its front on without a gap, *rest how many bytes
 * were seen behind that; walk->packet->later_fragment: the front was not seen. */
void fragments_give_up(struct fragments *fragments, struct ptime *due, struct walk *walk,
                       uint32_t *rest);

#endif
