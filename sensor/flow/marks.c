/* A packet in a few words. The digest covers what a switch or a router hands on as it is:
 * addresses, protocol, IP length, identification, the transport header's fields with its
 * checksum, and the payload. Not TTL, DSCP, Ethernet addresses, VLAN, tenant or what is
 * around: they are rewritten on the way. A router that rewrites more (NAT, new sequence numbers)
 * shows two packets.
 *
 * Of the payload all that was captured is taken: a packet that differs in its last byte alone
 * leaves a second time. Of TCP too: of bytes sent again in a segment's place who receives it raw
 * has both, so they must be told as sent again, not left out as a mirror's.
 *
 * Keyed, because the hashes are not cryptographic: who knows the key can make a packet look like
 * another and so go uncounted. No answer depends on the key but for collisions (2^-64; of two
 * tunnels' addresses 2^-32): places in tables are not keyed, and neither is `hop`, which is too
 * short for that; who makes two hops look like one has a packet counted, not left out. Who aims at
 * one place has copies counted again, which is said.
 * Pure; any thread. */
#include "marks.h"

#include <string.h>
#include <sys/random.h>

void marks_key_init(struct marks_key *key)
{
    /* Without a random seed it still works; only forging a copy is cheaper. */
    if (getrandom(key->seed, sizeof key->seed, GRND_NONBLOCK) != sizeof key->seed)
        memset(key->seed, 0, sizeof key->seed);
    for (size_t i = 0; i < sizeof key->seed / sizeof *key->seed; i++)
        key->seed[i] ^= UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
    hash_key_init(&key->secret, key->seed, sizeof key->seed);
}

uint64_t marks_endpoint(const struct marks_key *key, const struct ip *ip, uint16_t port)
{
    uint64_t word[2];
    memcpy(word, ip, sizeof word);
    return marks_mix(word[0] ^ key->seed[0] ^ ((uint64_t)port << 24), word[1] ^ key->seed[1]);
}

static uint64_t payload_hash(const struct marks_key *key, const struct packet *packet)
{
    uint32_t size = packet->payload_captured;
    return size > 0 ? hash64_keyed(&key->secret, packet->payload, size) : 0;
}

static uint64_t pair(uint32_t high, uint32_t low)
{
    return ((uint64_t)high << 32) | low;
}

static uint64_t headers_hash(const struct marks_key *key, const struct packet *packet,
                             uint64_t from, uint64_t to)
{
    uint64_t kind = ((uint64_t)packet->icmp_id << 32) | ((uint64_t)packet->checksum << 16) |
                    ((uint64_t)packet->proto << 8) | packet->vantage;
    uint64_t state = pair(packet->ip_id, ((uint32_t)packet->window << 16) | packet->tcp_flags);
    uint64_t h = marks_mix(from ^ key->seed[2], (to << 1) + key->seed[3]);
    h = marks_mix(h ^ kind, state ^ key->seed[4]);
    return marks_mix(h ^ pair(packet->ip_bytes, packet->payload_bytes),
                     pair(packet->seq, packet->ack) ^ key->seed[5]);
}

uint64_t marks_digest(const struct marks_key *key, const struct packet *packet, uint64_t headers)
{
    uint64_t digest = marks_mix(headers ^ payload_hash(key, packet), key->seed[2] ^ key->seed[4]);
    return digest != 0 ? digest : 1;
}

static uint16_t hop_hash(const struct packet *packet)
{
    uint64_t word[2] = {0, 0};
    if (packet->macs)
        memcpy(word, packet->macs, 12);
    word[1] ^= (uint64_t)packet->ttl << 32;
    uint64_t h = word[0] * UINT64_C(0x9e3779b97f4a7c15) + word[1] * UINT64_C(0xc2b2ae3d27d4eb4f);
    return (uint16_t)(h >> 48);
}

static uint32_t outer_hash(const struct marks_key *key, const struct tunnel *tunnel)
{
    static const struct ip none;
    if (tunnel->count == 0 || ip_compare(&tunnel->orig_ip, &none) == 0)
        return 0;
    uint64_t both =
        marks_endpoint(key, &tunnel->orig_ip, 0) ^ (marks_endpoint(key, &tunnel->resp_ip, 0) << 1);
    return (uint32_t)(both >> 32) | 1;
}

static uint64_t endpoint_place(const struct ip *ip, uint16_t port)
{
    uint64_t word[2];
    memcpy(word, ip, sizeof word);
    return word[0] * UINT64_C(0x9e3779b97f4a7c15) + word[1] * UINT64_C(0xc2b2ae3d27d4eb4f) +
           port * UINT64_C(0x165667b19e3779f9);
}

static void set_places(struct marks *marks, const struct packet *packet)
{
    const uint64_t odd = UINT64_C(0xd6e8feb86659fd93);
    uint64_t from = endpoint_place(&packet->src, packet->src_port);
    uint64_t to = endpoint_place(&packet->dst, packet->dst_port);
    uint64_t which = pair(packet->seq, packet->ack) ^ pair(packet->ip_id, packet->checksum);
    marks->conversation_place = (uint32_t)(marks_mix(from + to + packet->proto, odd) >> 16);
    marks->place = (uint32_t)(marks_mix(which + from, to ^ odd) >> 16);
}

struct marks marks_of(const struct marks_key *key, const struct packet *packet)
{
    uint64_t from = marks_endpoint(key, &packet->src, packet->src_port);
    uint64_t to = marks_endpoint(key, &packet->dst, packet->dst_port);
    struct marks marks = {
        .headers = headers_hash(key, packet, from, to),
        .conversation = marks_mix((from + to) ^ key->seed[3], packet->proto ^ key->seed[5]),
        .hop = hop_hash(packet),
        .outer = outer_hash(key, &packet->tunnel),
        .side = from < to,
    };
    set_places(&marks, packet);
    return marks;
}
