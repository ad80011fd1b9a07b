/* Bytes → facts. decode_packet is pure: no state, no allocation, no copy; everything it points to
 * lives in the caller's packet. It reads outer headers only (tunnels are flows of their own
 * protocol here). Sources: RFC 791, 8200, 9293, 768, 792, 4443; IEEE 802.1Q; tcpdump.org link
 * types. */
#ifndef WEIR_DECODE_PACKET_H
#define WEIR_DECODE_PACKET_H

#include "weir/base/address.h"
#include "weir/base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

#define PROTO_ICMP  1
#define PROTO_TCP   6
#define PROTO_UDP   17
#define PROTO_ICMP6 58
#define PROTO_SCTP  132

/* As the capture source hands it over. */
struct packet_raw {
    const uint8_t *data;
    uint32_t captured;   /* bytes at `data` */
    uint32_t wire_bytes; /* as it was on the wire, ≥ captured for honest sources; never trusted */
    int link;            /* DLT / LINKTYPE number */
    struct ptime time;
};

enum decode_result {
    DECODE_OK,
    DECODE_NOT_IP,       /* skipped: ARP, LLDP, … */
    DECODE_UNKNOWN_LINK, /* unknown: link type not read */
    DECODE_TRUNCATED,    /* cut inside a header */
    DECODE_MALFORMED,    /* IP lengths or versions that contradict each other */
    DECODE_RESULTS
};
extern const char *const decode_result_name[DECODE_RESULTS];

struct packet {
    struct ptime time;
    uint32_t wire_bytes, captured; /* the frame; a claim over 1 MiB is not believed */
    uint16_t vlan;                 /* outermost 802.1Q id, 0: none */
    uint8_t vantage;               /* where it was seen: set by who captured it, 0 from decode */
    struct ip src, dst;
    uint8_t ip_version, proto, ttl;
    bool fragment; /* any fragment */
    /* Not the first fragment, or a transport header that cannot be: no ports, payload is IP
     * payload. */
    bool later_fragment;
    bool bad_transport; /* the latter: to be counted as malformed, but the bytes left */
    /* IP header and all that follows, by the IP length fields. A zero length is the frame's rest
     * where offload makes such: TCP, or a frame too large for the field. */
    uint32_t ip_bytes;
    uint16_t src_port, dst_port; /* ICMP: type and code */
    uint16_t icmp_id;
    uint32_t seq, ack; /* TCP */
    uint8_t tcp_flags;
    uint16_t window;
    const uint8_t *payload;    /* transport payload; what was captured of it */
    uint32_t payload_captured; /* bytes at `payload` */
    uint32_t payload_bytes;    /* by IP length */
};

enum decode_result decode_packet(const struct packet_raw *raw, struct packet *packet);

#endif
