/* What the recognisers of bindings share; private to the content room. */
#ifndef WEIR_SENSOR_CONTENT_BINDING_H
#define WEIR_SENSOR_CONTENT_BINDING_H

#include "weir/base/cursor.h"
#include "weir/content/binding.h"

void binding_add(struct bindings *bindings, const struct ip *address, const struct ip *device,
                 enum binding_kind kind, uint32_t lease_s);
/* ARP and ND: `mac` says of itself that it holds `address`; `sender` sent it. */
void binding_claim(struct bindings *bindings, const struct ip *address, const uint8_t *mac,
                   const uint8_t *sender, enum binding_kind kind);
/* The device that a DHCP unique identifier names (RFC 8415 11). */
struct ip binding_duid(const uint8_t *duid, size_t size);

#endif
