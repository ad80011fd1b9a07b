/* Which device holds an address, as the wire says it: ARP, IPv6 neighbour discovery, and the leases
 * that DHCP servers acknowledge. Pure functions over bytes that are there; none allocates.
 *
 * What is believed is what the owner of an address, or the server that leased it, says of it; who
 * forwards its packets proves nothing. Sources: RFC 826, 5227 (ARP), RFC 4861, 6980 (ND), RFC 2131,
 * 2132, 4361 (DHCP), RFC 8415 (DHCPv6).
 *
 * Thread: any; no state. */
#ifndef WEIR_CONTENT_BINDING_H
#define WEIR_CONTENT_BINDING_H

#include "weir/content/names.h"
#include "weir/decode/packet.h"
#include "weir/record/record.h"

#define BINDINGS_MAX 16u /* of one message; further ones are counted */

struct binding {
    struct ip address, device; /* see base/device.h */
    uint32_t lease_s;          /* 0: none said */
    enum binding_kind kind;
};

struct bindings {
    struct binding item[BINDINGS_MAX];
    uint8_t count;
    uint32_t more;
    bool suspect; /* the frame's sender is not whom the message says: nothing is tied */
};

/* Each adds what the message ties. PARSE_OK: well-formed, even if it ties nothing (a probe, a
 * question). PARSE_MORE: cut by the snap length before its end; what was whole is added.
 *
 * `sender`: the frame's source address, NULL where there was no Ethernet header. */
enum parse_result arp_parse(const uint8_t *data, size_t size, const uint8_t *sender,
                            struct bindings *bindings);
/* An ICMPv6 message behind its first eight bytes. `source`: of the IP header. */
enum parse_result neighbour_parse(uint8_t type, const uint8_t *data, size_t size,
                                  const struct ip *source, const uint8_t *sender,
                                  struct bindings *bindings);
/* A UDP payload of port 67. */
enum parse_result dhcp4_parse(const uint8_t *data, size_t size, struct bindings *bindings);
/* A UDP payload of port 547. `client`: whom the packet was sent to; `receiver`: the frame's
 * destination address, or NULL. */
enum parse_result dhcp6_parse(const uint8_t *data, size_t size, const struct ip *client,
                              const uint8_t *receiver, struct bindings *bindings);

/* Whichever of these the packet is, or an ARP message that its tunnel carries (of decode_packet's
 * result DECODE_OK or DECODE_ARP); PARSE_NOT: none. `bindings` is set, not added to. */
enum parse_result binding_parse(enum decode_result decoded, const struct packet *packet,
                                struct bindings *bindings);

#endif
