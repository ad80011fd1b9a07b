/* Bytes → facts. A frame is read inwards to its innermost IP packet: that one is the flow's, what
 * carried it is in `tunnel`. Whatever cannot be read inside a tunnel is left to the packet around
 * it, so no byte is nobody's. Everything a packet points to lives in the caller's frame or, where
 * fragments were put together, in the decoder, until the next call. Sources: RFC 791, 8200, 9293,
 * 768, 792, 4443; IEEE 802.1Q; tcpdump.org link types; of each tunnel in its own file. Thread: a
 * decoder belongs to one thread. */
#ifndef WEIR_DECODE_PACKET_H
#define WEIR_DECODE_PACKET_H

#include "weir/base/address.h"
#include "weir/base/time.h"
#include "weir/record/tunnel.h"

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

/* packet.reassembly. Each is told once, with the frame or the datagram that it is about. */
#define REASSEMBLY_FRAGMENT 0x01 /* the frame was, or had inside, a fragment */
#define REASSEMBLY_WHOLE    0x02 /* this is a datagram put together */
#define REASSEMBLY_GIVEN_UP 0x04 /* this is what was seen of one that never was whole */
#define REASSEMBLY_EVICTED  0x08 /* … for want of room; or a fragment that found none */
#define REASSEMBLY_CONFLICT 0x10 /* fragments contradict each other */
#define REASSEMBLY_CLOSED   0x20 /* … so that no host takes the datagram: not for inspection */

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
    DECODE_NOT_IP,       /* skipped: LLDP, … */
    DECODE_ARP,          /* not IP either: see packet.arp */
    DECODE_UNKNOWN_LINK, /* unknown: link type or encapsulation not read */
    DECODE_TRUNCATED,    /* cut inside a header */
    DECODE_MALFORMED,    /* lengths or versions that contradict each other, or nested too deep */
    DECODE_HELD,         /* a fragment: its bytes are told with its datagram's, later */
    DECODE_COPY,         /* a fragment that a mirror shows twice: not to be counted again */
    DECODE_RESULTS
};
extern const char *const decode_result_name[DECODE_RESULTS];

struct packet {
    struct ptime time;
    uint32_t wire_bytes, captured; /* the frame; a claim over 1 MiB is not believed */
    uint32_t frames;               /* it came in: more than one when fragments were put together;
                                      then wire_bytes and ip_bytes are of all of them */
    int64_t spread_ns;             /* from the first of these frames to `time`, the last; >= 0 */
    /* Outermost 802.1Q id before any tunnel, 0: none. A mirror's transport (ERSPAN) is not the
     * frame's: the tag is that of the frame inside. */
    uint16_t vlan;
    /* What keeps equal addresses apart inside of that: a hash of inner tags, VNI, I-SID, TEID, GRE
     * key, call and session ids; 0: nothing does. Not what names a path, a direction or a mirror
     * (MPLS label, NSH path, PPPoE or ERSPAN session, SPI): see sensor/decode/walk.c. */
    uint64_t tenant;
    bool tenant_one_way; /* … in which an id belongs to one direction (TEID, call id, session) */
    uint8_t vantage;     /* where it was seen: set by who captured it, 0 from decode */
    /* Fragmented datagrams by number, from 1 in the decoder's life; 0: none. Which one this frame
     * waits with (DECODE_HELD; DECODE_COPY: while that waits), and those that were put together, or
     * given up, on the way to this packet, the outer one first: whoever keeps frames knows by them
     * which ones this packet came in. Of more than two, the last two. */
    uint32_t held_in, made_of[2];
    struct ip src, dst;
    uint8_t ip_version, proto, ttl;
    uint8_t reassembly; /* REASSEMBLY_… */
    bool fragment;      /* a fragment by itself, or what was seen of a datagram given up */
    /* Not the first fragment, or a transport header that cannot be or was not seen: no ports,
     * payload is IP payload. */
    bool later_fragment;
    bool bad_transport; /* the latter: to be counted as malformed, but the bytes left */
    /* IP header and all that follows, by the IP length fields. A zero length is the frame's rest
     * where offload makes such: TCP, or a frame too large for the field. */
    uint32_t ip_bytes;
    uint16_t src_port, dst_port; /* ICMP: type and code */
    uint16_t icmp_id;
    uint32_t ip_id;    /* identification: IPv4 always, IPv6 of a fragment; else 0 */
    uint16_t checksum; /* TCP, UDP, ICMP: as sent */
    uint32_t seq, ack; /* TCP */
    uint8_t tcp_flags;
    uint16_t window;
    const uint8_t *payload;    /* transport payload; what was captured of it */
    uint32_t payload_captured; /* bytes at `payload` */
    uint32_t payload_bytes;    /* by IP length */
    /* The innermost Ethernet header there is: destination, source; NULL: none. In a tunnel that
     * carries IP without Ethernet it is the outer packet's. */
    const uint8_t *macs;
    /* An ARP message, with the innermost Ethernet header in front of it (as `macs`): the frame's
     * own (DECODE_ARP) or what the tunnel of this packet carried (DECODE_OK); NULL: none. */
    const uint8_t *arp, *arp_macs;
    uint32_t arp_captured; /* bytes at `arp`, to the frame's end */
    /* A tunnel's inside that could not be read: then this is the packet around it, with all that it
     * carries as payload. DECODE_NOT_IP: it was read, and was not IP (ARP, a control message). */
    enum decode_result tunnel_unread;
    struct tunnel tunnel; /* orig: the sender's side. Only `count` is set when that is 0 */
};

#define DECODER_PORTS 32

struct decoder_config { /* UDP ports that carry tunnels */
    struct decoder_port {
        uint16_t port;
        /* LAYER_VXLAN, LAYER_GENEVE, LAYER_GTPU, LAYER_TEREDO, LAYER_L2TP or LAYER_MPLS */
        uint8_t layer;
    } port[DECODER_PORTS];
    size_t port_count;
};
struct decoder_config decoder_config_default(void); /* the usual ports */

struct decoder;
struct decoder *decoder_new(const struct decoder_config *config);
void decoder_free(struct decoder *decoder);

/* Where the frames come from that follow: fragments of different vantages never meet. */
void decoder_set_vantage(struct decoder *decoder, uint8_t vantage);
/* Before each frame, and before time is seen to pass: one datagram that waits no longer for its
 * fragments at `now` (PTIME_MAX: the input has ended), and when that was so, in *due. Ask until
 * there is none. A fragment that comes when nobody asked may find no room: it is told alone. */
bool decoder_due(struct decoder *decoder, struct ptime now, struct ptime *due,
                 struct packet *packet);
/* Whether there is a way into frames of this link type (DLT). */
bool decode_reads_link(int link);
/* What keys its flow, of a plain frame: Ethernet, at most one tag, IP without options or extension
 * headers, TCP or UDP. False: it is none. A guess, for who fetches memory: nothing is checked. Only
 * the members of the key are set. */
bool decode_glance(const struct packet_raw *raw, struct packet *packet);
/* Of DECODE_HELD and DECODE_COPY the packet has the addresses. */
enum decode_result decode_packet(struct decoder *decoder, const struct packet_raw *raw,
                                 struct packet *packet);

#endif
