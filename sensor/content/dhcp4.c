/* DHCP for IPv4: what a server acknowledges, relayed or not.
 *
 * Only a DHCPACK with an address in `yiaddr` ties: an offer is no lease, and the answer to an
 * INFORM has none. The device is the hardware address in `chaddr`; where there is none (RFC 4390),
 * the client identifier, of which RFC 4361's names the same DUID that DHCPv6 does. The options may
 * go on in `file` and `sname` (RFC 2132 9.3). Sources: RFC 2131 2, 4.3; RFC 2132. No state. */
#include "binding.h"

#include "weir/base/device.h"

#define OP_REPLY          2
#define HARDWARE_ETHERNET 1
#define COOKIE            0x63825363u
#define SNAME_SIZE        64
#define FILE_SIZE         128
#define CHADDR_SIZE       16

#define OPTION_PAD       0
#define OPTION_LEASE     51
#define OPTION_OVERLOAD  52
#define OPTION_TYPE      53
#define OPTION_CLIENT_ID 61
#define OPTION_END       255
#define OVERLOAD_FILE    1u
#define OVERLOAD_SNAME   2u
#define TYPE_ACK         5
#define CLIENT_ID_DUID   255 /* RFC 4361: then an IAID of four bytes and the DUID */

struct options {
    uint8_t type, overload;
    uint32_t lease_s;
    struct cursor client_id;
    bool more, malformed;
};

static void take_option(struct options *o, uint8_t code, struct cursor value)
{
    switch (code) {
    case OPTION_TYPE:
        o->type = cursor_u8(&value);
        break;
    case OPTION_LEASE:
        o->lease_s = cursor_be32(&value);
        break;
    case OPTION_OVERLOAD:
        o->overload = cursor_u8(&value);
        break;
    case OPTION_CLIENT_ID:
        o->client_id = value;
        return;
    default:
        return;
    }
    o->malformed |= value.failed || cursor_left(&value) > 0;
}

static void take_options(struct options *o, struct cursor c)
{
    while (cursor_left(&c) > 0) {
        uint8_t code = cursor_u8(&c);
        if (code == OPTION_PAD)
            continue;
        if (code == OPTION_END)
            return;
        struct cursor value = cursor_sub(&c, cursor_u8(&c));
        if (value.failed) {
            o->more = true;
            return;
        }
        take_option(o, code, value);
    }
}

static bool find_device(const struct options *o, uint8_t hardware, uint8_t size,
                        const uint8_t *chaddr, struct ip *device)
{
    if (hardware == HARDWARE_ETHERNET && size == MAC_SIZE && mac_is_station(chaddr)) {
        *device = device_of_mac(chaddr);
        return true;
    }
    struct cursor id = o->client_id;
    size_t whole = cursor_left(&id);
    const uint8_t *bytes = id.at;
    if (whole < 2) /* RFC 2132 9.14 */
        return false;
    if (bytes[0] == CLIENT_ID_DUID && cursor_skip(&id, 5) && cursor_left(&id) >= 2)
        *device = binding_duid(id.at, cursor_left(&id));
    else if (bytes[0] == HARDWARE_ETHERNET && whole == 1 + MAC_SIZE && mac_is_station(bytes + 1))
        *device = device_of_mac(bytes + 1);
    else
        *device = device_of_id(bytes, whole);
    return true;
}

static enum parse_result tie(const struct options *o, uint8_t hardware, uint8_t hardware_size,
                             const uint8_t *yours, const uint8_t *chaddr, struct bindings *bindings)
{
    struct ip device, address = ip_from_v4(yours);
    if (o->malformed)
        return PARSE_MALFORMED;
    if (o->more)
        return PARSE_MORE;
    if (o->type == TYPE_ACK && !ip_is_group(&address) &&
        find_device(o, hardware, hardware_size, chaddr, &device))
        binding_add(bindings, &address, &device, BINDING_DHCP4, o->lease_s);
    return PARSE_OK;
}

enum parse_result dhcp4_parse(const uint8_t *data, size_t size, struct bindings *bindings)
{
    struct cursor c = cursor_make(data, size);
    struct options o = {.client_id = cursor_make(NULL, 0)};
    uint8_t op = cursor_u8(&c), hardware = cursor_u8(&c), hardware_size = cursor_u8(&c);
    cursor_skip(&c, 13); /* hops, xid, secs, flags, ciaddr */
    const uint8_t *yours = cursor_take(&c, 4);
    cursor_skip(&c, 8); /* siaddr, giaddr */
    const uint8_t *chaddr = cursor_take(&c, CHADDR_SIZE);
    struct cursor sname = cursor_sub(&c, SNAME_SIZE), file = cursor_sub(&c, FILE_SIZE);
    uint32_t cookie = cursor_be32(&c);
    if (c.failed || !yours || !chaddr)
        return PARSE_MORE;
    if (op != OP_REPLY || cookie != COOKIE)
        return PARSE_NOT;
    take_options(&o, c);
    uint8_t overload = o.overload; /* said once; the overloaded fields cannot say it again */
    if (overload & OVERLOAD_FILE)
        take_options(&o, file);
    if (overload & OVERLOAD_SNAME)
        take_options(&o, sname);
    return tie(&o, hardware, hardware_size, yours, chaddr, bindings);
}
