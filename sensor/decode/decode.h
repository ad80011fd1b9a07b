/* What the layers of a frame hand to each other; private to the decode room.
 *
 * A layer is one function and one row in layers.c. It reads its own header from the front of the
 * frame, notes in the packet what is to be kept of it, and names its successor in walk->next (by
 * one of the next_by_ functions, which look into the tables). walk.c calls one after the other. */
#ifndef WEIR_SENSOR_DECODE_DECODE_H
#define WEIR_SENSOR_DECODE_DECODE_H

#include "weir/base/cursor.h"
#include "weir/decode/packet.h"

#define WALK_HEADERS 16 /* nested in one frame; real ones have up to ten */
/* Bytes between an IP header and what it carries that may be nobody's payload: extension headers, a
 * tunnel's headers and options, padding. A dozen to 60 as a rule, segment lists have up to 120. */
#define HEADERS_MAX 128u

/* The rest of a frame, inwards from the next header. Two lengths, because they fail differently: a
 * header that runs past `left` cannot be (malformed), one that runs past the cursor was cut off by
 * the snap length (truncated). Invariant: cursor_left(&cursor) <= left. */
struct frame {
    struct cursor cursor; /* captured bytes from the next header on */
    uint32_t left;        /* bytes the layer has on the wire from the next header on */
};

/* Steps over `size` bytes and shows them in *bytes; leaves the frame alone when it fails. */
static inline enum decode_result frame_step(struct frame *frame, uint32_t size,
                                            const uint8_t **bytes)
{
    if (size > frame->left)
        return DECODE_MALFORMED;
    if (size > cursor_left(&frame->cursor))
        return DECODE_TRUNCATED;
    *bytes = cursor_take(&frame->cursor, size);
    frame->left -= size;
    return DECODE_OK;
}

/* What follows `size` more bytes is not this layer's: padding, trailers. size <= frame->left. */
static inline void frame_trim(struct frame *frame, uint32_t size)
{
    frame->left = size;
    if (cursor_left(&frame->cursor) > size)
        frame->cursor.end = frame->cursor.at + size;
}

/* Shows the next `size` bytes without stepping over them. */
static inline enum decode_result frame_peek(const struct frame *frame, uint32_t size,
                                            const uint8_t **bytes)
{
    struct frame copy = *frame;
    return frame_step(&copy, size, bytes);
}

static inline uint16_t read_be16(const uint8_t *b)
{
    return (uint16_t)((b[0] << 8) | b[1]);
}

static inline uint32_t read_be24(const uint8_t *b)
{
    return ((uint32_t)b[0] << 16) | ((uint32_t)b[1] << 8) | b[2];
}

static inline uint32_t read_be32(const uint8_t *b)
{
    return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3];
}

struct fragments;
struct walk;
typedef enum decode_result layer_reader(struct walk *walk);

struct decoder {
    struct decoder_config config;
    bool port_low[256]; /* is there a tunnel's port with this low byte? */
    uint8_t vantage;
    struct fragments *fragments; /* that wait for each other */
};

/* One frame's way inwards. */
struct walk {
    struct frame frame;
    struct packet *packet;
    struct decoder *decoder;
    layer_reader *next; /* NULL: nothing is inside */
    uint8_t headers;    /* read so far */
    bool own_tag;       /* no tunnel yet (but a mirror's): the next VLAN tag is packet->vlan */
    bool cut_by_mirror; /* the mirror says that it shortened what is inside */
    bool described;     /* packet->tunnel was cleared, so all of it is set */
    bool addressed;     /* the addresses of `outer` are in packet->tunnel */
    uint8_t hops;       /* packet->tunnel.hop[] in use */
    bool enclosed;      /* `outer` is set: an IP packet that is whole, whatever it carries */
    struct packet outer;
};

/* walk.c */
enum decode_result walk_read(struct walk *walk);
/* The packet that stands is what is known of it now; its inside begins. */
void walk_enter(struct walk *walk);
/* Adds a layer to packet->tunnel, with the addresses of the packet it is carried by. */
void walk_layer(struct walk *walk, enum layer layer, uint32_t id);
/* `id` of `layer` keeps address plans apart. */
void walk_tenant(struct walk *walk, enum layer layer, uint32_t id);
/* A VLAN tag: the frame's own, or a layer. */
void walk_tag(struct walk *walk, uint16_t id);

/* layers.c: who reads it. DECODE_NOT_IP or DECODE_UNKNOWN_LINK when nobody does. */
enum decode_result next_by_link(struct walk *walk, int link);
enum decode_result next_by_type(struct walk *walk, uint16_t type); /* EtherType */
enum decode_result next_by_ppp(struct walk *walk, uint16_t protocol);
enum decode_result next_by_nsh(struct walk *walk, uint8_t protocol); /* NSH and VXLAN-GPE */
enum decode_result next_by_version(struct walk *walk);               /* first four bits: 4 or 6 */
layer_reader *layer_of_proto(uint8_t proto);                         /* NULL: no tunnel */
layer_reader *layer_of_ports(const struct decoder *decoder, const struct packet *packet);

/* ip.c: fills addresses, lengths, proto, fragment. */
layer_reader ipv4_read, ipv6_read;
layer_reader ip_resume; /* what of a datagram given up is behind its fragments' headers */
layer_reader ip_in_ip4_read, ip_in_ip6_read;
/* transport.c: what an IP packet carries: ports and TCP's fields, payload; or a tunnel. */
layer_reader transport_read;
/* link.c */
layer_reader ethernet_read, cooked_read, cooked2_read, loopback_read, hdlc_read, pflog_read,
    enc_read, nflog_read, llc_read, ieee80211_read, arp_read;
layer_reader vlan_read, etag_read, vntag_read, pbb_read; /* tag.c */
layer_reader mpls_read, pppoe_read, ppp_read, ppp_direction_read, nsh_read;
layer_reader ah_read, gre_read, erspan1_read, erspan2_read, erspan3_read;
layer_reader vxlan_read, geneve_read, gtpu_read, teredo_read, l2tp_read, etherip_read;

#endif
