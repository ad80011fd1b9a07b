/* ARP and IPv6 neighbour discovery: a device says of itself which address it holds.
 *
 * ARP: the sender's pair of addresses, of questions and answers alike; a probe (RFC 5227) asks with
 * the sender 0.0.0.0 and ties nothing. ND: the source of a solicitation or of a router's messages
 * with the source link-layer option, the target of an advertisement with the target link-layer
 * option. A question of an address that is only being tried (source ::) carries no option.
 *
 * Sources: RFC 826, RFC 5227, RFC 4861 4.1–4.4, 4.6.1. Thread: any; no state. */
#include "binding.h"

#include "weir/base/device.h"

#define HARDWARE_ETHERNET 1
#define PROTOCOL_IPV4     0x0800
#define ARP_REQUEST       1
#define ARP_REPLY         2

enum { /* ICMPv6 types */
       ROUTER_SOLICITATION = 133,
       ROUTER_ADVERTISEMENT = 134,
       NEIGHBOR_SOLICITATION = 135,
       NEIGHBOR_ADVERTISEMENT = 136
};

#define OPTION_SOURCE    1
#define OPTION_TARGET    2
#define OPTION_UNIT      8 /* bytes that an option's length counts */
#define TIMERS_OF_ROUTER 8 /* reachable and retransmission time */

enum parse_result arp_parse(const uint8_t *data, size_t size, const uint8_t *sender,
                            struct bindings *bindings)
{
    struct cursor c = cursor_make(data, size);
    uint16_t hardware = cursor_be16(&c), protocol = cursor_be16(&c);
    uint8_t hardware_size = cursor_u8(&c), protocol_size = cursor_u8(&c);
    uint16_t operation = cursor_be16(&c);
    if (c.failed)
        return PARSE_MORE;
    if (hardware != HARDWARE_ETHERNET || protocol != PROTOCOL_IPV4 ||
        (operation != ARP_REQUEST && operation != ARP_REPLY))
        return PARSE_NOT;
    if (hardware_size != MAC_SIZE || protocol_size != 4)
        return PARSE_MALFORMED;
    const uint8_t *mac = cursor_take(&c, MAC_SIZE), *address = cursor_take(&c, 4);
    if (!mac || !address)
        return PARSE_MORE;
    struct ip ip = ip_from_v4(address);
    if (!ip_is_group(&ip)) /* a probe is nobody's fault */
        binding_claim(bindings, &ip, mac, sender, BINDING_ARP);
    return PARSE_OK;
}

/* The first option of this kind: 0, 1 (in *mac) or −1: malformed, −2: cut. */
static int find_option(struct cursor c, uint8_t wanted, const uint8_t **mac)
{
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c), units = cursor_u8(&c);
        if (!c.failed && units == 0)
            return -1;
        struct cursor body = cursor_sub(&c, (size_t)units * OPTION_UNIT - 2);
        if (body.failed)
            return -2;
        if (kind == wanted && units == 1) { /* six bytes: an Ethernet address */
            *mac = body.at;
            return 1;
        }
    }
    return 0;
}

enum parse_result neighbour_parse(uint8_t type, const uint8_t *data, size_t size,
                                  const struct ip *source, const uint8_t *sender,
                                  struct bindings *bindings)
{
    struct cursor c = cursor_make(data, size);
    struct ip holder = *source;
    const uint8_t *mac = NULL;
    if (type == NEIGHBOR_SOLICITATION || type == NEIGHBOR_ADVERTISEMENT) {
        const uint8_t *target = cursor_take(&c, sizeof holder.byte);
        if (target && type == NEIGHBOR_ADVERTISEMENT)
            holder = ip_from_v6(target);
        if (target && target[0] == 0xff)
            return PARSE_MALFORMED;
    } else if (type == ROUTER_ADVERTISEMENT) {
        cursor_skip(&c, TIMERS_OF_ROUTER);
    } else if (type != ROUTER_SOLICITATION) {
        return PARSE_NOT;
    }
    if (c.failed)
        return PARSE_MORE;
    int found =
        find_option(c, type == NEIGHBOR_ADVERTISEMENT ? OPTION_TARGET : OPTION_SOURCE, &mac);
    if (found < 0)
        return found == -1 ? PARSE_MALFORMED : PARSE_MORE;
    if (found && !ip_is_group(&holder))
        binding_claim(bindings, &holder, mac, sender, BINDING_ND);
    return PARSE_OK;
}
