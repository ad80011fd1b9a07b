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

static bool protocol_of(const struct log_span value[ZEEK_FIELDS], bool v4, uint8_t *proto)
{
    uint64_t number;
    bool known;
    if (log_count(value[ZEEK_IP_PROTO], &number, &known) && known && number < 256)
        *proto = (uint8_t)number;
    else if (log_is(value[ZEEK_PROTO], "tcp"))
        *proto = PROTO_TCP;
    else if (log_is(value[ZEEK_PROTO], "udp"))
        *proto = PROTO_UDP;
    else if (log_is(value[ZEEK_PROTO], "icmp"))
        *proto = v4 ? PROTO_ICMP : PROTO_ICMP6;
    else if (log_is(value[ZEEK_PROTO], "unknown_transport"))
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
enum service zeek_service(struct log_span list)
{
    enum service found = SERVICE_NONE;
    size_t best = sizeof services / sizeof *services;
    struct log_span word;
    while (log_next(&list, ',', &word))
        for (size_t i = 0; i < best; i++)
            if (log_is(word, services[i].name)) {
                best = i;
                found = services[i].service;
            }
    return found;
}

static bool has(struct log_span history, char letter)
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

static uint32_t tcp_flags(const struct log_span value[ZEEK_FIELDS], bool two_sided, uint8_t *end)
{
    uint32_t flags = two_sided ? FLOW_ESTABLISHED : 0; /* OTH, or nothing said */
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (log_is(value[ZEEK_STATE], states[i].name)) {
            flags = states[i].flags;
            *end = states[i].end;
            break;
        }
    bool opened = has(value[ZEEK_HISTORY], 'S') || has(value[ZEEK_HISTORY], 'h');
    if (!value[ZEEK_HISTORY].at)
        opened = value[ZEEK_STATE].at && !log_is(value[ZEEK_STATE], "OTH");
    return flags | (opened ? FLOW_ORIG_BY_SYN : FLOW_MIDSTREAM);
}

/* A line without the packets column is of one at least, which makes its first piece the first. */
static bool take_side(const struct log_span value[ZEEK_FIELDS], enum zeek_field bytes,
                      enum zeek_field packets, enum zeek_field ip_bytes,
                      struct connection_side *side, bool known[2])
{
    bool packets_known;
    return log_count(value[bytes], &side->payload_bytes, &known[0]) &&
           log_count(value[packets], &side->packets, &packets_known) &&
           log_count(value[ip_bytes], &side->ip_bytes, &known[1]);
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

static bool take_sides(const struct log_span value[ZEEK_FIELDS], struct connection *c)
{
    bool orig[2], resp[2], known;
    if (!take_side(value, ZEEK_ORIG_BYTES, ZEEK_ORIG_PACKETS, ZEEK_ORIG_IP_BYTES,
                   &c->side[SIDE_ORIG], orig) ||
        !take_side(value, ZEEK_RESP_BYTES, ZEEK_RESP_PACKETS, ZEEK_RESP_IP_BYTES,
                   &c->side[SIDE_RESP], resp) ||
        !log_count(value[ZEEK_MISSED], &c->missed_bytes, &known))
        return false;
    settle_side(c, &c->side[SIDE_ORIG], orig);
    settle_side(c, &c->side[SIDE_RESP], resp);
    if (c->side[SIDE_ORIG].packets + c->side[SIDE_RESP].packets == 0)
        c->side[SIDE_ORIG].packets = 1; /* something was seen, or there were no line */
    return true;
}

static bool take_ports(const struct log_span value[ZEEK_FIELDS], struct flow_key *key)
{
    uint64_t orig, resp, vlan;
    bool known;
    if (!log_count(value[ZEEK_ORIG_PORT], &orig, &known) || orig > UINT16_MAX ||
        !log_count(value[ZEEK_RESP_PORT], &resp, &known) || resp > UINT16_MAX ||
        !log_count(value[ZEEK_VLAN], &vlan, &known) || vlan > 4095)
        return false;
    key->orig_port = (uint16_t)orig;
    key->resp_port = (uint16_t)resp;
    key->vlan = (uint16_t)vlan;
    bool icmp = key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6;
    if (icmp && orig <= UINT8_MAX && resp <= UINT8_MAX) /* type and code */
        icmp_ports(key->proto, (uint8_t)orig, (uint8_t)resp, &key->orig_port, &key->resp_port);
    return true;
}

static void take_meaning(const struct log_span value[ZEEK_FIELDS], struct connection *c)
{
    const struct connection_side *orig = &c->side[SIDE_ORIG], *resp = &c->side[SIDE_RESP];
    c->service = (uint8_t)zeek_service(value[ZEEK_SERVICE]);
    c->end = FLOW_END_IDLE;
    if (c->key.proto == PROTO_TCP)
        c->flags = tcp_flags(value, orig->payload_bytes > 0 && resp->payload_bytes > 0, &c->end);
    else if (orig->packets > 0 && resp->packets > 0)
        c->flags = FLOW_ESTABLISHED;
}

enum log_result zeek_connection(const struct log_span value[ZEEK_FIELDS], struct connection *c)
{
    int64_t duration_ns = 0;
    memset(c, 0, sizeof *c);
    c->uid = log_uid(value[ZEEK_UID]);
    if (!log_seconds(value[ZEEK_TS], &c->start_ns) && !log_time(value[ZEEK_TS], &c->start_ns))
        return LOG_NO_TIME;
    if (!log_address(value[ZEEK_ORIG_IP], &c->key.orig_ip) ||
        !log_address(value[ZEEK_RESP_IP], &c->key.resp_ip))
        return LOG_NO_ADDRESS;
    if (!protocol_of(value, ip_is_v4(&c->key.orig_ip), &c->key.proto))
        return LOG_NO_PROTOCOL;
    if ((value[ZEEK_DURATION].at && !log_seconds(value[ZEEK_DURATION], &duration_ns)) ||
        !take_ports(value, &c->key) || !take_sides(value, c))
        return LOG_NO_NUMBER;
    c->end_ns = c->start_ns + duration_ns; /* each is below a half of what there is room for */
    if (c->end_ns / NS_PER_S >= LOG_SECONDS_MAX)
        return LOG_NO_TIME;
    take_meaning(value, c);
    return LOG_OK;
}
