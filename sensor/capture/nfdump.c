/* NetFlow and IPFIX as nfdump prints them: lines of columns that a first line names, of nfdump up
 * to 1.7.1 ("ts,te,td,sa,da,…") and later ("firstSeen,duration,proto,srcAddr,…", or what `csv:%…`
 * asks for). Its JSON is not read: it is no lines, and as lines some versions print packets as
 * bytes.
 *
 * A flow is of one direction. It waits for the one of the same addresses and ports turned, of about
 * the same time, and both are one connection; what is bidirectional already (`-b`: out packets)
 * does not wait. At most NFDUMP_WAITING wait; the one that waited longest goes on alone.
 *
 * Who opened it, the log does not say (also of `-b`, which puts first what was seen first): a SYN
 * without ACK does (of one direction alone), else the ports, else which side was seen first. Bytes
 * are those of IP: see log_values.c. Times have no zone: they are taken as UTC.
 *
 * Thread: the capture thread. */
#include "nfdump.h"

#include "log_values.h"
#include "weir/base/buffer.h"
#include "weir/base/map.h"
#include "weir/decode/packet.h"
#include "weir/flow/table.h"

#include <stdlib.h>
#include <string.h>

#define APART_NS  NS_PER_MIN /* two directions of one connection are not further apart in time */
#define WAIT_NS   (30 * NS_PER_MIN + APART_NS) /* active time-outs are half an hour at most */
#define LOOKED_AT 8u                           /* of those with one key that wait: the newest */
#define COLUMNS   64u                          /* of a line; further ones are not looked at */

/* Of one direction, or of both. */
#define SENT_SYN_ALONE 1u /* never with an ACK */
#define SENT_SYN       2u
#define SENT_RST       4u
#define SENT_FIN       8u

enum field {
    FIRST,
    LAST,
    DURATION,
    SRC,
    DST,
    SRC_PORT,
    DST_PORT,
    PROTO,
    FLAGS,
    IN_PACKETS,
    IN_BYTES,
    OUT_PACKETS,
    OUT_BYTES,
    VLAN,
    FIELDS
};

/* Of either kind, and "packets", "bytes" of a list without direction. */
static const struct {
    const char *name;
    enum field field;
} columns[] = {{"ts", FIRST},
               {"te", LAST},
               {"td", DURATION},
               {"sa", SRC},
               {"da", DST},
               {"sp", SRC_PORT},
               {"dp", DST_PORT},
               {"pr", PROTO},
               {"flg", FLAGS},
               {"ipkt", IN_PACKETS},
               {"ibyt", IN_BYTES},
               {"opkt", OUT_PACKETS},
               {"obyt", OUT_BYTES},
               {"svln", VLAN},
               {"firstSeen", FIRST},
               {"lastSeen", LAST},
               {"duration", DURATION},
               {"srcAddr", SRC},
               {"dstAddr", DST},
               {"srcPort", SRC_PORT},
               {"dstPort", DST_PORT},
               {"proto", PROTO},
               {"flags", FLAGS},
               {"packets", IN_PACKETS},
               {"bytes", IN_BYTES},
               {"inPackets", IN_PACKETS},
               {"inBytes", IN_BYTES},
               {"outPackets", OUT_PACKETS},
               {"outBytes", OUT_BYTES},
               {"srcVlan", VLAN}};

struct waiting {
    struct connection connection;
    unsigned sent; /* SENT_… */
    struct waiting *older, *newer;
    struct waiting *before, *behind; /* of the same key … */
    struct waiting *last;            /* … of the first of them: the last one */
};

struct nfdump {
    uint8_t column[COLUMNS];
    size_t columns;
    bool over;          /* the sums behind the flows have begun */
    struct map waiting; /* struct flow_key → the first of them */
    struct waiting *oldest, *newest;
    size_t count;
    int64_t now_ns; /* the end of the last line's flow */
};

/* --- the head --------------------------------------------------------------------------------- */

static bool next_column(struct log_span *rest, struct log_span *span)
{
    if (!log_next(rest, ',', span))
        return false;
    while (span->size > 0 && *span->at == ' ') {
        span->at++;
        span->size--;
    }
    return true;
}

static uint8_t field_of(struct log_span name)
{
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (log_is(name, columns[i].name))
            return (uint8_t)columns[i].field;
    return FIELDS;
}

static size_t read_head(struct log_span line, uint8_t column[COLUMNS])
{
    size_t count = 0;
    struct log_span name;
    bool has[FIELDS + 1] = {false};
    while (count < COLUMNS && next_column(&line, &name)) {
        column[count] = field_of(name);
        has[column[count++]] = true;
    }
    return has[FIRST] && has[SRC] && has[DST] && has[PROTO] && has[IN_BYTES] ? count : 0;
}

bool nfdump_recognise(const char *line, size_t size)
{
    uint8_t column[COLUMNS];
    return read_head((struct log_span){line, size}, column) > 0;
}

struct nfdump *nfdump_new(void)
{
    struct nfdump *nfdump = xcalloc(1, sizeof *nfdump);
    map_init(&nfdump->waiting);
    return nfdump;
}

void nfdump_free(struct nfdump *nfdump)
{
    if (!nfdump)
        return;
    map_fini(&nfdump->waiting, NULL);
    for (struct waiting *next; nfdump->oldest; nfdump->oldest = next) {
        next = nfdump->oldest->newer;
        free(nfdump->oldest);
    }
    free(nfdump);
}

/* --- a line ----------------------------------------------------------------------------------- */

static bool number_of(struct log_span span, uint64_t most, uint64_t *number)
{
    bool known;
    return log_count(span, number, &known) && *number <= most;
}

static bool protocol_of(struct log_span span, uint8_t *proto)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } names[] = {
        {"TCP", PROTO_TCP},   {"UDP", PROTO_UDP}, {"ICMP", PROTO_ICMP}, {"ICMP6", PROTO_ICMP6},
        {"SCTP", PROTO_SCTP}, {"GRE", 47},        {"ESP", 50},          {"AH", 51},
        {"IPv6", 41}};
    uint64_t number;
    if (!span.at || span.size == 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (log_is(span, names[i].name)) {
            *proto = names[i].proto;
            return true;
        }
    *proto = number_of(span, UINT8_MAX, &number) ? (uint8_t)number : 255; /* some name: reserved */
    return true;
}

/* "2048", or "8.0": type and code. */
static bool take_icmp(struct log_span span, struct flow_key *key)
{
    uint64_t type, code;
    struct log_span part;
    if (span.at && memchr(span.at, '.', span.size)) {
        if (!log_next(&span, '.', &part) || !number_of(part, UINT8_MAX, &type) ||
            !number_of(span, UINT8_MAX, &code))
            return false;
    } else {
        if (!number_of(span, UINT16_MAX, &type))
            return false;
        code = type & UINT8_MAX;
        type >>= 8u;
    }
    icmp_ports(key->proto, (uint8_t)type, (uint8_t)code, &key->orig_port, &key->resp_port);
    return true;
}

static bool take_ports(const struct log_span value[FIELDS], struct flow_key *key)
{
    uint64_t src, dst, vlan;
    if (!number_of(value[VLAN], 4095, &vlan))
        return false;
    key->vlan = (uint16_t)vlan;
    if (key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6)
        return take_icmp(value[DST_PORT], key);
    if (!number_of(value[SRC_PORT], UINT16_MAX, &src) ||
        !number_of(value[DST_PORT], UINT16_MAX, &dst))
        return false;
    key->orig_port = (uint16_t)src;
    key->resp_port = (uint16_t)dst;
    return true;
}

/* "2020-06-05 14:39:59.305", or seconds since 1970. */
static bool time_of(struct log_span span, int64_t *ns)
{
    return log_time(span, ns) || log_seconds(span, ns);
}

static bool take_times(const struct log_span value[FIELDS], struct connection *c)
{
    int64_t duration_ns = 0;
    if (!time_of(value[FIRST], &c->start_ns))
        return false;
    if (value[DURATION].at && log_seconds(value[DURATION], &duration_ns))
        c->end_ns = c->start_ns + duration_ns;
    else if (!time_of(value[LAST], &c->end_ns))
        c->end_ns = c->start_ns;
    if (c->end_ns < c->start_ns)
        c->end_ns = c->start_ns;
    return c->end_ns / NS_PER_S < LOG_SECONDS_MAX;
}

static bool take_side(const struct log_span value[FIELDS], enum field packets, enum field bytes,
                      const struct flow_key *key, struct connection_side *side)
{
    if (!number_of(value[packets], UINT64_MAX, &side->packets) ||
        !number_of(value[bytes], UINT64_MAX, &side->ip_bytes))
        return false;
    if (side->packets == 0 && side->ip_bytes > 0)
        side->packets = 1;
    log_bound_payload(key, side);
    return true;
}

static enum log_result take_values(const struct log_span value[FIELDS], struct connection *c)
{
    memset(c, 0, sizeof *c);
    if (!take_times(value, c))
        return LOG_NO_TIME;
    if (!log_address(value[SRC], &c->key.orig_ip) || !log_address(value[DST], &c->key.resp_ip))
        return LOG_NO_ADDRESS;
    if (!protocol_of(value[PROTO], &c->key.proto))
        return LOG_NO_PROTOCOL;
    if (!take_ports(value, &c->key) ||
        !take_side(value, IN_PACKETS, IN_BYTES, &c->key, &c->side[SIDE_ORIG]) ||
        !take_side(value, OUT_PACKETS, OUT_BYTES, &c->key, &c->side[SIDE_RESP]))
        return LOG_NO_NUMBER;
    if (c->side[SIDE_ORIG].packets + c->side[SIDE_RESP].packets == 0)
        c->side[SIDE_ORIG].packets = 1; /* something was seen, or there were no line */
    return LOG_OK;
}

/* "...AP.SF": of all packets together. */
static unsigned sent_of(struct log_span flags)
{
    static const char letters[] = "SRF";
    static const unsigned sent[] = {SENT_SYN, SENT_RST, SENT_FIN};
    unsigned all = 0;
    for (size_t i = 0; flags.at && i < sizeof sent / sizeof *sent; i++)
        if (memchr(flags.at, letters[i], flags.size))
            all |= sent[i];
    if ((all & SENT_SYN) && !memchr(flags.at, 'A', flags.size))
        all |= SENT_SYN_ALONE;
    return all;
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
    if (sent & SENT_SYN_ALONE)
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
    c->flags |= sent & SENT_SYN ? 0 : FLOW_MIDSTREAM;
    if (sent & SENT_RST)
        c->end = FLOW_END_RESET;
    else if (sent & SENT_FIN)
        c->end = FLOW_END_CLOSED;
}

/* --- pairs ------------------------------------------------------------------------------------ */

static struct waiting *first_of(const struct nfdump *nfdump, const struct flow_key *key)
{
    return map_get(&nfdump->waiting, key, sizeof *key);
}

static void unlink_key(struct nfdump *nfdump, struct waiting *w)
{
    const struct flow_key *key = &w->connection.key;
    struct waiting *first = first_of(nfdump, key), *next = w->behind;
    if (next)
        next->before = w->before;
    else
        first->last = w->before;
    if (w->before) {
        w->before->behind = next;
    } else if (next) {
        next->last = w->last;
        map_put(&nfdump->waiting, key, sizeof *key, next);
    } else {
        map_remove(&nfdump->waiting, key, sizeof *key);
    }
}

static void unlink_age(struct nfdump *nfdump, struct waiting *w)
{
    *(w->older ? &w->older->newer : &nfdump->oldest) = w->newer;
    *(w->newer ? &w->newer->older : &nfdump->newest) = w->older;
    nfdump->count--;
}

static void take_out(struct nfdump *nfdump, struct waiting *w, struct connection *connection,
                     unsigned *sent)
{
    unlink_key(nfdump, w);
    unlink_age(nfdump, w);
    *connection = w->connection;
    *sent = w->sent;
    free(w);
}

static void wait_for_other(struct nfdump *nfdump, const struct connection *connection,
                           unsigned sent)
{
    struct waiting *w = xcalloc(1, sizeof *w);
    w->connection = *connection;
    w->sent = sent;
    struct waiting *first = first_of(nfdump, &connection->key);
    if (first) {
        w->before = first->last;
        first->last->behind = w;
        first->last = w;
    } else {
        w->last = w;
        map_put(&nfdump->waiting, &connection->key, sizeof connection->key, w);
    }
    w->older = nfdump->newest;
    *(nfdump->newest ? &nfdump->newest->newer : &nfdump->oldest) = w;
    nfdump->newest = w;
    nfdump->count++;
}

static struct waiting *find_other(const struct nfdump *nfdump, const struct connection *c)
{
    struct flow_key key = flow_key_turned(&c->key);
    struct waiting *first = first_of(nfdump, &key), *w = first ? first->last : NULL;
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
    bool by_syn = (other_sent ^ *sent) & SENT_SYN_ALONE;
    if (by_syn ? other_sent & SENT_SYN_ALONE : other->start_ns <= c->start_ns) {
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

static void pair(struct nfdump *nfdump, struct connection *c, unsigned sent, bool *any)
{
    struct connection waited;
    unsigned waited_sent;
    *any = true;
    nfdump->now_ns = c->end_ns;
    if (c->side[SIDE_RESP].packets > 0) {
        settle(c, sent);
        return;
    }
    struct waiting *other = find_other(nfdump, c);
    if (other) {
        take_out(nfdump, other, &waited, &waited_sent);
        join(c, &sent, &waited, waited_sent);
        settle(c, sent);
        return;
    }
    struct connection alone = *c;
    *any = nfdump->count == NFDUMP_WAITING && nfdump_rest(nfdump, c);
    wait_for_other(nfdump, &alone, sent);
}

enum log_result nfdump_line(struct nfdump *nfdump, const char *line, size_t size,
                            struct connection *connection, bool *any)
{
    struct log_span value[FIELDS + 1] = {{NULL, 0}}, span, rest = {line, size};
    uint8_t column[COLUMNS];
    *any = false;
    if (size > 0 && line[size - 1] == '\r')
        rest.size--;
    if (rest.size == 0)
        return LOG_NOTHING;
    size_t columns_named = read_head(rest, column);
    if (columns_named > 0) { /* also of a second list behind the first */
        memcpy(nfdump->column, column, sizeof column);
        nfdump->columns = columns_named;
        nfdump->over = false;
        return LOG_NOTHING;
    }
    nfdump->over |= log_is(rest, "Summary");
    if (nfdump->over)
        return LOG_NOTHING;
    if (nfdump->columns == 0)
        return LOG_NO_FIELDS;
    for (size_t i = 0; i < nfdump->columns && next_column(&rest, &span); i++)
        value[nfdump->column[i]] = span;
    enum log_result result = take_values(value, connection);
    if (result == LOG_OK)
        pair(nfdump, connection, sent_of(value[FLAGS]), any);
    return result;
}

bool nfdump_due(struct nfdump *nfdump, struct connection *connection)
{
    const struct waiting *oldest = nfdump->oldest;
    return oldest && oldest->connection.end_ns < nfdump->now_ns - WAIT_NS &&
           nfdump_rest(nfdump, connection);
}

bool nfdump_rest(struct nfdump *nfdump, struct connection *connection)
{
    unsigned sent;
    if (!nfdump->oldest)
        return false;
    take_out(nfdump, nfdump->oldest, connection, &sent);
    settle(connection, sent);
    return true;
}
