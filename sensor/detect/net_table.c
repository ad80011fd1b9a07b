/* See net_table.h. Thread: the caller's; reading: any. */
#include "net_table.h"

#include <string.h>

#define KEY_SIZE 17
#define V4_BITS  96 /* of ::ffff:0:0/96 */

void net_table_init(struct net_table *table)
{
    *table = (struct net_table){.lengths = {0, 0, 0}};
    map_init(&table->map);
}

void net_table_fini(struct net_table *table)
{
    map_fini(&table->map, NULL);
}

static void make_key(const struct ip *ip, unsigned bits, uint8_t key[KEY_SIZE])
{
    unsigned whole = bits / 8;
    memset(key, 0, KEY_SIZE);
    key[0] = (uint8_t)bits;
    memcpy(key + 1, ip->byte, whole);
    if (bits % 8)
        key[1 + whole] = (uint8_t)(ip->byte[whole] & (0xffu << (8 - bits % 8)));
}

bool net_table_has(const struct net_table *table, const struct prefix *prefix)
{
    uint8_t key[KEY_SIZE];
    make_key(&prefix->ip, prefix->bits, key);
    return map_get(&table->map, key, sizeof key) != NULL;
}

void net_table_add(struct net_table *table, const struct prefix *prefix, void *value)
{
    uint8_t key[KEY_SIZE];
    make_key(&prefix->ip, prefix->bits, key);
    map_put(&table->map, key, sizeof key, value);
    table->lengths[prefix->bits / 64] |= UINT64_C(1) << (prefix->bits % 64);
}

void *net_table_get(const struct net_table *table, const struct ip *ip)
{
    uint8_t key[KEY_SIZE];
    int least = ip_is_v4(ip) ? V4_BITS : 0; /* ::/0 is not the mapped form, as in prefix_has */
    for (int bits = 128; bits >= least; bits--) {
        if (!((table->lengths[bits / 64] >> (bits % 64)) & 1))
            continue;
        make_key(ip, (unsigned)bits, key);
        void *value = map_get(&table->map, key, sizeof key);
        if (value)
            return value;
    }
    return NULL;
}
