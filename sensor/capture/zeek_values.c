/* What the fields of a conn.log's line are worth and mean: base/protocols/conn/main.zeek says what
 * conn_state and history are.
 *
 * "Unset" is not 0: without orig_bytes the payload is what the IP bytes leave after the least
 * headers there are (TCP: none, such a line is of one packet). A payload that Zeek took from
 * sequence numbers and that is more than what crossed plus what was missed cannot be (a reset with
 * a stray number claims gigabytes): it is held to that.
 *
 * Bounds: 64 bytes a value, counts below 2^56, times of 1970 to 2109. Nothing is allocated.
 * Thread: any; no state. */
#include "log_values.h"
#include "weir/decode/packet.h"
#include "zeek_line.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MAX   (UINT64_C(1) << 56u)
#define SECONDS_MAX 4400000000.0 /* the year 2109, as for captures */

bool zeek_is(struct zeek_span span, const char *word)
{
    return span.at && span.size == strlen(word) && memcmp(span.at, word, span.size) == 0;
}

bool zeek_next(struct zeek_span *rest, char separator, struct zeek_span *span)
{
    if (!rest->at)
        return false;
    const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;
    *span = (struct zeek_span){rest->at, end ? (size_t)(end - rest->at) : rest->size};
    if (end)
        *rest = (struct zeek_span){end + 1, rest->size - span->size - 1};
    else
        *rest = (struct zeek_span){NULL, 0};
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool copy(struct zeek_span span, char text[ZEEK_VALUE_MAX])
{
    if (!span.at || span.size == 0 || span.size >= ZEEK_VALUE_MAX)
        return false;
    memcpy(text, span.at, span.size);
    text[span.size] = '\0';
    return true;
}

static bool all_digits(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return size > 0;
}

/* `known` false: unset, which is right too. */
static bool count_of(struct zeek_span span, uint64_t *count, bool *known)
{
    char text[ZEEK_VALUE_MAX];
    *count = 0;
    *known = span.at != NULL;
    if (!span.at)
        return true;
    if (!copy(span, text) || !all_digits(text, span.size) || span.size > 17)
        return false;
    *count = strtoull(text, NULL, 10);
    return *count < COUNT_MAX;
}

/* Up to nine digits after the point. */
static int64_t fraction_ns(const char *digits, size_t size)
{
    int64_t ns = 0;
    for (size_t i = 0; i < 9; i++)
        ns = ns * 10 + (i < size ? digits[i] - '0' : 0);
    return ns;
}

/* "1591367999.305988" exactly; "2.1e-06", as JSON has it, as a double does. */
static bool seconds_of(struct zeek_span span, int64_t *ns)
{
    char text[ZEEK_VALUE_MAX], *end;
    if (!copy(span, text))
        return false;
    size_t whole = strspn(text, "0123456789");
    const char *point = text + whole;
    size_t part = *point == '.' ? strspn(point + 1, "0123456789") : 0;
    bool plain = whole > 0 && whole <= 10 && point[*point == '.' ? 1 + part : 0] == '\0';
    double seconds = strtod(text, &end);
    if (*end != '\0' || !(seconds >= 0 && seconds < SECONDS_MAX) || strpbrk(text, "xXnN"))
        return false;
    if (plain)
        *ns = strtoll(text, NULL, 10) * NS_PER_S + fraction_ns(point + 1, part);
    else
        *ns = (int64_t)(seconds * 1e9);
    return true;
}

static bool address_of(struct zeek_span span, struct ip *ip)
{
    char text[ZEEK_VALUE_MAX];
    return copy(span, text) && ip_parse(text, ip) == 0;
}

static bool protocol_of(const struct zeek_span value[ZEEK_FIELDS], bool v4, uint8_t *proto)
{
    uint64_t number;
    bool known;
    if (count_of(value[ZEEK_IP_PROTO], &number, &known) && known && number < 256)
        *proto = (uint8_t)number;
    else if (zeek_is(value[ZEEK_PROTO], "tcp"))
        *proto = PROTO_TCP;
    else if (zeek_is(value[ZEEK_PROTO], "udp"))
        *proto = PROTO_UDP;
    else if (zeek_is(value[ZEEK_PROTO], "icmp"))
        *proto = v4 ? PROTO_ICMP : PROTO_ICMP6;
    else if (zeek_is(value[ZEEK_PROTO], "unknown_transport"))
        *proto = 255; /* reserved: the log does not say which */
    else
        return false;
    return true;
}

/* --- meaning ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum service service;
} services[] = {{"quic", SERVICE_QUIC},         {"ssl", SERVICE_TLS},
                {"dns", SERVICE_DNS},           {"websocket", SERVICE_WEBSOCKET},
                {"http", SERVICE_HTTP},         {"ssh", SERVICE_SSH},
                {"smtp", SERVICE_SMTP},         {"ftp", SERVICE_FTP},
                {"ftp-data", SERVICE_FTP_DATA}, {"ntp", SERVICE_NTP},
                {"pop3", SERVICE_POP3},         {"imap", SERVICE_IMAP},
                {"smb", SERVICE_SMB},           {"modbus", SERVICE_MODBUS},
                {"modbus_tcp", SERVICE_MODBUS}, {"dnp3", SERVICE_DNP3},
                {"dnp3_tcp", SERVICE_DNP3},     {"s7comm", SERVICE_S7},
                {"bacnet", SERVICE_BACNET},     {"enip", SERVICE_CIP},
                {"cip", SERVICE_CIP},           {"opcua-binary", SERVICE_OPCUA}};

/* Of several ("ssl,http") the one that stands first in the table above: what carries the others
 * over the wire. */
static enum service service_of(struct zeek_span list)
{
    enum service found = SERVICE_NONE;
    size_t best = sizeof services / sizeof *services;
    struct zeek_span word;
    while (zeek_next(&list, ',', &word))
        for (size_t i = 0; i < best; i++)
            if (zeek_is(word, services[i].name)) {
                best = i;
                found = services[i].service;
            }
    return found;
}

static bool has(struct zeek_span history, char letter)
{
    return history.at && memchr(history.at, letter, history.size);
}

/* What conn_state says: "established" is both sides' handshake, as far as Zeek saw it. */
static const struct {
    char name[8];
    uint8_t end;
    uint32_t flags;
} states[] = {
    {"S0", FLOW_END_IDLE, FLOW_ONE_SIDED},      {"S1", FLOW_END_IDLE, FLOW_ESTABLISHED},
    {"SF", FLOW_END_CLOSED, FLOW_ESTABLISHED},  {"REJ", FLOW_END_RESET, 0},
    {"S2", FLOW_END_IDLE, FLOW_ESTABLISHED},    {"S3", FLOW_END_IDLE, FLOW_ESTABLISHED},
    {"RSTO", FLOW_END_RESET, FLOW_ESTABLISHED}, {"RSTR", FLOW_END_RESET, FLOW_ESTABLISHED},
    {"RSTOS0", FLOW_END_RESET, FLOW_ONE_SIDED}, {"RSTRH", FLOW_END_RESET, FLOW_ONE_SIDED},
    {"SH", FLOW_END_CLOSED, FLOW_ONE_SIDED},    {"SHR", FLOW_END_CLOSED, FLOW_ONE_SIDED}};

static uint32_t tcp_flags(const struct zeek_span value[ZEEK_FIELDS], bool two_sided, uint8_t *end)
{
    uint32_t flags = two_sided ? FLOW_ESTABLISHED : 0; /* OTH, or nothing said */
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (zeek_is(value[ZEEK_STATE], states[i].name)) {
            flags = states[i].flags;
            *end = states[i].end;
        }
    bool opened = has(value[ZEEK_HISTORY], 'S') || has(value[ZEEK_HISTORY], 'h');
    if (!value[ZEEK_HISTORY].at)
        opened = value[ZEEK_STATE].at && !zeek_is(value[ZEEK_STATE], "OTH");
    return flags | (opened ? FLOW_ORIG_BY_SYN : FLOW_MIDSTREAM);
}

/* A line without the packets column is of one at least, which makes its first piece the first. */
static bool take_side(const struct zeek_span value[ZEEK_FIELDS], enum zeek_field bytes,
                      enum zeek_field packets, enum zeek_field ip_bytes,
                      struct connection_side *side, bool known[2])
{
    bool packets_known;
    return count_of(value[bytes], &side->payload_bytes, &known[0]) &&
           count_of(value[packets], &side->packets, &packets_known) &&
           count_of(value[ip_bytes], &side->ip_bytes, &known[1]);
}

/* `known`: payload, IP bytes. */
static void settle_side(const struct connection *c, struct connection_side *side,
                        const bool known[2])
{
    uint64_t header =
        (ip_is_v4(&c->key.orig_ip) ? 20u : 40u) + (c->key.proto == PROTO_TCP ? 20u : 8u);
    uint64_t least = side->packets * header;
    if (!known[0] && c->key.proto != PROTO_TCP && side->ip_bytes > least)
        side->payload_bytes = side->ip_bytes - least;
    uint64_t most = side->ip_bytes + c->missed_bytes;
    if (known[0] && known[1] && side->payload_bytes > most)
        side->payload_bytes = side->ip_bytes > least ? side->ip_bytes - least : 0;
    if (!known[1])
        side->ip_bytes = side->payload_bytes + least;
    if (side->packets == 0 && side->payload_bytes > 0)
        side->packets = 1;
    side->low_bytes = side->high_bytes = side->payload_bytes;
}

static bool take_sides(const struct zeek_span value[ZEEK_FIELDS], struct connection *c)
{
    bool orig[2], resp[2], known;
    if (!take_side(value, ZEEK_ORIG_BYTES, ZEEK_ORIG_PACKETS, ZEEK_ORIG_IP_BYTES,
                   &c->side[SIDE_ORIG], orig) ||
        !take_side(value, ZEEK_RESP_BYTES, ZEEK_RESP_PACKETS, ZEEK_RESP_IP_BYTES,
                   &c->side[SIDE_RESP], resp) ||
        !count_of(value[ZEEK_MISSED], &c->missed_bytes, &known))
        return false;
    settle_side(c, &c->side[SIDE_ORIG], orig);
    settle_side(c, &c->side[SIDE_RESP], resp);
    if (c->side[SIDE_ORIG].packets + c->side[SIDE_RESP].packets == 0)
        c->side[SIDE_ORIG].packets = 1; /* something was seen, or there were no line */
    return true;
}

static bool take_ports(const struct zeek_span value[ZEEK_FIELDS], struct flow_key *key)
{
    uint64_t orig, resp, vlan;
    bool known;
    if (!count_of(value[ZEEK_ORIG_PORT], &orig, &known) || orig > UINT16_MAX ||
        !count_of(value[ZEEK_RESP_PORT], &resp, &known) || resp > UINT16_MAX ||
        !count_of(value[ZEEK_VLAN], &vlan, &known) || vlan > 4095)
        return false;
    key->orig_port = (uint16_t)orig;
    key->resp_port = (uint16_t)resp;
    key->vlan = (uint16_t)vlan;
    bool icmp = key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6;
    if (icmp && orig <= UINT8_MAX && resp <= UINT8_MAX) /* type and code */
        icmp_ports(key->proto, (uint8_t)orig, (uint8_t)resp, &key->orig_port, &key->resp_port);
    return true;
}

static void take_meaning(const struct zeek_span value[ZEEK_FIELDS], struct connection *c)
{
    const struct connection_side *orig = &c->side[SIDE_ORIG], *resp = &c->side[SIDE_RESP];
    c->service = (uint8_t)service_of(value[ZEEK_SERVICE]);
    c->end = FLOW_END_IDLE;
    if (c->key.proto == PROTO_TCP)
        c->flags = tcp_flags(value, orig->payload_bytes > 0 && resp->payload_bytes > 0, &c->end);
    else if (orig->packets > 0 && resp->packets > 0)
        c->flags = FLOW_ESTABLISHED;
}

enum zeek_result zeek_connection(const struct zeek_span value[ZEEK_FIELDS], struct connection *c)
{
    int64_t duration_ns = 0;
    memset(c, 0, sizeof *c);
    c->uid = log_uid(value[ZEEK_UID]);
    if (!seconds_of(value[ZEEK_TS], &c->start_ns) && !log_time(value[ZEEK_TS], &c->start_ns))
        return ZEEK_NO_TIME;
    if (!address_of(value[ZEEK_ORIG_IP], &c->key.orig_ip) ||
        !address_of(value[ZEEK_RESP_IP], &c->key.resp_ip))
        return ZEEK_NO_ADDRESS;
    if (!protocol_of(value, ip_is_v4(&c->key.orig_ip), &c->key.proto))
        return ZEEK_NO_PROTOCOL;
    if ((value[ZEEK_DURATION].at && !seconds_of(value[ZEEK_DURATION], &duration_ns)) ||
        !take_ports(value, &c->key) || !take_sides(value, c))
        return ZEEK_NO_NUMBER;
    c->end_ns = c->start_ns + duration_ns; /* each is below a half of what there is room for */
    if (c->end_ns / NS_PER_S >= (int64_t)SECONDS_MAX)
        return ZEEK_NO_TIME;
    take_meaning(value, c);
    return ZEEK_OK;
}

/* --- for other logs' lines -------------------------------------------------------------------- */

bool zeek_count(struct zeek_span span, uint64_t *count, bool *known)
{
    return count_of(span, count, known);
}

bool zeek_seconds(struct zeek_span span, int64_t *ns)
{
    return seconds_of(span, ns);
}

bool zeek_address(struct zeek_span span, struct ip *ip)
{
    return address_of(span, ip);
}

enum service zeek_service(struct zeek_span list)
{
    return service_of(list);
}
