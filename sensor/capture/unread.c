/* Names what was not read: the link type, or the EtherType behind at most UNREAD_TAGS tags; of a
 * link type that is read and has no EtherTypes, that it was something within it. It
 * looks at packets that decode gave up on, and never farther than their captured bytes, so it costs
 * the others nothing. Thread: the capture thread. */
#include "unread.h"

#include "weir/base/cursor.h"

#define UNREAD_TAGS 8

#define LINK_ETHERNET 1
#define LINK_COOKED   113 /* Linux "any" */
#define LINK_COOKED2  276

/* Where the EtherType is, or -1. */
static int type_at(int link)
{
    switch (link) {
    case LINK_ETHERNET:
        return 12;
    case LINK_COOKED:
        return 14;
    case LINK_COOKED2:
        return 0;
    default:
        return -1;
    }
}

static bool is_tag(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* False: there is none, or it was cut off. */
static bool type_of(const struct packet_raw *raw, uint16_t *type)
{
    int at = type_at(raw->link);
    struct cursor c = cursor_make(raw->data, raw->captured);
    if (at < 0)
        return false;
    cursor_skip(&c, (size_t)at);
    *type = cursor_be16(&c);
    if (raw->link == LINK_COOKED2)
        cursor_skip(&c, 18);
    for (int tags = 0; is_tag(*type) && tags < UNREAD_TAGS && !c.failed; tags++) {
        cursor_skip(&c, 2);
        *type = cursor_be16(&c);
    }
    return !c.failed;
}

void unread_count(struct health *health, const struct packet_raw *raw, bool carries)
{
    uint16_t type;
    uint16_t link = raw->link >= 0 && raw->link <= UINT16_MAX ? (uint16_t)raw->link : UINT16_MAX;
    if (type_of(raw, &type))
        /* Below 1536 it is an 802.3 length, and every length would be a kind of its own. */
        health_count(health, carries ? HEALTH_UNREAD : HEALTH_SKIPPED, type < 0x600 ? 0 : type, 1);
    else if (decode_reads_link(raw->link))
        health_count(health, carries ? HEALTH_UNREAD_WITHIN : HEALTH_SKIPPED_WITHIN, link, 1);
    else
        health_count(health, HEALTH_LINK, link, 1);
}

void unread_count_truncated(struct health *health, const struct packet *packet)
{
    if (packet->proto != 0)
        health->truncated_transport++;
    else if (packet->ip_version == 4)
        health->truncated_ipv4++;
    else if (packet->ip_version == 6)
        health->truncated_ipv6++;
    else
        health->truncated_link++;
}

static uint64_t *transport_counter(struct health *health, uint8_t proto)
{
    switch (proto) {
    case PROTO_TCP:
        return &health->malformed_tcp;
    case PROTO_UDP:
        return &health->malformed_udp;
    case PROTO_SCTP:
        return &health->malformed_sctp;
    default:
        return &health->malformed_icmp;
    }
}

void unread_count_malformed(struct health *health, const struct packet *packet)
{
    if (packet->bad_transport)
        ++*transport_counter(health, packet->proto);
    else if (packet->ip_version == 4)
        health->malformed_ipv4++;
    else if (packet->ip_version == 6)
        health->malformed_ipv6++;
    else
        health->malformed_link++;
}
