/* Second copies of a packet, told from second packets.
 *
 * Theory of operation. A packet is known by a digest of all that the network does not change
 * (marks.c). One that comes again within the window of its rule is a copy when the rule says so;
 * else it is a packet of its own and is remembered in place of the first. When it is not certain,
 * it is counted: too much is seen, and can be explained; a byte that was left out is gone.
 *
 * 1. IPv4 with an identification that tells: a copy, wherever it was seen, for 100 ms. A host that
 *    sends again takes a new one (RFC 1122 3.2.1.5 lets it keep the old one, RFC 6864 4.2 says
 *    that nobody gains by it). Mirrors are microseconds apart, remote ones and merged taps
 *    milliseconds. It does not tell when it is zero, when it is one (packet makers write that into
 *    all), or when the sender does not change it (three packets of a conversation alike). ESP
 *    tells by its sequence number, which never comes twice (RFC 4303 3.3.3).
 *
 * 2. Without (IPv6, zero): one that was seen at another place, i.e. with other TTL, Ethernet
 *    addresses, VLAN, tenant or tunnel, is a copy, for 20 ms: a retransmission takes the way of
 *    the first. But what never leaves its link (multicast, link-local) is sent anew in each VLAN.
 *
 * 3. Without, and equal in everything: a TCP segment that uses up sequence space is a copy within
 *    1 ms, if the peer was seen and has been silent since the first. Without word from the peer
 *    only a timer sends again, and none is that short: a second (RFC 6298), 200 ms on Linux, 30 on
 *    BSD, a probe after two round trips and 2 ms (RFC 8985). A SYN is the first word, so none of
 *    the peer's is asked for.
 *
 * 4. Everything else that is equal in everything may be two events: equal datagrams, duplicate
 *    ACKs, RSTs. It is a copy only where this tap has proven to show packets twice at one place:
 *    of those whose identity is certain (rules 1 and 3; the last 1,024) at least eight, and one in
 *    sixteen. Then it is one for twice as long as copies take here, 10 ms at most, and a packet
 *    has as many as one of those has: where there are two, of four equal ACKs two are counted.
 *
 * A mirror shows a packet a few times, as often as it has ports and VLANs on the way. Whatever the
 * rule, all after COPIES_MOST of them are counted while they go on, its identification tells no
 * more, and the others prove nothing: who sends the same thing over and over sends it.
 *
 * A datagram cut by the snap length could differ in what is not here: its certainty is rule 4's,
 * whatever else fits. TCP's sequence numbers do not depend on it.
 *
 * A copy in a tunnel of other outer addresses is one only if these are private: in a fabric the
 * same packet is seen before, in and after its tunnel, but who wraps it once more and sends it to
 * an address outside has sent it a second time.
 *
 * A packet outside of any tunnel is no copy of one in a tunnel in another VLAN: of a mirror's frame
 * (ERSPAN) that is whatever its sender wrote, and the VLAN may decide who is inside. Else a host
 * that wraps each of its packets in advance would have them counted in a place that nobody has.
 *
 * Bound: DUPLICATES_KEPT packets in buckets of two, the older goes; where the tap proved to show
 * copies, one that goes before its 100 ms are over is counted. Of conversations CONVERSATIONS are
 * remembered, the newer in place of the older: then rule 3 does not apply, and rule 1 takes the
 * sender's word. Thread: one at a time. */
#include "weir/flow/duplicate.h"

#include "flow.h"
#include "marks.h"

#include "weir/base/pages.h"

#include <stdlib.h>
#include <string.h>

#define TELLS_NS     (100 * NS_PER_MS)
#define ELSEWHERE_NS (20 * NS_PER_MS)
#define PROVEN_NS    (10 * NS_PER_MS)
#define TIMER_NS     NS_PER_MS

#define BUCKETS       (DUPLICATES_KEPT / 2)
#define CONVERSATIONS 4096u
#define COPIES_MOST   8u
#define FLOOD         (COPIES_MOST + 1) /* in place of how many there were */
#define SAME_ID       2 /* packets that repeat an identification: it is never changed */

#define PROOF_WINDOW 1024u
#define PROOF_COPIES 8u
#define PROOF_SHARE  16u

#define PROTO_ESP 50

struct kept {
    uint64_t digest; /* 0: empty */
    int64_t time_ns;
    uint64_t tenant;
    uint32_t outer;
    uint16_t hop;
    uint16_t vlan : 12, copies : 4; /* seen of it, up to COPIES_MOST; FLOOD */
};
_Static_assert(sizeof(struct kept) == 32, "a bucket of two is one cache line");

struct sender {     /* one side of a conversation */
    uint32_t ticks; /* when it last spoke, see ticks_of */
    uint16_t id;
    uint8_t same; /* packets that had the identification of the one before, in a row */
    bool seen;
};

struct conversation {
    uint32_t tag;
    struct sender side[2];
};

enum sight { SIGHT_SAME, SIGHT_OTHER, SIGHTS }; /* the copy was seen at the place of the first? */

struct duplicates {
    struct kept kept[BUCKETS][2];
    struct conversation conversation[CONVERSATIONS];
    struct marks_key key;
    struct prefix_set private;
    uint32_t packets; /* whose identity is certain: the last 1,024 or so */
    struct proof {
        uint32_t copies;               /* among them */
        int64_t slowest_ns, before_ns; /* of them: the longest after its first; of those before */
    } proof[SIGHTS];
    uint64_t forgotten;
};

/* One question: the packet and what is known around it. */
struct question {
    const struct packet *packet;
    struct marks marks;
    uint64_t digest;
    const struct sender *peer;
    bool whole; /* nothing of it that matters was cut off */
    bool tells; /* rule 1 */
};

struct duplicates *duplicates_new(void)
{
    struct duplicates *d = pages_alloc(sizeof *d);
    memset(d, 0, sizeof *d);
    marks_key_init(&d->key);
    prefix_set_default_inside(&d->private);
    return d;
}

void duplicates_free(struct duplicates *duplicates)
{
    if (duplicates)
        prefix_set_fini(&duplicates->private);
    free(duplicates);
}

void duplicates_health(const struct duplicates *duplicates, struct health *health)
{
    health->duplicates_forgotten += duplicates->forgotten;
}

/* --- what is known of the sender ------------------------------------------------------------- */

static bool is_segment(const struct packet *packet)
{
    return packet->proto == PROTO_TCP && !packet->later_fragment;
}

static bool uses_sequence(const struct packet *packet)
{
    return is_segment(packet) &&
           (packet->payload_bytes > 0 || (packet->tcp_flags & (TCP_SYN | TCP_FIN)));
}

static struct conversation *conversation_of(struct duplicates *d, const struct marks *marks)
{
    struct conversation *c = &d->conversation[marks->conversation_place % CONVERSATIONS];
    uint32_t tag = (uint32_t)(marks->conversation >> 32);
    if (c->tag != tag)
        *c = (struct conversation){.tag = tag};
    return c;
}

static bool id_tells(const struct packet *packet, const struct sender *sender)
{
    if (packet->proto == PROTO_ESP || packet->fragment) /* IPv6 has one there too */
        return true;
    return packet->ip_version == 4 && packet->ip_id > 1 &&
           !(sender->same >= SAME_ID && sender->id == (uint16_t)packet->ip_id);
}

/* 256 ns each; they wrap: what is more than nine minutes ago may look like now. */
static uint32_t ticks_of(int64_t time_ns)
{
    return (uint32_t)((uint64_t)time_ns >> 8);
}

static void sender_spoke(struct sender *sender, const struct packet *packet)
{
    uint16_t id = (uint16_t)packet->ip_id;
    if (!sender->seen || sender->id != id)
        sender->same = 0;
    else if (sender->same < SAME_ID)
        sender->same++;
    sender->id = id;
    sender->ticks = ticks_of(packet->time.ns);
    sender->seen = true;
}

/* --- the tap's record ------------------------------------------------------------------------ */

static bool is_certain(const struct question *q)
{
    return q->whole && (q->tells || uses_sequence(q->packet));
}

/* `copy_ns`: so long after the first; -1: it is no copy. */
static void prove(struct duplicates *d, const struct question *q, int64_t copy_ns, enum sight sight)
{
    if (!is_certain(q))
        return;
    if (copy_ns >= 0) {
        d->proof[sight].copies++;
        if (copy_ns > d->proof[sight].slowest_ns)
            d->proof[sight].slowest_ns = copy_ns;
    }
    if (++d->packets < PROOF_WINDOW)
        return;
    d->packets /= 2;
    for (int i = 0; i < SIGHTS; i++) {
        struct proof *proof = &d->proof[i];
        *proof = (struct proof){proof->copies / 2, 0, proof->slowest_ns};
    }
}

/* One packet has had more copies than a mirror makes: they were none, and prove nothing. */
static void disprove(struct duplicates *d, const struct question *q, enum sight sight)
{
    struct proof *proof = &d->proof[sight];
    if (is_certain(q))
        proof->copies -= proof->copies < COPIES_MOST ? proof->copies : COPIES_MOST;
}

static bool proven(const struct duplicates *d, enum sight sight)
{
    uint32_t copies = d->proof[sight].copies;
    return copies >= PROOF_COPIES && copies * PROOF_SHARE >= d->packets;
}

/* How long after their first copies come here, and as much again: not all have been seen. */
static int64_t patience_ns(const struct duplicates *d, enum sight sight)
{
    const struct proof *proof = &d->proof[sight];
    int64_t slowest_ns =
        proof->slowest_ns > proof->before_ns ? proof->slowest_ns : proof->before_ns;
    int64_t patience_ns = 2 * slowest_ns + NS_PER_US;
    return patience_ns < PROVEN_NS ? patience_ns : PROVEN_NS;
}

/* --- the rules ------------------------------------------------------------------------------- */

static enum sight sight_of(const struct kept *kept, const struct question *q)
{
    bool same = kept->hop == q->marks.hop && kept->outer == q->marks.outer &&
                kept->vlan == q->packet->vlan && kept->tenant == q->packet->tenant;
    return same ? SIGHT_SAME : SIGHT_OTHER;
}

/* In a tunnel of other addresses than the first: is it still inside? Out of the first's tunnel: is
 * it where that was? */
static bool stays(const struct duplicates *d, const struct kept *kept, const struct question *q)
{
    const struct tunnel *tunnel = &q->packet->tunnel;
    if (q->marks.outer == 0)
        return kept->outer == 0 || kept->vlan == q->packet->vlan;
    return q->marks.outer == kept->outer || (prefix_set_has(&d->private, &tunnel->orig_ip) &&
                                             prefix_set_has(&d->private, &tunnel->resp_ip));
}

static bool is_link_local(const struct ip *ip)
{
    if (ip_is_v4(ip))
        return ip->byte[12] == 169 && ip->byte[13] == 254;
    return ip->byte[0] == 0xfe && (ip->byte[1] & 0xc0) == 0x80;
}

static bool stays_on_link(const struct packet *packet)
{
    return ip_is_group(&packet->dst) || is_link_local(&packet->src) || is_link_local(&packet->dst);
}

/* Rule 2. */
static bool seen_elsewhere(const struct kept *kept, const struct question *q, int64_t apart_ns)
{
    bool other_link = kept->vlan != q->packet->vlan || kept->tenant != q->packet->tenant;
    return apart_ns <= ELSEWHERE_NS && !(other_link && stays_on_link(q->packet));
}

/* Rule 3. */
static bool sooner_than_timers(const struct kept *kept, const struct question *q, int64_t apart_ns)
{
    if (!uses_sequence(q->packet))
        return false;
    if ((q->packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
        return apart_ns <= TELLS_NS;
    return apart_ns <= TIMER_NS && q->peer->seen &&
           (int32_t)(q->peer->ticks - ticks_of(kept->time_ns)) < 0;
}

/* How many copies a packet has here, by those whose identity is certain. */
static uint32_t copies_each(const struct duplicates *d, enum sight sight)
{
    uint32_t once = d->packets - d->proof[SIGHT_SAME].copies - d->proof[SIGHT_OTHER].copies;
    uint32_t each = once > 0 ? (d->proof[sight].copies + once / 2) / once : COPIES_MOST;
    return each > 0 ? each : 1;
}

/* Rule 4. */
static bool expected(const struct duplicates *d, const struct kept *kept, int64_t apart_ns,
                     enum sight sight)
{
    return proven(d, sight) && apart_ns <= patience_ns(d, sight) &&
           kept->copies < copies_each(d, sight);
}

/* So long after the first (of several taps, the later may come first); -1: out of reach. */
static int64_t apart(const struct kept *kept, const struct packet *packet)
{
    int64_t apart_ns;
    if (__builtin_sub_overflow(packet->time.ns, kept->time_ns, &apart_ns) || apart_ns < -TELLS_NS ||
        apart_ns > TELLS_NS)
        return -1;
    return apart_ns < 0 ? -apart_ns : apart_ns;
}

static bool is_copy(const struct duplicates *d, const struct kept *kept, const struct question *q,
                    enum sight sight, int64_t apart_ns)
{
    if (apart_ns < 0 || kept->copies >= COPIES_MOST || !stays(d, kept, q))
        return false;
    if (!q->whole)
        return expected(d, kept, apart_ns, sight);
    if (q->tells)
        return true;
    if (sight == SIGHT_OTHER)
        return seen_elsewhere(kept, q, apart_ns);
    return sooner_than_timers(kept, q, apart_ns) || expected(d, kept, apart_ns, sight);
}

/* --- a packet -------------------------------------------------------------------------------- */

/* Has `kept` been there for less than a copy may take? */
static bool is_fresh(const struct kept *kept, int64_t now_ns)
{
    int64_t age_ns;
    return !__builtin_sub_overflow(now_ns, kept->time_ns, &age_ns) && age_ns <= TELLS_NS;
}

/* In place of the equal one, an empty one, or the older of the two. */
static void keep(struct duplicates *d, struct kept bucket[2], struct kept *at,
                 const struct question *q)
{
    const struct packet *packet = q->packet;
    if (!at) {
        bool second = bucket[0].digest != 0 &&
                      (bucket[1].digest == 0 || bucket[1].time_ns < bucket[0].time_ns);
        at = &bucket[second];
        d->forgotten += at->digest != 0 && is_fresh(at, packet->time.ns) &&
                        (proven(d, SIGHT_SAME) || proven(d, SIGHT_OTHER));
    }
    *at = (struct kept){
        .digest = q->digest,
        .time_ns = packet->time.ns,
        .tenant = packet->tenant,
        .vlan = packet->vlan & 0x0fffu,
        .hop = q->marks.hop,
        .outer = q->marks.outer,
    };
}

/* The packet `at` has come again more often than a mirror shows one. */
static void keep_flood(struct duplicates *d, struct kept *at, const struct question *q,
                       struct sender *sender, enum sight sight)
{
    if (at->copies == COPIES_MOST)
        disprove(d, q, sight);
    sender->same = SAME_ID;
    keep(d, at, at, q);
    at->copies = FLOOD; /* as long as it goes on */
}

bool duplicates_seen(struct duplicates *d, const struct packet *packet, struct duplicate *of)
{
    if (packet->fragment && packet->frames <= 1)
        return false;
    struct marks marks = marks_of(&d->key, packet);
    struct kept *bucket = d->kept[marks.place % BUCKETS], *at = NULL;
    __builtin_prefetch(bucket, 1); /* while the payload is hashed */
    uint64_t digest = marks_digest(&d->key, packet, marks.headers);
    for (int i = 0; i < 2 && !at; i++)
        at = bucket[i].digest == digest ? &bucket[i] : NULL;
    struct conversation *conversation = conversation_of(d, &marks);
    struct sender *sender = &conversation->side[marks.side];
    struct question q = {
        .packet = packet,
        .marks = marks,
        .digest = digest,
        .peer = &conversation->side[1 - marks.side],
        .whole = is_segment(packet) || packet->payload_captured == packet->payload_bytes,
        .tells = id_tells(packet, sender),
    };
    enum sight sight = at ? sight_of(at, &q) : SIGHT_SAME;
    int64_t apart_ns = at ? apart(at, packet) : -1;
    bool copy = at && is_copy(d, at, &q, sight, apart_ns);
    prove(d, &q, copy ? apart_ns : -1, sight);
    if (copy) {
        bool certain = q.whole && (is_segment(packet) || (q.tells && packet->checksum != 0));
        *of = (struct duplicate){{at->tenant, at->vlan}, certain};
        at->copies++;
        return true;
    }
    sender_spoke(sender, packet);
    if (at && apart_ns >= 0 && at->copies >= COPIES_MOST)
        keep_flood(d, at, &q, sender, sight);
    else
        keep(d, bucket, at, &q);
    return false;
}
