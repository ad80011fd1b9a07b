/* IP addresses and prefix sets. IPv4 is kept as ::ffff:a.b.c.d, so that one type serves both. */
#ifndef WEIR_BASE_ADDRESS_H
#define WEIR_BASE_ADDRESS_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ip {
    uint8_t byte[16]; /* network order */
};

#define IP_TEXT_SIZE     46
#define PREFIX_TEXT_SIZE 50

static inline struct ip ip_from_v4(const uint8_t bytes[4])
{
    struct ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
    memcpy(ip.byte + 12, bytes, 4);
    return ip;
}

static inline struct ip ip_from_v6(const uint8_t bytes[16])
{
    struct ip ip;
    memcpy(ip.byte, bytes, 16);
    return ip;
}

static inline bool ip_is_v4(const struct ip *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(ip->byte, mapped, 12) == 0;
}

static inline int ip_compare(const struct ip *a, const struct ip *b)
{
    return memcmp(a->byte, b->byte, 16);
}

/* True for 255.255.255.255, 0.0.0.0 and ::; never egress. */
bool ip_is_broadcast(const struct ip *ip);
/* 224.0.0.0/4, ff00::/8 (RFC 5771, RFC 4291 2.7); never egress either. */
bool ip_is_multicast(const struct ip *ip);
/* Either: no one host's address. */
bool ip_is_group(const struct ip *ip);
/* 127.0.0.0/8, ::1. */
bool ip_is_loopback(const struct ip *ip);
char *ip_text(const struct ip *ip, char text[IP_TEXT_SIZE]);
int ip_parse(const char *text, struct ip *ip); /* 0 or -1 */

/* A prefix: address with the host bits zero, length in bits of the 128-bit form (IPv4 /24 is 120).
 */
struct prefix {
    struct ip ip;
    uint8_t bits;
};

struct prefix prefix_of(const struct ip *ip, unsigned v4_bits, unsigned v6_bits);
char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE]); /* "10.0.0.0/8" */
int prefix_parse(const char *text, struct prefix *prefix, struct error *error);
bool prefix_has(const struct prefix *prefix, const struct ip *ip);

/* A small sorted set of prefixes; membership is by longest-first scan of distinct lengths. */
struct prefix_set {
    struct prefix *item;
    size_t count, room;
};

void prefix_set_init(struct prefix_set *set);
void prefix_set_fini(struct prefix_set *set);
void prefix_set_add(struct prefix_set *set, struct prefix prefix);
bool prefix_set_has(const struct prefix_set *set, const struct ip *ip);
/* networks.inside as it is when nobody said: private, unique-local, link-local, carrier-grade NAT.
 */
void prefix_set_default_inside(struct prefix_set *set);

#endif
