/* Puts fragmented datagrams together, in packet time.
 *
 * A datagram is known by its addresses, protocol (IPv4), identification and by what keeps address
 * plans apart around it. Its bytes are in assembly.c; here is the policy:
 *
 *  - Whole: it goes on as one packet, with the facts of the fragment at offset 0 and the sums of
 *    all frames. Not whole FRAGMENTS_WAIT_NS after the first of its fragments (as RFC 1122 and 8200
 *    have it, and Linux): it is given up, and what was seen is told with the ports, if the fragment
 *    at offset 0 was seen, or without.
 *  - A bound is kept by giving up the oldest: of the address pair when the pair has too many, so
 *    that nobody can push out all others; of all, when there is no room for the next frame.
 *  - Overlaps: the first bytes win, as on most hosts, and none is counted twice. Other bytes on the
 *    same place are a conflict, counted. Of IPv6 every overlap that is no exact repetition is one
 *    (RFC 5722): hosts drop such a datagram, so its bytes are accounted and its content is not
 *    inspected. An IPv4 fragment that begins where one began, with other bytes, is rather of the
 *    next datagram with the same identification (RFC 4963: 65,536 of them are soon used up, and a
 *    mirror loses frames): the older one is given up, so that neither's bytes are lost. So it is,
 *    in both families, when more bytes would be left out than the datagram has: they left too.
 *  - A fragment that says of the end what cannot be after the others is told alone. So is what no
 *    host sends, without ports: no bytes, a length that is no multiple of eight before the end, an
 *    end beyond 65,535.
 *  - The same fragment again at once, in whatever VLAN, is a mirror's copy (copies.c) and not
 *    counted again: flow/duplicate.c sees datagrams only, so it cannot tell. Later, it is a frame
 *    more of its datagram, or begins another.
 *
 * Whoever calls asks for what is due before each frame: then there is room for one fragment more,
 * and what is given up is told in order and never at once with another packet. Everything takes the
 * same time however much waits, but for a search through the at most FRAGMENTS_OF_PAIR datagrams of
 * a pair. The seed of the buckets is random; no result depends on it. Memory: 18 MiB, taken with
 * the first fragment and touched only as far as it was ever needed. Thread: the decoder's. */
#include "fragments.h"

#include "assembly.h"
#include "copies.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS   4096u
#define SLOT_NONE UINT16_MAX
#define WIRE_SUM  (UINT32_C(1) << 31) /* no datagram grows beyond: endless repetitions */

/* The address pair first; no padding, compared as bytes. */
struct datagram_key {
    struct ip src, dst;
    uint64_t tenant;
    uint16_t vlan;
    uint8_t version, vantage;
    uint32_t id;
    uint8_t proto; /* IPv4 */
    uint8_t spare[7];
};
#define PAIR_BYTES offsetof(struct datagram_key, id)
_Static_assert(sizeof(struct datagram_key) == 56, "no padding");

struct slot_link {
    uint16_t prev, next;
};

struct slot_list {
    uint16_t head, tail;
};

enum given_up_cause { CAUSE_TIME, CAUSE_ROOM, CAUSE_TAKEN }; /* … its identification was */

struct datagram {
    struct datagram_key key;
    struct slot_link chain; /* of its bucket: the pair's oldest comes first */
    struct slot_link age;   /* of those that wait, or that leave */
    uint16_t bucket;
    uint32_t number;           /* packet.held_in */
    uint8_t cause;             /* of those that leave: enum given_up_cause */
    bool front;                /* the fragment at offset 0 was seen */
    uint32_t differs;          /* bytes that came in the place of others, and were left out */
    uint8_t reassembly;        /* what of packet.reassembly is known: conflict, closed */
    int64_t since_ns;          /* on the clock, which never goes back */
    int64_t due_ns;            /* of those that leave */
    int64_t first_ns, last_ns; /* of its frames */
    uint8_t macs[2 * 6];
    struct packet packet; /* facts of the fragment at offset 0, else of the first; sums of all */
    bool own_tag, cut_by_mirror, described, addressed; /* of that fragment's walk */
    struct assembly bytes;
};

struct fragments {
    int64_t clock_ns; /* these three are looked at for every frame */
    uint32_t count;   /* waiting or leaving */
    uint32_t begun;   /* datagrams so far; never 0 once there was one */
    struct slot_list waiting, leaving;
    struct chunk_pool pool;
    struct datagram *slot;
    uint32_t slots_used;
    uint16_t free_slot; /* chained by age.next */
    uint64_t seed;
    uint8_t macs[2 * 6]; /* what packet.macs points to */
    struct slot_list bucket[BUCKETS];
    struct copies copies;
    uint8_t out[ASSEMBLY_CHUNKS * CHUNK_BYTES]; /* what the frame is made of */
};

struct fragments *fragments_new(void)
{
    struct fragments *f = xcalloc(1, sizeof *f);
    f->free_slot = SLOT_NONE;
    f->waiting = f->leaving = (struct slot_list){SLOT_NONE, SLOT_NONE};
    memset(f->bucket, 0xff, sizeof f->bucket);
    copies_init(&f->copies);
    f->clock_ns = INT64_MIN;
    /* Without a random seed all works; only filling one bucket is cheaper. */
    if (getrandom(&f->seed, sizeof f->seed, GRND_NONBLOCK) != sizeof f->seed)
        f->seed = 0;
    return f;
}

/* With the first fragment: most captures hold none. */
static void room_make(struct fragments *f)
{
    chunk_pool_init(&f->pool, FRAGMENTS_CHUNKS);
    f->slot = xcalloc(FRAGMENTS_DATAGRAMS, sizeof *f->slot);
}

void fragments_free(struct fragments *f)
{
    if (!f)
        return;
    chunk_pool_fini(&f->pool);
    free(f->slot);
    free(f);
}

/* --- lists of slots ----------------------------------------------------------------------- */

static uint16_t number_of(const struct fragments *f, const struct datagram *d)
{
    return (uint16_t)(d - f->slot);
}

static struct datagram *slot_at(const struct fragments *f, uint16_t number)
{
    return number == SLOT_NONE ? NULL : &f->slot[number];
}

#define LIST(link)                                                                                 \
    static void link##_append(struct fragments *f, struct slot_list *list, struct datagram *d)     \
    {                                                                                              \
        uint16_t number = number_of(f, d);                                                         \
        d->link = (struct slot_link){list->tail, SLOT_NONE};                                       \
        if (list->tail == SLOT_NONE)                                                               \
            list->head = number;                                                                   \
        else                                                                                       \
            f->slot[list->tail].link.next = number;                                                \
        list->tail = number;                                                                       \
    }                                                                                              \
    static void link##_remove(struct fragments *f, struct slot_list *list, struct datagram *d)     \
    {                                                                                              \
        if (d->link.prev == SLOT_NONE)                                                             \
            list->head = d->link.next;                                                             \
        else                                                                                       \
            f->slot[d->link.prev].link.next = d->link.next;                                        \
        if (d->link.next == SLOT_NONE)                                                             \
            list->tail = d->link.prev;                                                             \
        else                                                                                       \
            f->slot[d->link.next].link.prev = d->link.prev;                                        \
    }
LIST(chain)
LIST(age)

static bool has_room(const struct fragments *f)
{
    return (f->slots_used < FRAGMENTS_DATAGRAMS || f->free_slot != SLOT_NONE) &&
           f->pool.free >= ASSEMBLY_CHUNKS;
}

/* --- datagrams ---------------------------------------------------------------------------- */

static struct datagram_key key_of(const struct fragment *fragment, const struct packet *packet)
{
    return (struct datagram_key){
        .src = packet->src,
        .dst = packet->dst,
        .tenant = packet->tenant,
        .vlan = packet->vlan,
        .version = packet->ip_version,
        .vantage = packet->vantage,
        .id = fragment->id,
        .proto = packet->ip_version == 4 ? packet->proto : 0,
    };
}

static uint16_t bucket_of(const struct fragments *f, const struct datagram_key *key)
{
    return (uint16_t)(hash64(key, PAIR_BYTES, f->seed) % BUCKETS);
}

static struct datagram *find(const struct fragments *f, const struct datagram_key *key)
{
    struct datagram *d = slot_at(f, f->bucket[bucket_of(f, key)].head);
    while (d && memcmp(&d->key, key, sizeof *key) != 0)
        d = slot_at(f, d->chain.next);
    return d;
}

static int64_t wait_ends(const struct datagram *d)
{
    int64_t end;
    return __builtin_add_overflow(d->since_ns, FRAGMENTS_WAIT_NS, &end) ? INT64_MAX : end;
}

/* It waits no longer, but keeps its bytes until it is told. */
static void leave(struct fragments *f, struct datagram *d, enum given_up_cause cause)
{
    chain_remove(f, &f->bucket[d->bucket], d);
    age_remove(f, &f->waiting, d);
    age_append(f, &f->leaving, d);
    d->cause = (uint8_t)cause;
    d->due_ns = cause == CAUSE_TIME ? wait_ends(d) : f->clock_ns;
}

/* One more of this pair is to come. */
static void keep_pair_bound(struct fragments *f, const struct datagram_key *key, uint16_t bucket)
{
    struct datagram *oldest = NULL;
    uint32_t count = 0;
    struct datagram *d = slot_at(f, f->bucket[bucket].head);
    for (; d; d = slot_at(f, d->chain.next)) {
        if (memcmp(&d->key, key, PAIR_BYTES) != 0)
            continue;
        count++;
        if (!oldest)
            oldest = d;
    }
    if (count >= FRAGMENTS_OF_PAIR)
        leave(f, oldest, CAUSE_ROOM);
}

static struct datagram *begin(struct fragments *f, const struct datagram_key *key)
{
    uint16_t bucket = bucket_of(f, key);
    keep_pair_bound(f, key, bucket);
    uint16_t number = f->free_slot;
    if (number == SLOT_NONE)
        number = (uint16_t)f->slots_used++;
    else
        f->free_slot = f->slot[number].age.next;
    struct datagram *d = &f->slot[number];
    *d = (struct datagram){.key = *key, .bucket = bucket, .since_ns = f->clock_ns};
    f->begun += f->begun == UINT32_MAX ? 2 : 1;
    d->number = f->begun;
    d->first_ns = INT64_MAX;
    d->last_ns = INT64_MIN;
    assembly_init(&d->bytes);
    chain_append(f, &f->bucket[bucket], d);
    age_append(f, &f->waiting, d);
    f->count++;
    return d;
}

/* Its slot and its chunks are free again; it is in no list any more. */
static void release(struct fragments *f, struct datagram *d)
{
    assembly_free(&f->pool, &d->bytes);
    d->age.next = f->free_slot;
    f->free_slot = number_of(f, d);
    f->count--;
}

/* What is known of the datagram is what its fragment at offset 0 says. */
static void take_facts(struct datagram *d, const struct walk *walk)
{
    d->packet = *walk->packet;
    d->own_tag = walk->own_tag;
    d->cut_by_mirror = walk->cut_by_mirror;
    d->described = walk->described;
    d->addressed = walk->addressed;
    if (d->packet.macs)
        memcpy(d->macs, d->packet.macs, sizeof d->macs);
}

static void count_frame(struct datagram *d, const struct walk *walk, bool front)
{
    const struct packet *packet = walk->packet;
    const struct packet sum = d->packet; /* all zero at first */
    if (sum.frames == 0 || (front && !d->front))
        take_facts(d, walk);
    d->packet.frames = sum.frames + packet->frames;
    d->packet.wire_bytes = sum.wire_bytes + packet->wire_bytes;
    d->packet.captured = sum.captured + packet->captured;
    d->packet.ip_bytes = sum.ip_bytes + packet->ip_bytes;
    d->front |= front;
    d->reassembly |= packet->reassembly & REASSEMBLY_CLOSED;
    int64_t first_ns = packet->time.ns - packet->spread_ns;
    if (first_ns < d->first_ns)
        d->first_ns = first_ns;
    if (packet->time.ns > d->last_ns)
        d->last_ns = packet->time.ns;
}

/* The datagram as one packet, and what of its front is there; the datagram goes. What carried the
 * last fragment is no packet to fall back to: it would be one frame of many. */
static void tell(struct fragments *f, struct datagram *d, struct walk *walk, uint32_t *rest)
{
    struct packet *packet = walk->packet;
    *packet = d->packet;
    if (packet->macs) {
        memcpy(f->macs, d->macs, sizeof f->macs);
        packet->macs = f->macs;
    }
    packet->time.ns = d->last_ns;
    if (__builtin_sub_overflow(d->last_ns, d->first_ns, &packet->spread_ns))
        packet->spread_ns = 0; /* a capture may claim any time */
    packet->later_fragment = !d->front;
    packet->reassembly = d->reassembly;
    packet->held_in = packet->made_of[1] = 0;
    packet->made_of[0] = d->number;
    walk->own_tag = d->own_tag;
    walk->cut_by_mirror = d->cut_by_mirror;
    walk->described = d->described;
    walk->addressed = d->addressed;
    walk->enclosed = false;
    walk->frame.left = assembly_seen_front(&f->pool, &d->bytes);
    walk->frame.cursor = cursor_make(f->out, assembly_copy(&f->pool, &d->bytes, f->out));
    *rest = d->bytes.distinct - walk->frame.left;
    release(f, d);
}

/* --- a fragment --------------------------------------------------------------------------- */

static bool is_possible(const struct piece *piece)
{
    return piece->size > 0 && piece->offset + piece->size <= ASSEMBLY_BYTES &&
           !(piece->more && piece->size % UNIT_BYTES != 0);
}

/* Around it, a VLAN is left out: it is the mirror's. A tunnel is not: who sends the same once more
 * through one has sent it twice. */
static bool is_copy(struct fragments *f, const struct datagram_key *key, const struct piece *piece,
                    const struct packet *packet)
{
    struct {
        struct datagram_key key;
        uint8_t around[offsetof(struct tunnel, id)]; /* the addresses of its tunnels */
    } whose = {.key = *key};
    whose.key.vlan = 0;
    if (packet->tunnel.count > 0)
        memcpy(whose.around, &packet->tunnel, sizeof whose.around);
    const struct copy_of of = {&whose, sizeof whose};
    return copies_seen(&f->copies, &of, piece, packet->time);
}

/* Does the fragment belong to the datagram, or to the next with its identification? */
static bool takes_over(const struct datagram *d, const struct overlap *overlap,
                       const struct packet *packet)
{
    if ((uint64_t)d->packet.wire_bytes + packet->wire_bytes > WIRE_SUM ||
        d->differs + overlap->differs > d->bytes.distinct)
        return true;
    return packet->ip_version == 4 && overlap->begins && overlap->differs;
}

static void note_overlap(struct datagram *d, const struct overlap *overlap)
{
    bool v6 = d->key.version == 6;
    d->differs += overlap->differs;
    if (!overlap->any || (v6 ? overlap->exact && !overlap->differs : !overlap->differs))
        return;
    d->reassembly |= v6 ? REASSEMBLY_CONFLICT | REASSEMBLY_CLOSED : REASSEMBLY_CONFLICT;
}

/* The datagram the piece belongs to, made when there is none; NULL: it cannot belong to it. */
static struct datagram *datagram_for(struct fragments *f, const struct datagram_key *key,
                                     const struct piece *piece, const struct packet *packet)
{
    struct datagram *d = find(f, key);
    if (!d)
        return begin(f, key);
    if (assembly_contradicts(&d->bytes, piece)) {
        if (key->version == 6)
            d->reassembly |= REASSEMBLY_CLOSED;
        return NULL;
    }
    struct overlap overlap = assembly_overlap(&f->pool, &d->bytes, piece);
    if (!takes_over(d, &overlap, packet)) {
        note_overlap(d, &overlap);
        return d;
    }
    uint8_t closed = key->version == 6 && overlap.differs ? REASSEMBLY_CLOSED : 0;
    if (overlap.differs)
        d->reassembly |= REASSEMBLY_CONFLICT | closed;
    leave(f, d, CAUSE_TAKEN);
    d = begin(f, key);
    d->reassembly = closed;
    return d;
}

enum fragment_result fragments_put(struct fragments *f, const struct fragment *fragment,
                                   struct walk *walk)
{
    struct packet *packet = walk->packet;
    const struct piece piece = {walk->frame.cursor.at, (uint32_t)cursor_left(&walk->frame.cursor),
                                fragment->offset, walk->frame.left, fragment->more};
    packet->reassembly |= REASSEMBLY_FRAGMENT;
    if (!is_possible(&piece))
        return FRAGMENT_IMPOSSIBLE;
    if (!f->slot)
        room_make(f);
    struct datagram_key key = key_of(fragment, packet);
    if (is_copy(f, &key, &piece, packet)) {
        const struct datagram *waits = find(f, &key);
        packet->held_in = waits ? waits->number : 0;
        return FRAGMENT_COPY;
    }
    if (packet->time.ns > f->clock_ns)
        f->clock_ns = packet->time.ns;
    if (!has_room(f)) {
        packet->reassembly |= REASSEMBLY_EVICTED;
        return FRAGMENT_ALONE;
    }
    struct datagram *d = datagram_for(f, &key, &piece, packet);
    if (!d) {
        packet->reassembly |= REASSEMBLY_CONFLICT;
        return FRAGMENT_ALONE;
    }
    count_frame(d, walk, piece.offset == 0);
    assembly_add(&f->pool, &d->bytes, &piece);
    if (!assembly_whole(&d->bytes)) {
        packet->held_in = d->number;
        return FRAGMENT_HELD;
    }
    uint8_t around = packet->reassembly; /* of the datagram that this fragment came in */
    uint32_t none, outer = packet->made_of[packet->made_of[1] != 0];
    chain_remove(f, &f->bucket[d->bucket], d);
    age_remove(f, &f->waiting, d);
    tell(f, d, walk, &none);
    packet->fragment = false;
    packet->reassembly |= around | REASSEMBLY_WHOLE;
    if (outer != 0) {
        packet->made_of[1] = packet->made_of[0];
        packet->made_of[0] = outer;
    }
    return FRAGMENT_WHOLE;
}

/* --- what is due -------------------------------------------------------------------------- */

/* The next to give up goes to the list of those that leave. */
static void age_out(struct fragments *f, struct ptime now)
{
    struct datagram *oldest = slot_at(f, f->waiting.head);
    if (!oldest)
        return;
    if (wait_ends(oldest) <= now.ns)
        leave(f, oldest, CAUSE_TIME);
    else if (!has_room(f))
        leave(f, oldest, CAUSE_ROOM);
}

bool fragments_due(struct fragments *f, struct ptime now)
{
    if (now.ns > f->clock_ns && now.ns != INT64_MAX)
        f->clock_ns = now.ns;
    if (f->count == 0)
        return false;
    if (f->leaving.head == SLOT_NONE)
        age_out(f, now);
    return f->leaving.head != SLOT_NONE;
}

void fragments_give_up(struct fragments *f, struct ptime *due, struct walk *walk, uint32_t *rest)
{
    struct datagram *d = &f->slot[f->leaving.head];
    uint8_t why =
        d->cause == CAUSE_ROOM ? REASSEMBLY_GIVEN_UP | REASSEMBLY_EVICTED : REASSEMBLY_GIVEN_UP;
    due->ns = d->due_ns;
    age_remove(f, &f->leaving, d);
    tell(f, d, walk, rest);
    walk->packet->reassembly |= why;
}
