/* Prefixes, looked up by one probe for each length there is (at most 129). For rules*.c, intel*.c.
 */
#ifndef WEIR_DETECT_LOCAL_NET_TABLE_H
#define WEIR_DETECT_LOCAL_NET_TABLE_H

#include "weir/base/address.h"
#include "weir/base/map.h"

struct net_table {
    struct map map;      /* length and address → the caller's value */
    uint64_t lengths[3]; /* bit n: there is a prefix of n bits */
};

void net_table_init(struct net_table *table);
void net_table_fini(struct net_table *table);
bool net_table_has(const struct net_table *table, const struct prefix *prefix);
/* In the place of what was there. */
void net_table_add(struct net_table *table, const struct prefix *prefix, void *value);
/* The value of the longest prefix that has the address; NULL: none does. */
void *net_table_get(const struct net_table *table, const struct ip *ip);

#endif
