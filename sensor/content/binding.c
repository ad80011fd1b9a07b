/* Bindings: which recogniser, and what they share.
 *
 * A claim counts only when the frame came from the very device that it speaks of: who answers for
 * another (a proxy), or pretends to be another, has to show his own address in the frame or to
 * forge that too. Thread: any; no state. */
#include "binding.h"

#include "weir/base/device.h"

#define DHCP4_SERVER 67
#define DHCP4_CLIENT 68
#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547
#define HOPS_ON_LINK 255 /* RFC 4861 7.1: no router passed this on */

#define ROUTER_SOLICITATION    133
#define NEIGHBOR_ADVERTISEMENT 136

#define DUID_LLT      1
#define DUID_LL       3
#define ETHERNET_TYPE 1 /* of hardware, by IANA */

void binding_add(struct bindings *bindings, const struct ip *address, const struct ip *device,
                 enum binding_kind kind, uint32_t lease_s)
{
    if (ip_is_group(address) || ip_is_device(address))
        return;
    if (bindings->count == BINDINGS_MAX) {
        bindings->more++;
        return;
    }
    bindings->item[bindings->count++] =
        (struct binding){.address = *address, .device = *device, .lease_s = lease_s, .kind = kind};
}

void binding_claim(struct bindings *bindings, const struct ip *address, const uint8_t *mac,
                   const uint8_t *sender, enum binding_kind kind)
{
    if (!mac_is_station(mac) || (sender && memcmp(mac, sender, MAC_SIZE) != 0)) {
        bindings->suspect = true;
        return;
    }
    struct ip device = device_of_mac(mac);
    binding_add(bindings, address, &device, kind, 0);
}

struct ip binding_duid(const uint8_t *duid, size_t size)
{
    struct cursor c = cursor_make(duid, size);
    uint16_t type = cursor_be16(&c), hardware = cursor_be16(&c);
    if (type == DUID_LLT)
        cursor_skip(&c, 4); /* when it was made */
    const uint8_t *mac = cursor_take(&c, MAC_SIZE);
    if ((type == DUID_LLT || type == DUID_LL) && hardware == ETHERNET_TYPE && mac &&
        cursor_left(&c) == 0 && mac_is_station(mac))
        return device_of_mac(mac);
    return device_of_id(duid, size);
}

static enum parse_result udp_parse(const struct packet *packet, struct bindings *bindings)
{
    if (packet->src_port == DHCP4_SERVER &&
        (packet->dst_port == DHCP4_SERVER || packet->dst_port == DHCP4_CLIENT))
        return dhcp4_parse(packet->payload, packet->payload_captured, bindings);
    if (packet->src_port == DHCP6_SERVER &&
        (packet->dst_port == DHCP6_SERVER || packet->dst_port == DHCP6_CLIENT))
        return dhcp6_parse(packet->payload, packet->payload_captured, &packet->dst, packet->macs,
                           bindings);
    return PARSE_NOT;
}

enum parse_result binding_parse(enum decode_result decoded, const struct packet *packet,
                                struct bindings *bindings)
{
    const uint8_t *sender = packet->macs ? packet->macs + MAC_SIZE : NULL;
    const uint8_t *arp_sender = packet->arp_macs ? packet->arp_macs + MAC_SIZE : NULL;
    *bindings = (struct bindings){.count = 0};
    if (packet->arp && (decoded == DECODE_ARP || decoded == DECODE_OK))
        return arp_parse(packet->arp, packet->arp_captured, arp_sender, bindings);
    if (decoded != DECODE_OK || packet->fragment) /* RFC 6980: ND in fragments is not taken */
        return PARSE_NOT;
    if (packet->proto == PROTO_UDP && packet->frames == 1)
        return udp_parse(packet, bindings);
    if (packet->proto != PROTO_ICMP6 || packet->ip_version != 6 || packet->ttl != HOPS_ON_LINK ||
        packet->src_port < ROUTER_SOLICITATION || packet->src_port > NEIGHBOR_ADVERTISEMENT ||
        packet->dst_port != 0)
        return PARSE_NOT;
    return neighbour_parse((uint8_t)packet->src_port, packet->payload, packet->payload_captured,
                           &packet->src, sender, bindings);
}
