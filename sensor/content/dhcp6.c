/* DHCPv6: the addresses of a server's Reply, relayed or not.
 *
 * Whose they are is said by several things, and the one that neighbour discovery will show too is
 * taken first, so that the families meet in one device: the hardware address that the Reply was
 * sent to, or the one within the client's link-local address (modified EUI-64, RFC 4291), else what
 * the client's DUID names. A DUID may name another interface of the same machine (RFC 6939 1).
 *
 * Relays nest (Relay-reply in Relay-reply), at most eight deep (HOP_COUNT_LIMIT). An address of
 * lifetime 0, or in an identity association that failed, is no lease. What clients and relays send
 * towards the server are wishes and tie nothing. Source: RFC 8415 7.3, 8, 9, 21. No state. */
#include "binding.h"

#include "weir/base/device.h"

#define MESSAGE_REPLY       7
#define MESSAGE_RELAY_REPLY 13
#define RELAYS_MAX          8

enum {
    OPTION_CLIENT_ID = 1,
    OPTION_IA_NA = 3,
    OPTION_IA_TA = 4,
    OPTION_ADDRESS = 5,
    OPTION_RELAY_MESSAGE = 9,
    OPTION_STATUS = 13
};
#define HEAD_IA_NA 12 /* IAID, T1, T2 */
#define HEAD_IA_TA 4

struct option {
    uint16_t code;
    struct cursor value;
};

/* False at the end, or, with c->failed, where it is cut. */
static bool next_option(struct cursor *c, struct option *option)
{
    if (cursor_left(c) == 0)
        return false;
    option->code = cursor_be16(c);
    option->value = cursor_sub(c, cursor_be16(c));
    return !c->failed;
}

static bool find_option(struct cursor c, uint16_t code, struct option *option)
{
    while (next_option(&c, option))
        if (option->code == code)
            return true;
    return false;
}

/* fe80::/64 with ff:fe in the middle of the rest. */
static bool link_local_device(const struct ip *client, const uint8_t *receiver, struct ip *device)
{
    const uint8_t *b = client->byte;
    if (b[0] != 0xfe || (b[1] & 0xc0) != 0x80)
        return false;
    uint8_t mac[MAC_SIZE] = {b[8] ^ 2u, b[9], b[10], b[13], b[14], b[15]};
    if (receiver)
        memcpy(mac, receiver, MAC_SIZE);
    else if (b[11] != 0xff || b[12] != 0xfe)
        return false;
    if (!mac_is_station(mac))
        return false;
    *device = device_of_mac(mac);
    return true;
}

static bool has_failed(struct cursor options)
{
    struct option status;
    return find_option(options, OPTION_STATUS, &status) && cursor_be16(&status.value) != 0;
}

/* The addresses of one identity association, behind its head. */
static enum parse_result take_association(struct cursor c, const struct ip *device,
                                          struct bindings *bindings)
{
    struct option option;
    if (has_failed(c))
        return PARSE_OK;
    while (next_option(&c, &option)) {
        if (option.code != OPTION_ADDRESS)
            continue;
        const uint8_t *bytes = cursor_take(&option.value, 16);
        cursor_skip(&option.value, 4); /* preferred lifetime */
        uint32_t valid_s = cursor_be32(&option.value);
        if (!bytes || option.value.failed)
            return PARSE_MALFORMED;
        struct ip address = ip_from_v6(bytes);
        if (valid_s > 0 && !has_failed(option.value))
            binding_add(bindings, &address, device, BINDING_DHCP6, valid_s);
    }
    return c.failed ? PARSE_MALFORMED : PARSE_OK;
}

static enum parse_result take_reply(struct cursor c, const struct ip *client,
                                    const uint8_t *receiver, struct bindings *bindings)
{
    struct option option;
    struct ip device;
    cursor_skip(&c, 3); /* transaction id */
    if (!link_local_device(client, receiver, &device)) {
        if (!find_option(c, OPTION_CLIENT_ID, &option) || cursor_left(&option.value) < 3)
            return PARSE_NOT;
        device = binding_duid(option.value.at, cursor_left(&option.value));
    }
    enum parse_result result = PARSE_OK;
    while (result == PARSE_OK && next_option(&c, &option)) {
        size_t head = option.code == OPTION_IA_NA   ? HEAD_IA_NA
                      : option.code == OPTION_IA_TA ? HEAD_IA_TA
                                                    : 0;
        if (head == 0)
            continue;
        if (!cursor_skip(&option.value, head))
            return PARSE_MALFORMED;
        result = take_association(option.value, &device, bindings);
    }
    return c.failed && result == PARSE_OK ? PARSE_MORE : result;
}

enum parse_result dhcp6_parse(const uint8_t *data, size_t size, const struct ip *client,
                              const uint8_t *receiver, struct bindings *bindings)
{
    struct cursor c = cursor_make(data, size);
    struct ip peer = *client;
    for (int relays = 0; relays <= RELAYS_MAX; relays++) {
        struct option inner;
        uint8_t type = cursor_u8(&c);
        if (c.failed)
            return PARSE_MORE;
        if (type == MESSAGE_REPLY)
            return take_reply(c, &peer, receiver, bindings);
        if (type != MESSAGE_RELAY_REPLY)
            return PARSE_NOT;
        cursor_skip(&c, 1 + 16); /* hops, link-address */
        const uint8_t *address = cursor_take(&c, 16);
        if (!address)
            return PARSE_MORE;
        peer = ip_from_v6(address);
        receiver = NULL; /* the frame went to a relay */
        if (!find_option(c, OPTION_RELAY_MESSAGE, &inner))
            return PARSE_MORE;
        c = inner.value;
    }
    return PARSE_MALFORMED;
}
