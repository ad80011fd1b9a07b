/* A destination is a service, not an address: what a host's baseline is kept against.
 * For a client inside: the registrable domain, else the AS (where networks.as_database is given),
 * else the prefix (/24, /48) of the remote. For a server inside: the outside client's prefix, never
 * its AS: who took what from another network of the same provider is not to pass for a customer.
 * The key carries which. */
#ifndef WEIR_BASELINE_DESTINATION_H
#define WEIR_BASELINE_DESTINATION_H

#include "weir/base/address.h"

#include <stdbool.h>
#include <stddef.h>

enum pair_role {
    ROLE_CLIENT, /* the inside host opened: destination.* and volume.destination */
    ROLE_SERVED, /* the outside opened: volume.served */
    ROLES
};

enum destination_kind { DESTINATION_DOMAIN, DESTINATION_AS, DESTINATION_PREFIX, DESTINATION_KINDS };

#define DESTINATION_NAME_SIZE 256

struct destination {
    enum pair_role role;
    enum destination_kind kind;
    char name[DESTINATION_NAME_SIZE]; /* "example.jp", "AS64500", "203.0.113.0/24" */
};

/* "client|domain|example.jp": the text that Redis fields, journals and ids use. */
#define DESTINATION_KEY_SIZE (DESTINATION_NAME_SIZE + 24)
char *destination_key(const struct destination *destination, char key[DESTINATION_KEY_SIZE]);
/* One of which there may be no more than its name is long (totals.h). */
void destination_copy(const struct destination *from, struct destination *to);
/* The same; returns its length. */
size_t destination_put_key(const struct destination *destination, char key[DESTINATION_KEY_SIZE]);
bool destination_parse(const char *key, size_t size, struct destination *destination);
struct destination destination_of_as(enum pair_role role, uint32_t number);
struct destination destination_of_prefix(enum pair_role role, const struct ip *remote);
/* "client|prefix|other": what stands for the destinations that found no room (totals.h). It is
 * summed and stored like any other, but nothing is learned of it. */
struct destination destination_other(enum pair_role role);
bool destination_is_other(const struct destination *destination);

#endif
