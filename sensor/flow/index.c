/* Finds a flow by its key: an open-addressed table of eight-byte buckets (half of the hash, slot).
 *
 * The hash is the same for both directions: each endpoint is mixed by itself and the two are added.
 * It is seeded at start, so nobody can aim packets at one bucket; no output depends on it, because
 * nothing ever walks this table in its own order. At most half of the buckets are used; removal
 * shifts back, so there are no tombstones and a search ends at the first empty bucket.
 *
 * A wrong flow behind an equal 32-bit tag is one in billions of probes, so the flow's cache lines
 * are asked for together as soon as a tag fits. Thread: the capture thread. */
#include "flow.h"

#include "weir/base/pages.h"

#include <stdlib.h>
#include <sys/random.h>

#define INDEX_FIRST 4096u

__extension__ typedef unsigned __int128 u128;

static uint64_t mix(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t endpoint_hash(const struct flow_index *index, const uint64_t ip[2], uint16_t port)
{
    return mix(ip[0] ^ index->seed[0] ^ ((uint64_t)port << 24), ip[1] ^ index->seed[1]);
}

static inline uint64_t probe_hash(const struct flow_index *index, const struct probe *probe,
                                  uint16_t from_port, uint16_t to_port, uint64_t kind)
{
    uint64_t both =
        endpoint_hash(index, probe->from, from_port) + endpoint_hash(index, probe->to, to_port);
    if (probe->tenant != 0) /* most have none */
        both += mix(probe->tenant ^ index->seed[3], index->seed[2]);
    return mix(both ^ index->seed[2], kind ^ index->seed[3]);
}

static uint64_t kind_of(uint16_t vlan, uint8_t proto, uint8_t vantage)
{
    return ((uint64_t)vantage << 24) | ((uint64_t)vlan << 8) | proto;
}

/* The ports' word of a key, put together in a register: through memory, the read of eight bytes
 * would wait for the writes of one and two. */
static uint64_t rest_of(uint16_t orig_port, uint16_t resp_port, const struct packet *packet)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return orig_port | ((uint64_t)resp_port << 16) | ((uint64_t)packet->vlan << 32) |
           ((uint64_t)packet->proto << 48) | ((uint64_t)packet->vantage << 56);
#else
    return ((uint64_t)orig_port << 48) | ((uint64_t)resp_port << 32) |
           ((uint64_t)packet->vlan << 16) | ((uint64_t)packet->proto << 8) | packet->vantage;
#endif
}

static void ports_of(const struct packet *packet, uint16_t *from_port, uint16_t *to_port)
{
    *from_port = packet->src_port;
    *to_port = packet->dst_port;
    if (packet->later_fragment)
        *from_port = *to_port = 0;
    else if (packet->proto == PROTO_ICMP || packet->proto == PROTO_ICMP6)
        icmp_ports(packet->proto, (uint8_t)packet->src_port, (uint8_t)packet->dst_port, from_port,
                   to_port);
}

struct flow_key flow_key_of(const struct packet *packet)
{
    struct flow_key key = {.orig_ip = packet->src,
                           .resp_ip = packet->dst,
                           .vlan = packet->vlan,
                           .proto = packet->proto,
                           .vantage = packet->vantage,
                           .tenant = packet->tenant};
    ports_of(packet, &key.orig_port, &key.resp_port);
    return key;
}

struct probe index_probe(const struct flow_index *index, const struct packet *packet)
{
    uint16_t from_port, to_port;
    ports_of(packet, &from_port, &to_port);
    struct probe probe;
    memcpy(probe.from, &packet->src, sizeof probe.from);
    memcpy(probe.to, &packet->dst, sizeof probe.to);
    probe.rest = rest_of(from_port, to_port, packet);
    probe.rest_turned = rest_of(to_port, from_port, packet);
    probe.tenant = packet->tenant;
    probe.hash = probe_hash(index, &probe, from_port, to_port,
                            kind_of(packet->vlan, packet->proto, packet->vantage));
    return probe;
}

uint64_t index_hash(const struct flow_index *index, const struct packet *packet)
{
    uint16_t from_port, to_port;
    struct probe probe = {.tenant = packet->tenant};
    ports_of(packet, &from_port, &to_port);
    memcpy(probe.from, &packet->src, sizeof probe.from);
    memcpy(probe.to, &packet->dst, sizeof probe.to);
    return probe_hash(index, &probe, from_port, to_port,
                      kind_of(packet->vlan, packet->proto, packet->vantage));
}

struct flow_key probe_key(const struct probe *probe)
{
    struct flow_key key = {.tenant = probe->tenant};
    memcpy(&key.orig_ip, probe->from, sizeof key.orig_ip);
    memcpy(&key.resp_ip, probe->to, sizeof key.resp_ip);
    memcpy(&key.orig_port, &probe->rest, sizeof probe->rest);
    return key;
}

static uint64_t key_hash(const struct flow_index *index, const struct flow_key *key)
{
    struct probe probe;
    memcpy(probe.from, &key->orig_ip, sizeof probe.from);
    memcpy(probe.to, &key->resp_ip, sizeof probe.to);
    probe.tenant = key->tenant;
    return probe_hash(index, &probe, key->orig_port, key->resp_port,
                      kind_of(key->vlan, key->proto, key->vantage));
}

static struct index_slot *buckets(uint32_t count)
{
    struct index_slot *at = pages_alloc(count * sizeof *at);
    memset(at, 0, count * sizeof *at);
    return at;
}

void index_init(struct flow_index *index)
{
    *index = (struct flow_index){.mask = INDEX_FIRST - 1};
    index->at = buckets(INDEX_FIRST);
    /* Without a random seed the table still works; only flooding one bucket is cheaper. */
    if (getrandom(index->seed, sizeof index->seed, GRND_NONBLOCK) != sizeof index->seed)
        index->seed[0] = UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 4; i++)
        index->seed[i] |= 1;
}

void index_fini(struct flow_index *index)
{
    free(index->at);
    *index = (struct flow_index){0};
}

void index_clear(struct flow_index *index)
{
    free(index->at);
    index->at = buckets(INDEX_FIRST);
    index->mask = INDEX_FIRST - 1;
    index->count = 0;
}

/* `slot` is stored plus one: zero is an empty bucket. */
static void place(struct index_slot *at, uint32_t mask, struct index_slot entry)
{
    uint32_t i = entry.tag & mask;
    while (at[i].slot != 0)
        i = (i + 1) & mask;
    at[i] = entry;
}

static void grow(struct flow_index *index)
{
    uint32_t room = (index->mask + 1) * 2;
    struct index_slot *at = buckets(room);
    for (uint32_t i = 0; i <= index->mask; i++) {
        if (index->at[i].slot != 0)
            place(at, room - 1, index->at[i]);
    }
    free(index->at);
    index->at = at;
    index->mask = room - 1;
}

void index_add(struct flow_index *index, uint64_t hash, uint32_t slot)
{
    if (index->count >= (index->mask + 1) / 2)
        grow(index);
    place(index->at, index->mask, (struct index_slot){(uint32_t)hash, slot + 1});
    index->count++;
}

void index_remove(struct flow_index *index, const struct flow_key *key, uint32_t slot)
{
    uint32_t mask = index->mask, hole = (uint32_t)key_hash(index, key) & mask;
    while (index->at[hole].slot != slot + 1)
        hole = (hole + 1) & mask;
    /* Whoever would not be found past the hole moves into it. */
    for (uint32_t i = (hole + 1) & mask; index->at[i].slot != 0; i = (i + 1) & mask) {
        uint32_t home = index->at[i].tag & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            index->at[hole] = index->at[i];
            hole = i;
        }
    }
    index->at[hole] = (struct index_slot){0, 0};
    index->count--;
}

static void expect_flow(const struct flow *flow)
{
    __builtin_prefetch(&flow->key, 1);
    __builtin_prefetch(&flow->side[SIDE_ORIG], 1);
    __builtin_prefetch(&flow->acked, 1); /* and the second side's last words */
    __builtin_prefetch(&flow->more, 1);
}

void index_expect(const struct flow_index *index, uint64_t hash)
{
    __builtin_prefetch(&index->at[(uint32_t)hash & index->mask]);
}

struct flow *index_expect_flow(const struct flow_table *table, uint64_t hash)
{
    const struct flow_index *index = &table->index;
    uint32_t tag = (uint32_t)hash, i = tag & index->mask;
    while (index->at[i].slot != 0 && index->at[i].tag != tag)
        i = (i + 1) & index->mask;
    if (index->at[i].slot == 0)
        return NULL;
    struct flow *flow = flow_at(table, index->at[i].slot - 1);
    expect_flow(flow);
    return flow;
}

/* Is it this flow's packet, and if so, whose? */
static bool probe_fits(const struct probe *probe, const struct flow_key *key, enum flow_side *side)
{
    uint64_t have[6];
    memcpy(have, key, sizeof have);
    if (have[5] != probe->tenant)
        return false;
    if (((have[0] ^ probe->from[0]) | (have[1] ^ probe->from[1]) | (have[2] ^ probe->to[0]) |
         (have[3] ^ probe->to[1]) | (have[4] ^ probe->rest)) == 0) {
        *side = SIDE_ORIG;
        return true;
    }
    *side = SIDE_RESP;
    return ((have[0] ^ probe->to[0]) | (have[1] ^ probe->to[1]) | (have[2] ^ probe->from[0]) |
            (have[3] ^ probe->from[1]) | (have[4] ^ probe->rest_turned)) == 0;
}

struct flow *index_find(const struct flow_table *table, const struct probe *probe,
                        enum flow_side *side)
{
    const struct flow_index *index = &table->index;
    uint32_t tag = (uint32_t)probe->hash;
    for (uint32_t i = tag & index->mask; index->at[i].slot != 0; i = (i + 1) & index->mask) {
        if (index->at[i].tag != tag)
            continue;
        struct flow *flow = flow_at(table, index->at[i].slot - 1);
        expect_flow(flow);
        if (probe_fits(probe, &flow->key, side))
            return flow;
    }
    return NULL;
}
