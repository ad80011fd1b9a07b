/* Which two lines of nfdump's are one connection, and who opened it.
 *
 * A flow waits for the one of the same addresses and ports turned, of about the same time, and both
 * are one connection; what is bidirectional already (`-b`: out packets) does not wait. What is
 * further than WAIT_NS from the log's time goes on alone; so does the one that waited longest when
 * NFDUMP_WAITING do. The log's time is the middle one of its last lines', so that a connection with
 * a wrong date moves nobody's, and waits no longer than others.
 *
 * Who opened it, the log does not say (also of `-b`, which puts first what was seen first): a SYN
 * without ACK does (of one direction alone), else the ports, else which side was seen first.
 *
 * Thread: the capture thread. */
#include "nfdump_pairs.h"

#include "nfdump.h"
#include "weir/base/buffer.h"
#include "weir/decode/packet.h"
#include "weir/flow/table.h"

#include <stdlib.h>
#include <string.h>

#define APART_NS  NS_PER_MIN /* two directions of one connection are not further apart in time */
#define WAIT_NS   (30 * NS_PER_MIN + APART_NS) /* active time-outs are half an hour at most */
#define LOOKED_AT 8u                           /* of those with one key that wait: the newest */

struct waiting {
    struct connection connection;
    unsigned sent; /* NFDUMP_SYN, … */
    size_t line;   /* which one it came with */
    struct waiting *older, *newer;
    struct waiting *before, *behind; /* of the same key … */
    struct waiting *last;            /* … of the first of them: the last one */
};

void nfdump_pairs_init(struct nfdump_pairs *pairs)
{
    *pairs = (struct nfdump_pairs){.lines = 0};
    map_init(&pairs->waiting);
}

void nfdump_pairs_fini(struct nfdump_pairs *pairs)
{
    map_fini(&pairs->waiting, NULL);
    for (struct waiting *next; pairs->oldest; pairs->oldest = next) {
        next = pairs->oldest->newer;
        free(pairs->oldest);
    }
}

/* --- who opened it ---------------------------------------------------------------------------- */

static void turn(struct connection *c)
{
    struct connection_side side = c->side[SIDE_ORIG];
    c->key = flow_key_turned(&c->key);
    c->side[SIDE_ORIG] = c->side[SIDE_RESP];
    c->side[SIDE_RESP] = side;
}

/* By the ports, unless the first side's SYN says so. */
static uint32_t settle_sides(struct connection *c, unsigned sent)
{
    uint16_t by = 0;
    if (sent & NFDUMP_SYN_ALONE)
        return FLOW_ORIG_BY_SYN;
    if (c->key.proto != PROTO_TCP && c->key.proto != PROTO_UDP && c->key.proto != PROTO_SCTP)
        return 0;
    if (!flow_ports_say_sender(c->key.orig_port, c->key.resp_port, &by))
        turn(c);
    return by;
}

static void settle(struct connection *c, unsigned sent)
{
    const struct connection_side *side = c->side;
    bool is_tcp = c->key.proto == PROTO_TCP;
    bool both = side[SIDE_ORIG].packets > 0 && side[SIDE_RESP].packets > 0;
    c->flags = settle_sides(c, sent);
    c->end = FLOW_END_IDLE;
    if (both && (!is_tcp || (side[SIDE_ORIG].high_bytes > 0 && side[SIDE_RESP].high_bytes > 0)))
        c->flags |= FLOW_ESTABLISHED;
    if (!is_tcp)
        return;
    c->flags |= both ? 0 : FLOW_ONE_SIDED;
    c->flags |= sent & NFDUMP_SYN ? 0 : FLOW_MIDSTREAM;
    if (sent & NFDUMP_RST)
        c->end = FLOW_END_RESET;
    else if (sent & NFDUMP_FIN)
        c->end = FLOW_END_CLOSED;
}

/* --- the clock -------------------------------------------------------------------------------- */

static void note_time(struct nfdump_pairs *pairs, int64_t ns)
{
    if (pairs->lines == 0)
        for (size_t i = 0; i < NFDUMP_CLOCK; i++)
            pairs->end_ns[i] = ns;
    pairs->end_ns[pairs->lines++ % NFDUMP_CLOCK] = ns;
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t clock_of(const struct nfdump_pairs *pairs)
{
    int64_t ns[NFDUMP_CLOCK];
    memcpy(ns, pairs->end_ns, sizeof ns);
    qsort(ns, NFDUMP_CLOCK, sizeof *ns, by_time);
    return ns[NFDUMP_CLOCK / 2];
}

/* --- pairs ------------------------------------------------------------------------------------ */

static struct waiting *first_of(const struct nfdump_pairs *pairs, const struct flow_key *key)
{
    return map_get(&pairs->waiting, key, sizeof *key);
}

static void unlink_key(struct nfdump_pairs *pairs, struct waiting *w)
{
    const struct flow_key *key = &w->connection.key;
    struct waiting *first = first_of(pairs, key), *next = w->behind;
    if (next)
        next->before = w->before;
    else
        first->last = w->before;
    if (w->before) {
        w->before->behind = next;
    } else if (next) {
        next->last = w->last;
        map_put(&pairs->waiting, key, sizeof *key, next);
    } else {
        map_remove(&pairs->waiting, key, sizeof *key);
    }
}

static void unlink_age(struct nfdump_pairs *pairs, struct waiting *w)
{
    *(w->older ? &w->older->newer : &pairs->oldest) = w->newer;
    *(w->newer ? &w->newer->older : &pairs->newest) = w->older;
    pairs->count--;
}

static void take_out(struct nfdump_pairs *pairs, struct waiting *w, struct connection *connection,
                     unsigned *sent)
{
    unlink_key(pairs, w);
    unlink_age(pairs, w);
    *connection = w->connection;
    *sent = w->sent;
    free(w);
}

static void wait_for_other(struct nfdump_pairs *pairs, const struct connection *connection,
                           unsigned sent)
{
    struct waiting *w = xcalloc(1, sizeof *w);
    w->connection = *connection;
    w->sent = sent;
    w->line = pairs->lines;
    struct waiting *first = first_of(pairs, &connection->key);
    if (first) {
        w->before = first->last;
        first->last->behind = w;
        first->last = w;
    } else {
        w->last = w;
        map_put(&pairs->waiting, &connection->key, sizeof connection->key, w);
    }
    w->older = pairs->newest;
    *(pairs->newest ? &pairs->newest->newer : &pairs->oldest) = w;
    pairs->newest = w;
    pairs->count++;
}

static struct waiting *find_other(const struct nfdump_pairs *pairs, const struct connection *c)
{
    struct flow_key key = flow_key_turned(&c->key);
    struct waiting *first = first_of(pairs, &key), *w = first ? first->last : NULL;
    for (size_t i = 1; w && w->before && i < LOOKED_AT; i++)
        w = w->before;
    for (; w; w = w->behind)
        if (w->connection.start_ns <= c->end_ns + APART_NS &&
            c->start_ns <= w->connection.end_ns + APART_NS)
            return w;
    return NULL;
}

/* A side that sent a SYN alone is first, else the one seen first. */
static void join(struct connection *c, unsigned *sent, const struct connection *other,
                 unsigned other_sent)
{
    struct connection first = *c, second = *other;
    bool by_syn = (other_sent ^ *sent) & NFDUMP_SYN_ALONE;
    if (by_syn ? other_sent & NFDUMP_SYN_ALONE : other->start_ns <= c->start_ns) {
        first = *other;
        second = *c;
    }
    *sent |= other_sent;
    *c = first;
    c->side[SIDE_RESP] = second.side[SIDE_ORIG];
    if (second.start_ns < c->start_ns)
        c->start_ns = second.start_ns;
    if (second.end_ns > c->end_ns)
        c->end_ns = second.end_ns;
}

/* --- lines ------------------------------------------------------------------------------------ */

bool nfdump_pair(struct nfdump_pairs *pairs, struct connection *c, unsigned sent)
{
    struct connection waited;
    unsigned waited_sent;
    note_time(pairs, c->end_ns);
    if (c->side[SIDE_RESP].packets > 0) {
        settle(c, sent);
        return true;
    }
    struct waiting *other = find_other(pairs, c);
    if (other) {
        take_out(pairs, other, &waited, &waited_sent);
        join(c, &sent, &waited, waited_sent);
        settle(c, sent);
        return true;
    }
    struct connection alone = *c;
    bool any = pairs->count == NFDUMP_WAITING && nfdump_pairs_rest(pairs, c);
    wait_for_other(pairs, &alone, sent);
    return any;
}

/* Of another time than the log by now, whichever: the lines that say so all came behind it. */
bool nfdump_pairs_due(struct nfdump_pairs *pairs, struct connection *connection)
{
    const struct waiting *oldest = pairs->oldest;
    if (!oldest || pairs->lines - oldest->line < NFDUMP_CLOCK)
        return false;
    int64_t ahead_ns = oldest->connection.end_ns - clock_of(pairs);
    return (ahead_ns < -WAIT_NS || ahead_ns > WAIT_NS) && nfdump_pairs_rest(pairs, connection);
}

bool nfdump_pairs_rest(struct nfdump_pairs *pairs, struct connection *connection)
{
    unsigned sent;
    if (!pairs->oldest)
        return false;
    take_out(pairs, pairs->oldest, connection, &sent);
    settle(connection, sent);
    return true;
}
