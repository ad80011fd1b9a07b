/* What a packet is known by when it comes again; private to the flow room. */
#ifndef WEIR_SENSOR_FLOW_MARKS_H
#define WEIR_SENSOR_FLOW_MARKS_H

#include "weir/base/digest.h"
#include "weir/decode/packet.h"

struct marks_key { /* drawn at start, so that nobody can make two packets that look like one */
    uint64_t seed[6];
    struct hash_key secret;
};

struct marks {
    uint64_t headers;      /* of what of them no switch and no router changes */
    uint64_t conversation; /* of both endpoints, the same in both directions */
    /* Of the same, without the key: where in a table it is kept. So what has to make room does not
     * depend on the key, and all workers that see the same packets forget the same. */
    uint32_t place, conversation_place;
    uint32_t outer; /* of the outermost addresses of a tunnel; 0: none */
    uint16_t hop;   /* of what a hop changes: TTL, Ethernet addresses; without the key too */
    uint8_t side;   /* which of the two endpoints sent it: 0 or 1 */
};

void marks_key_init(struct marks_key *key);
/* All but the digest, so that there is time to fetch what is kept at `place`: the payload is not
 * touched. */
struct marks marks_of(const struct marks_key *key, const struct packet *packet);
/* … with the payload; never 0. */
uint64_t marks_digest(const struct marks_key *key, const struct packet *packet, uint64_t headers);

/* Of an address and a port. */
uint64_t marks_endpoint(const struct marks_key *key, const struct ip *ip, uint16_t port);

__extension__ typedef unsigned __int128 marks_product;

static inline uint64_t marks_mix(uint64_t a, uint64_t b)
{
    marks_product product = (marks_product)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
