/* GRE, both versions: optional fields by flags, then a payload that an EtherType names.
 *
 * The key of version 0 is a tenant. NVGRE puts a network id of 24 bits and a hash of the flow into
 * it and looks like any GRE that carries Ethernet; its ids begin at 0x1000 (RFC 7637), so of a key
 * that large the low byte is left out of the tenant, else each flow would be its own. Version 1 is
 * PPTP's: the key is the length and the receiver's call id, which differs by direction. Cisco's
 * keepalive is a GRE header of type 0 with nothing inside: not IP. WCCP's redirect header is there
 * if the next byte is not an IPv4 header's. Sources: RFC 2784, 2890, 1701, 2637, 7637;
 * draft-ietf-wrec-wccp. Pure; no state, any thread. */
#include "decode.h"

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY      0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK      0x0080
#define GRE_VERSION  0x0007
#define ROUTES_MAX   16

#define TYPE_NONE     0x0000
#define TYPE_OSI      0x00fe
#define TYPE_CDP      0x2000
#define TYPE_NHRP     0x2001
#define TYPE_ERSPAN2  0x88be
#define TYPE_ERSPAN3  0x22eb
#define TYPE_WCCP     0x883e
#define TYPE_ETHERNET 0x6558
#define TYPE_PPP      0x880b
#define ARUBA_FIRST   0x8200 /* up to 83f0: an access point's radio and network */
#define ARUBA_MASK    0xfe0f
#define NVGRE_FIRST   0x1000

/* Source routes: family, offset, length, hops; ended by one that is all zero. */
static enum decode_result routes_step(struct frame *frame)
{
    const uint8_t *head, *hops;
    for (int routes = 0; routes < ROUTES_MAX; routes++) {
        enum decode_result result = frame_step(frame, 4, &head);
        if (result != DECODE_OK)
            return result;
        if (read_be16(head) == 0 && head[3] == 0)
            return DECODE_OK;
        result = frame_step(frame, head[3], &hops);
        if (result != DECODE_OK)
            return result;
    }
    return DECODE_MALFORMED;
}

static void key_keep(struct walk *walk, uint16_t type, bool keyed, uint32_t key)
{
    walk_layer(walk, LAYER_GRE, key);
    if (keyed && type == TYPE_ETHERNET && key >> 8 >= NVGRE_FIRST)
        walk_tenant(walk, LAYER_GRE, key >> 8);
    else if (keyed)
        walk_tenant(walk, LAYER_GRE, key);
}

static enum decode_result wccp_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_peek(&walk->frame, 4, &head);
    if (result != DECODE_OK)
        return result;
    if (head[0] >> 4 != 4)
        frame_step(&walk->frame, 4, &head);
    walk->next = ipv4_read;
    return DECODE_OK;
}

static enum decode_result carried_read(struct walk *walk, uint16_t type, bool sequence)
{
    switch (type) {
    case TYPE_ERSPAN2:
        walk->next = sequence ? erspan2_read : erspan1_read;
        return DECODE_OK;
    case TYPE_ERSPAN3:
        walk->next = erspan3_read;
        return DECODE_OK;
    case TYPE_WCCP:
        return wccp_read(walk);
    case TYPE_NONE:
    case TYPE_OSI:
    case TYPE_CDP:
    case TYPE_NHRP:
        return DECODE_NOT_IP; /* what routers tell each other */
    default:
        break;
    }
    if ((type & ARUBA_MASK) == ARUBA_FIRST) {
        walk->next = ieee80211_read;
        return DECODE_OK;
    }
    /* Vendors choose numbers of their own for what carries packets. */
    return next_by_type(walk, type) == DECODE_OK ? DECODE_OK : DECODE_UNKNOWN_LINK;
}

static enum decode_result gre0_read(struct walk *walk, uint16_t flags, uint16_t type)
{
    struct frame *frame = &walk->frame;
    const uint8_t *field;
    uint32_t key = 0;
    enum decode_result result = DECODE_OK;
    if (flags & (GRE_CHECKSUM | GRE_ROUTING))
        result = frame_step(frame, 4, &field);
    if (result == DECODE_OK && flags & GRE_KEY) {
        result = frame_step(frame, 4, &field);
        key = result == DECODE_OK ? read_be32(field) : 0;
    }
    if (result == DECODE_OK && flags & GRE_SEQUENCE)
        result = frame_step(frame, 4, &field);
    if (result == DECODE_OK && flags & GRE_ROUTING)
        result = routes_step(frame);
    if (result != DECODE_OK)
        return result;
    if (type != TYPE_ERSPAN2 && type != TYPE_ERSPAN3)
        key_keep(walk, type, flags & GRE_KEY, key);
    return carried_read(walk, type, flags & GRE_SEQUENCE);
}

static enum decode_result gre1_read(struct walk *walk, uint16_t flags, uint16_t type)
{
    struct frame *frame = &walk->frame;
    const uint8_t *key, *field;
    if (!(flags & GRE_KEY) || type != TYPE_PPP)
        return DECODE_MALFORMED;
    enum decode_result result = frame_step(frame, 4, &key);
    if (result == DECODE_OK && flags & GRE_SEQUENCE)
        result = frame_step(frame, 4, &field);
    if (result == DECODE_OK && flags & GRE_ACK)
        result = frame_step(frame, 4, &field);
    if (result != DECODE_OK)
        return result;
    uint16_t length = read_be16(key), call = read_be16(key + 2);
    if (length > frame->left)
        return DECODE_MALFORMED;
    if (length == 0)
        return DECODE_NOT_IP; /* an acknowledgement */
    frame_trim(frame, length);
    walk_layer(walk, LAYER_GRE, call);
    walk_tenant(walk, LAYER_GRE, call);
    walk->packet->tenant_one_way = true;
    walk->next = ppp_read;
    return DECODE_OK;
}

enum decode_result gre_read(struct walk *walk)
{
    const uint8_t *head;
    enum decode_result result = frame_step(&walk->frame, 4, &head);
    if (result != DECODE_OK)
        return result;
    uint16_t flags = read_be16(head), type = read_be16(head + 2);
    switch (flags & GRE_VERSION) {
    case 0:
        return gre0_read(walk, flags, type);
    case 1:
        return gre1_read(walk, flags, type);
    default:
        return DECODE_UNKNOWN_LINK;
    }
}
