/* Places that are one.
 *
 * Joined: when a copy of a packet was seen in another VLAN or with another tenant, these two places
 * are one for its pair of addresses, and the one seen first stands for both. So the answer, first
 * seen in the other VLAN, finds the flow. It holds for this pair alone: the same addresses in a
 * third tenant are other hosts. Only a copy that cannot be another's packet by chance joins.
 *
 * Twins: a TEID, a call id, a session name one direction. When a packet whose id is not known yet
 * is the exact answer (addresses and ports turned, outer addresses turned) to one whose id has no
 * twin yet, the two ids are twins, and the one seen first stands for both. Where two unpaired ids
 * carried the same question, nobody can say whose answer it is: none is paired by it. One number in
 * two VLANs is two ids: gateways number from one, in every network.
 *
 * Memory: keyed hashes of the keys, in two generations of PLACES_KEPT; what is looked up moves to
 * the younger one, what is left in the older when the younger is full is forgotten. Nothing is
 * allocated before the first place is known, and until then a packet costs one comparison.
 * Thread: one at a time. */
#include "weir/flow/place.h"

#include "marks.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

#define SLOTS ((size_t)2 * PLACES_KEPT)

enum standing {
    STANDING_OPEN,   /* an id without a twin; a question nobody has answered */
    STANDING_PAIRED, /* an id with one */
    STANDING_SHARED, /* a question that several ids carried */
};

struct known {
    uint64_t key; /* 0: empty */
    struct place place;
    uint8_t standing; /* enum standing */
};

struct generation {
    struct known *slot;
    uint32_t count;
};

struct memory {
    struct generation young, old;
    uint64_t forgotten;
};

struct places {
    struct marks_key key;
    struct memory joined, ids, questions;
};

/* --- memory ---------------------------------------------------------------------------------- */

/* Where the key is, or the empty slot where it would be. */
static struct known *slot_of(const struct generation *g, uint64_t key)
{
    uint32_t i = (uint32_t)key & (SLOTS - 1);
    while (g->slot[i].key != 0 && g->slot[i].key != key)
        i = (i + 1) & (SLOTS - 1);
    return &g->slot[i];
}

static void turn(struct memory *m)
{
    m->forgotten += m->old.count;
    free(m->old.slot);
    m->old = m->young;
    m->young = (struct generation){0};
}

/* The borrowed entry is good until the next put. */
static struct known *memory_put(struct memory *m, const struct known *known)
{
    if (m->young.count == PLACES_KEPT)
        turn(m);
    if (!m->young.slot)
        m->young.slot = xcalloc(SLOTS, sizeof *m->young.slot);
    struct known *at = slot_of(&m->young, known->key);
    m->young.count += at->key == 0;
    *at = *known;
    return at;
}

static struct known *memory_get(struct memory *m, uint64_t key)
{
    struct known *at = m->young.slot ? slot_of(&m->young, key) : NULL;
    if (at && at->key != 0)
        return at;
    at = m->old.slot ? slot_of(&m->old, key) : NULL;
    if (!at || at->key == 0)
        return NULL;
    if (m->young.count == PLACES_KEPT) /* it moves when there is room */
        return at;
    m->old.count--;
    return memory_put(m, at);
}

static void memory_fini(struct memory *m)
{
    free(m->young.slot);
    free(m->old.slot);
}

struct places *places_new(void)
{
    struct places *places = xcalloc(1, sizeof *places);
    marks_key_init(&places->key);
    return places;
}

void places_free(struct places *places)
{
    if (!places)
        return;
    memory_fini(&places->joined);
    memory_fini(&places->ids);
    memory_fini(&places->questions);
    free(places);
}

void places_health(const struct places *places, struct health *health)
{
    health->places_forgotten +=
        places->joined.forgotten + places->ids.forgotten + places->questions.forgotten;
}

/* --- keys ------------------------------------------------------------------------------------ */

static uint64_t key_end(const struct places *places, uint64_t hash, uint64_t last)
{
    uint64_t key = marks_mix(hash ^ places->key.seed[4], last ^ places->key.seed[5]);
    return key != 0 ? key : 1;
}

/* One place of a pair of addresses, whoever of them sends. */
static uint64_t joined_key(const struct places *places, const struct packet *packet,
                           struct place place)
{
    uint64_t pair = marks_endpoint(&places->key, &packet->src, 0) +
                    marks_endpoint(&places->key, &packet->dst, 0);
    return key_end(places, marks_mix(pair ^ places->key.seed[2], place.tenant ^ pair),
                   ((uint64_t)packet->vantage << 16) | place.vlan);
}

static uint64_t way_of(const struct places *places, const struct ip *from, uint16_t from_port,
                       const struct ip *to, uint16_t to_port)
{
    return marks_mix(marks_endpoint(&places->key, from, from_port) ^ places->key.seed[2],
                     (marks_endpoint(&places->key, to, to_port) << 1) + places->key.seed[3]);
}

static uint64_t id_key(const struct places *places, const struct packet *packet)
{
    const struct tunnel *outer = &packet->tunnel;
    return key_end(places, way_of(places, &outer->orig_ip, 0, &outer->resp_ip, 0) ^ packet->tenant,
                   ((uint64_t)packet->vantage << 16) | packet->vlan);
}

/* What the packet says, or what its answer would say, of inner and outer addresses. */
static uint64_t question_key(const struct places *places, const struct packet *packet, bool turned)
{
    const struct tunnel *outer = &packet->tunnel;
    uint16_t from = packet->src_port, to = packet->dst_port;
    if (packet->proto == PROTO_ICMP || packet->proto == PROTO_ICMP6)
        icmp_ports(packet->proto, (uint8_t)from, (uint8_t)to, &from, &to);
    uint64_t inner = turned ? way_of(places, &packet->dst, to, &packet->src, from)
                            : way_of(places, &packet->src, from, &packet->dst, to);
    uint64_t around = turned ? way_of(places, &outer->resp_ip, 0, &outer->orig_ip, 0)
                             : way_of(places, &outer->orig_ip, 0, &outer->resp_ip, 0);
    return key_end(places, marks_mix(inner, around ^ places->key.seed[1]),
                   ((uint64_t)packet->icmp_id << 16) | ((uint64_t)packet->proto << 8) |
                       packet->vantage);
}

/* --- joined places --------------------------------------------------------------------------- */

static bool same_place(struct place a, struct place b)
{
    return a.vlan == b.vlan && a.tenant == b.tenant;
}

static void join(struct places *places, uint64_t key, struct place stands)
{
    memory_put(&places->joined, &(struct known){.key = key, .place = stands});
}

void places_join(struct places *places, const struct packet *packet, const struct duplicate *of)
{
    struct place here = {packet->tenant, packet->vlan}, first = of->first;
    if (!of->sure || same_place(here, first))
        return;
    uint64_t here_key = joined_key(places, packet, here),
             first_key = joined_key(places, packet, first);
    const struct known *at = memory_get(&places->joined, first_key);
    bool first_known = at != NULL;
    struct place stands = at ? at->place : first;
    at = memory_get(&places->joined, here_key);
    if (!at && !same_place(stands, here))
        join(places, here_key, stands);
    else if (at && !first_known && !same_place(at->place, first))
        join(places, first_key, at->place); /* the first has met one of ours */
}

static void settle_joined(struct places *places, struct packet *packet)
{
    const struct place here = {packet->tenant, packet->vlan};
    const struct known *at = memory_get(&places->joined, joined_key(places, packet, here));
    if (!at)
        return;
    packet->vlan = at->place.vlan;
    packet->tenant = at->place.tenant;
}

/* --- twins ----------------------------------------------------------------------------------- */

/* An id without a twin asks: remembered with the place that it has. */
static void ask(struct places *places, const struct packet *packet, struct place here)
{
    uint64_t key = question_key(places, packet, false);
    struct known *at = memory_get(&places->questions, key);
    if (!at)
        memory_put(&places->questions, &(struct known){.key = key, .place = here});
    else if (!same_place(at->place, here))
        at->standing = STANDING_SHARED;
}

/* The id that asked what this packet answers, if it is one and free; with its place. */
static struct known *asked_by(struct places *places, const struct packet *packet)
{
    struct known *asked = memory_get(&places->questions, question_key(places, packet, true));
    if (!asked || asked->standing == STANDING_SHARED)
        return NULL;
    struct packet other = {
        .tenant = asked->place.tenant, .vlan = asked->place.vlan, .vantage = packet->vantage};
    other.tunnel.orig_ip = packet->tunnel.resp_ip;
    other.tunnel.resp_ip = packet->tunnel.orig_ip;
    struct known *id = memory_get(&places->ids, id_key(places, &other));
    return id && id->standing == STANDING_OPEN ? id : NULL;
}

static void settle_one_way(struct places *places, struct packet *packet)
{
    struct place here = {packet->tenant, packet->vlan};
    uint64_t key = id_key(places, packet);
    const struct known *at = memory_get(&places->ids, key);
    if (!at || at->standing == STANDING_OPEN) {
        struct known id = {.key = key, .place = at ? at->place : here};
        struct known *twin = packet->later_fragment ? NULL : asked_by(places, packet);
        if (twin && twin->key != key) {
            twin->standing = id.standing = STANDING_PAIRED;
            id.place = twin->place;
        } else if (!packet->later_fragment) {
            ask(places, packet, id.place);
        }
        at = memory_put(&places->ids, &id);
    }
    packet->vlan = at->place.vlan;
    packet->tenant = at->place.tenant;
}

void places_settle(struct places *places, struct packet *packet)
{
    if (places->joined.young.count + places->joined.old.count > 0)
        settle_joined(places, packet);
    if (packet->tenant_one_way)
        settle_one_way(places, packet);
}
