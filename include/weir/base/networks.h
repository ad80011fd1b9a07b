/* Whose network an address is in: the autonomous system that announces it, by a database that the
 * operator provides (MaxMind DB format, specification 2.0; through libmaxminddb, where it was built
 * with). Makers name things differently; read are
 *   number   `autonomous_system_number` (GeoLite2-ASN and its likes), else `asn` ("AS64500", or a
 *            number)
 *   name     `autonomous_system_organization`, else `as_name`
 *   country  `country_code`, else `iso_code` of `country`, else `country`: two letters
 * Few have all of them. Nothing is looked up anywhere else. Read-only once open, so any thread may
 * ask. */
#ifndef WEIR_BASE_NETWORKS_H
#define WEIR_BASE_NETWORKS_H

#include "weir/base/address.h"
#include "weir/base/error.h"

struct networks;
/* NULL and an error: no such file, no such database, one that names no autonomous systems, or a
 * program that was built without the library. */
struct networks *networks_open(const char *path, struct error *error);
void networks_close(struct networks *networks); /* may be NULL */
/* 0: the database does not know (NULL: there is none). */
uint32_t networks_as(const struct networks *networks, const struct ip *address);

#define NETWORKS_NAME_MAX 127u /* bytes of a name; a longer one is cut */
struct network_facts {
    uint32_t as_number;                  /* 0: not known */
    char as_name[NETWORKS_NAME_MAX + 1]; /* "": not known */
    char country[3];                     /* ISO 3166-1, "JP"; "": not known */
};
void networks_look(const struct networks *networks, const struct ip *address,
                   struct network_facts *facts);

#endif
