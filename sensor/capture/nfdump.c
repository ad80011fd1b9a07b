/* NetFlow and IPFIX as nfdump prints them: lines of columns that a first line names, of nfdump up
 * to 1.7.1 ("ts,te,td,sa,da,…") and later ("firstSeen,duration,proto,srcAddr,…", or what `csv:%…`
 * asks for). Its JSON is not read: it is no lines, and as lines some versions print packets as
 * bytes.
 *
 * A flow is of one direction, or of both (`-b`): what becomes a connection is in nfdump_pairs.c.
 * Bytes are those of IP: see log_values.c. Times have no zone: they are taken as UTC.
 *
 * Thread: the capture thread. */
#include "nfdump.h"

#include "log_values.h"
#include "nfdump_pairs.h"
#include "weir/base/buffer.h"
#include "weir/decode/packet.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 64u /* of a line; further ones are not looked at */

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

struct nfdump {
    uint8_t column[COLUMNS];
    size_t columns;
    bool over; /* the sums behind the flows have begun */
    struct nfdump_pairs pairs;
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
    nfdump_pairs_init(&nfdump->pairs);
    return nfdump;
}

void nfdump_free(struct nfdump *nfdump)
{
    if (!nfdump)
        return;
    nfdump_pairs_fini(&nfdump->pairs);
    free(nfdump);
}

/* --- a line ----------------------------------------------------------------------------------- */

/* "2048", or "8.0": type and code. */
static bool take_icmp(struct log_span span, struct flow_key *key)
{
    uint64_t type, code;
    struct log_span part;
    if (span.at && memchr(span.at, '.', span.size)) {
        if (!log_next(&span, '.', &part) || !log_number(part, UINT8_MAX, &type) ||
            !log_number(span, UINT8_MAX, &code))
            return false;
    } else {
        if (!log_number(span, UINT16_MAX, &type))
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
    if (!log_number(value[VLAN], 4095, &vlan))
        return false;
    key->vlan = (uint16_t)vlan;
    if (key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6)
        return take_icmp(value[DST_PORT], key);
    if (!log_number(value[SRC_PORT], UINT16_MAX, &src) ||
        !log_number(value[DST_PORT], UINT16_MAX, &dst))
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
    if (!log_number(value[packets], UINT64_MAX, &side->packets) ||
        !log_number(value[bytes], UINT64_MAX, &side->ip_bytes))
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
    if (!log_protocol(value[PROTO], &c->key.proto))
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
    static const unsigned sent[] = {NFDUMP_SYN, NFDUMP_RST, NFDUMP_FIN};
    unsigned all = 0;
    for (size_t i = 0; flags.at && i < sizeof sent / sizeof *sent; i++)
        if (memchr(flags.at, letters[i], flags.size))
            all |= sent[i];
    if ((all & NFDUMP_SYN) && !memchr(flags.at, 'A', flags.size))
        all |= NFDUMP_SYN_ALONE;
    return all;
}

/* --- lines ------------------------------------------------------------------------------------ */

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
        *any = nfdump_pair(&nfdump->pairs, connection, sent_of(value[FLAGS]));
    return result;
}

bool nfdump_due(struct nfdump *nfdump, struct connection *connection)
{
    return nfdump_pairs_due(&nfdump->pairs, connection);
}

bool nfdump_rest(struct nfdump *nfdump, struct connection *connection)
{
    return nfdump_pairs_rest(&nfdump->pairs, connection);
}
