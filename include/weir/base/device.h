/* A device in the place of an address. Hosts are keyed by struct ip everywhere (profiles, the
 * store, stories, the ranking), so a device is an address that no packet can come from: of
 * 100::/64, the discard-only prefix (RFC 6666).
 *
 *   100::00aa:bbcc:ddee:ff    MAC aa:bb:cc:dd:ee:ff in the last six bytes, two zeros before it
 *   100::01xx:xxxx:xxxx:xxxx  56 bits of a hash: a DHCP unique identifier that names no MAC
 *
 * Thread-safe: no state. */
#ifndef WEIR_BASE_DEVICE_H
#define WEIR_BASE_DEVICE_H

#include "weir/base/address.h"

#define MAC_SIZE 6

struct ip device_of_mac(const uint8_t mac[MAC_SIZE]);
struct ip device_of_id(const uint8_t *id, size_t size); /* a DUID (RFC 8415 11) or client id */
bool ip_is_device(const struct ip *ip);
/* NULL: no device, or one whose MAC is not known. Borrowed from `ip`. */
const uint8_t *device_mac(const struct ip *ip);
/* One station's address: neither a group's nor all zeros. */
bool mac_is_station(const uint8_t mac[MAC_SIZE]);
/* How people read a host: an address, "aa:bb:cc:dd:ee:ff", or "duid:" and 14 letters. */
char *host_text(const struct ip *host, char text[IP_TEXT_SIZE]);

#endif
