/* Suricata's events (docs.suricata.io, "Eve JSON Format"). A flow's event is written when it is
 * over; its bytes are those of frames (FlowHandlePacketUpdate adds the length of the packet as it
 * was captured), so payload is what an Ethernet header, IP and the transport leave, between bounds
 * (log_values.c). Events of what is in a flow are tied to it by `flow_id`.
 *
 * DNS has three shapes: version 1 an event for each answer, version 2 one with all of them, version
 * 3 (Suricata 8) calls them request and response and has questions in a list. An event of a
 * question or an answer is a note each.
 *
 *   line → members by path, as spans → connection or notes. Nothing is allocated. Thread: any; no
 *   state. */
#include "eve.h"

#include "log_json.h"
#include "log_values.h"
#include "weir/decode/packet.h"
#include "zeek_line.h"

#include <stdlib.h>
#include <string.h>

#define ETHERNET 14u
#define ANSWERS  64u

enum field {
    TYPE,
    TIMESTAMP,
    FLOW_ID,
    SRC_IP,
    SRC_PORT,
    DEST_IP,
    DEST_PORT,
    PROTO,
    APP_PROTO,
    VLAN,
    ICMP_TYPE,
    ICMP_CODE,
    START,
    END,
    PACKETS_UP,
    PACKETS_DOWN,
    BYTES_UP,
    BYTES_DOWN,
    FLAGS_UP,
    FLAGS_DOWN,
    TLS_SNI,
    TLS_JA3,
    TLS_JA4,
    QUIC_SNI,
    QUIC_JA3,
    QUIC_JA4,
    HTTP_HOST,
    HTTP_LENGTH,
    DNS_TYPE,
    DNS_NAME,
    DNS_RRTYPE,
    DNS_RCODE,
    DNS_DATA,
    DNS_TTL,
    DNS_QUERY_NAME,
    DNS_QUERY_RRTYPE,
    FIELDS
};

static const char *const field_path[FIELDS] = {"event_type",
                                               "timestamp",
                                               "flow_id",
                                               "src_ip",
                                               "src_port",
                                               "dest_ip",
                                               "dest_port",
                                               "proto",
                                               "app_proto",
                                               "vlan",
                                               "icmp_type",
                                               "icmp_code",
                                               "flow.start",
                                               "flow.end",
                                               "flow.pkts_toserver",
                                               "flow.pkts_toclient",
                                               "flow.bytes_toserver",
                                               "flow.bytes_toclient",
                                               "tcp.tcp_flags_ts",
                                               "tcp.tcp_flags_tc",
                                               "tls.sni",
                                               "tls.ja3.hash",
                                               "tls.ja4",
                                               "quic.sni",
                                               "quic.ja3.hash",
                                               "quic.ja4",
                                               "http.hostname",
                                               "http.length",
                                               "dns.type",
                                               "dns.rrname",
                                               "dns.rrtype",
                                               "dns.rcode",
                                               "dns.rdata",
                                               "dns.ttl",
                                               "dns.queries.rrname",
                                               "dns.queries.rrtype"};

struct answer {
    struct log_span type, data, ttl;
};

struct values {
    struct log_span value[FIELDS];
    struct answer answer[ANSWERS];
    size_t answers, more;
};

/* --- members ---------------------------------------------------------------------------------- */

/* Where the next member of the list of answers is kept; NULL: there are too many. */
static void begin_answer(struct values *v, const char *path)
{
    if (strcmp(path, "dns.answers") != 0)
        return;
    if (v->answers < ANSWERS)
        v->answers++;
    else
        v->more++;
}

static void take_answer_member(struct values *v, const char *name, struct log_span span)
{
    struct answer *answer = v->answers > 0 && v->more == 0 ? &v->answer[v->answers - 1] : NULL;
    if (!answer)
        return;
    if (strcmp(name, "rrtype") == 0)
        answer->type = span;
    else if (strcmp(name, "rdata") == 0)
        answer->data = span;
    else if (strcmp(name, "ttl") == 0)
        answer->ttl = span;
}

/* Of several values of a path (VLANs, questions) the first. */
static void take_member(struct values *v, const char *path, struct log_span span)
{
    static const char answers[] = "dns.answers.";
    if (strncmp(path, answers, sizeof answers - 1) == 0) {
        take_answer_member(v, path + sizeof answers - 1, span);
        return;
    }
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(path, field_path[i]) == 0) {
            if (!v->value[i].at)
                v->value[i] = span;
            return;
        }
}

static bool take_object(const char *line, size_t size, struct values *v)
{
    struct log_json json;
    struct log_span span;
    enum log_json_result result;
    log_json_init(&json, line, size);
    while ((result = log_json_next(&json, &span)) < LOG_JSON_END) {
        if (result == LOG_JSON_ITEM)
            begin_answer(v, json.path);
        else if (span.at)
            take_member(v, json.path, span);
    }
    return result == LOG_JSON_END;
}

bool eve_recognise(const char *line, size_t size)
{
    struct log_json json;
    struct log_span span;
    log_json_init(&json, line, size);
    for (enum log_json_result result; (result = log_json_next(&json, &span)) < LOG_JSON_END;)
        if (result == LOG_JSON_VALUE && strcmp(json.path, "event_type") == 0)
            return true;
    return false;
}

/* --- values ----------------------------------------------------------------------------------- */

static enum log_result take_key(const struct values *v, struct flow_key *key)
{
    uint64_t orig, resp, vlan, type, code;
    if (!log_address(v->value[SRC_IP], &key->orig_ip) ||
        !log_address(v->value[DEST_IP], &key->resp_ip))
        return LOG_NO_ADDRESS;
    if (!log_protocol(v->value[PROTO], &key->proto))
        return LOG_NO_PROTOCOL;
    if (!log_number(v->value[SRC_PORT], UINT16_MAX, &orig) ||
        !log_number(v->value[DEST_PORT], UINT16_MAX, &resp) ||
        !log_number(v->value[VLAN], 4095, &vlan) ||
        !log_number(v->value[ICMP_TYPE], UINT8_MAX, &type) ||
        !log_number(v->value[ICMP_CODE], UINT8_MAX, &code))
        return LOG_NO_NUMBER;
    key->orig_port = (uint16_t)orig;
    key->resp_port = (uint16_t)resp;
    key->vlan = (uint16_t)vlan;
    if (key->proto == PROTO_ICMP || key->proto == PROTO_ICMP6)
        icmp_ports(key->proto, (uint8_t)type, (uint8_t)code, &key->orig_port, &key->resp_port);
    return LOG_OK;
}

/* --- a flow ----------------------------------------------------------------------------------- */

/* "1b" → 0x1b; 0 when it is none. */
static unsigned flags_of(struct log_span span)
{
    char text[4] = "";
    if (!span.at || span.size == 0 || span.size >= sizeof text)
        return 0;
    memcpy(text, span.at, span.size);
    return (unsigned)strtoul(text, NULL, 16) & 0xFFu;
}

static enum service service_of(struct log_span name)
{
    static const char *const known[][2] = {{"tls", "ssl"}, {"http2", "http"}, {"dcerpc", "smb"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (log_is(name, known[i][0]))
            return zeek_service((struct log_span){known[i][1], strlen(known[i][1])});
    return zeek_service(name);
}

static bool take_side(const struct values *v, enum field packets, enum field bytes,
                      const struct flow_key *key, struct connection_side *side)
{
    uint64_t frames;
    if (!log_number(v->value[packets], UINT64_MAX, &side->packets) ||
        !log_number(v->value[bytes], UINT64_MAX, &frames))
        return false;
    side->ip_bytes = frames / ETHERNET > side->packets ? frames - side->packets * ETHERNET : 0;
    log_bound_payload(key, side);
    return true;
}

static void take_tcp(const struct values *v, struct connection *c)
{
    unsigned up = flags_of(v->value[FLAGS_UP]), down = flags_of(v->value[FLAGS_DOWN]);
    bool payload = c->side[SIDE_ORIG].payload_bytes > 0 && c->side[SIDE_RESP].payload_bytes > 0;
    if (up & down & TCP_SYN || payload)
        c->flags |= FLOW_ESTABLISHED;
    if (c->side[SIDE_ORIG].packets == 0 || c->side[SIDE_RESP].packets == 0)
        c->flags |= FLOW_ONE_SIDED;
    c->flags |= (up | down) & TCP_SYN ? FLOW_ORIG_BY_SYN : FLOW_MIDSTREAM;
    if ((up | down) & TCP_RST)
        c->end = FLOW_END_RESET;
    else if (up & down & TCP_FIN)
        c->end = FLOW_END_CLOSED;
}

static enum log_result take_flow(const struct values *v, struct connection *c)
{
    memset(c, 0, sizeof *c);
    enum log_result result = take_key(v, &c->key);
    if (result != LOG_OK)
        return result;
    if (!log_time(v->value[START], &c->start_ns) || !log_time(v->value[END], &c->end_ns))
        return LOG_NO_TIME;
    if (c->end_ns < c->start_ns) /* clocks of capture and of packets, mixed */
        c->end_ns = c->start_ns;
    if (!take_side(v, PACKETS_UP, BYTES_UP, &c->key, &c->side[SIDE_ORIG]) ||
        !take_side(v, PACKETS_DOWN, BYTES_DOWN, &c->key, &c->side[SIDE_RESP]))
        return LOG_NO_NUMBER;
    if (c->side[SIDE_ORIG].packets + c->side[SIDE_RESP].packets == 0)
        c->side[SIDE_ORIG].packets = 1; /* something was seen, or there were no event */
    c->uid = log_uid(v->value[FLOW_ID]);
    c->service = (uint8_t)service_of(v->value[APP_PROTO]);
    c->end = FLOW_END_IDLE;
    if (c->key.proto == PROTO_TCP)
        take_tcp(v, c);
    else if (c->side[SIDE_ORIG].packets > 0 && c->side[SIDE_RESP].packets > 0)
        c->flags |= FLOW_ESTABLISHED;
    return LOG_OK;
}

/* --- what is in one --------------------------------------------------------------------------- */

static enum log_result take_note(const struct values *v, struct log_note *note)
{
    memset(note, 0, sizeof *note);
    if (!log_time(v->value[TIMESTAMP], &note->time_ns))
        return LOG_NO_TIME;
    note->uid = log_uid(v->value[FLOW_ID]);
    return take_key(v, &note->key);
}

static size_t bytes_of(struct log_span span, char *to, size_t room)
{
    return log_json_unescape(span, to, room);
}

static void take_host(struct log_span span, char text[RECORD_NAME_MAX + 1])
{
    char bytes[1024];
    log_host(bytes, bytes_of(span, bytes, sizeof bytes), text);
}

static void take_hello(const struct values *v, enum field sni, enum field ja3, enum field ja4,
                       struct log_note *note)
{
    char bytes[1024];
    take_host(v->value[sni], note->text[TEXT_SERVER_NAME]);
    note->has_ja3 = log_md5(v->value[ja3], note->ja3);
    log_text(bytes, bytes_of(v->value[ja4], bytes, sizeof bytes), note->text[TEXT_JA4]);
}

/* `length`: of the body of the answer. */
static bool take_http(const struct values *v, struct log_note *note)
{
    uint64_t length;
    struct body_counts *body = &note->body[SIDE_RESP];
    if (!log_number(v->value[HTTP_LENGTH], UINT64_MAX, &length))
        return false;
    take_host(v->value[HTTP_HOST], note->text[TEXT_SERVER_NAME]);
    body->bodies = body->undeclared = length > 0;
    body->seen_bytes = length;
    return true;
}

/* --- dns -------------------------------------------------------------------------------------- */

static uint16_t type_of(struct log_span span)
{
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {{"A", 1},   {"AAAA", 28}, {"CNAME", 5}, {"TXT", 16},   {"NS", 2},
                 {"MX", 15}, {"PTR", 12},  {"SRV", 33},  {"HTTPS", 65}, {"NULL", 10},
                 {"SOA", 6}, {"ANY", 255}, {"SVCB", 64}, {"NAPTR", 35}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (log_is(span, types[i].name))
            return types[i].type;
    return 0xFFFF; /* private use: some type */
}

static uint8_t rcode_of(struct log_span span)
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (log_is(span, names[i]))
            return (uint8_t)i;
    return span.at ? 15 : 0; /* some other error; none is said where there is none */
}

static void take_answer(const struct answer *answer, struct dns_message *dns)
{
    char bytes[1024];
    struct ip ip;
    uint64_t ttl_s;
    size_t size = bytes_of(answer->data, bytes, sizeof bytes);
    uint16_t type = type_of(answer->type);
    bool is_address = (type == 1 || type == 28) && log_address(answer->data, &ip);
    dns->answers++;
    dns->answer_bytes += !is_address ? (uint32_t)size : ip_is_v4(&ip) ? 4 : 16;
    if (is_address && log_number(answer->ttl, UINT32_MAX, &ttl_s) &&
        (dns->address_count == 0 || ttl_s < dns->ttl_s))
        dns->ttl_s = (uint32_t)ttl_s;
    if (is_address && dns->address_count < RECORD_NAME_ADDRESSES)
        dns->address[dns->address_count++] = ip;
    else if (is_address)
        dns->more++;
    else if (type == 5 && size > 0 && dns->alias_count < RECORD_NAME_ALIASES)
        log_name(bytes, size, dns->alias[dns->alias_count++]);
}

/* Version 1: the event is the answer. */
static void take_answers(const struct values *v, struct dns_message *dns)
{
    struct answer one = {v->value[DNS_RRTYPE], v->value[DNS_DATA], v->value[DNS_TTL]};
    dns->response = true;
    dns->rcode = rcode_of(v->value[DNS_RCODE]);
    for (size_t i = 0; i < v->answers; i++)
        take_answer(&v->answer[i], dns);
    if (v->answers == 0 && one.data.at)
        take_answer(&one, dns);
    dns->more += (uint32_t)v->more;
    if (dns->address_count == 0)
        dns->alias_count = 0;
    dns->message_bytes += dns->answer_bytes;
}

#define DNS_HEAD 18u /* of a message of one question */

/* False: it says nothing that is asked. An answer's event can name the server first; its note is of
 * the flow, whichever side is named first. */
static bool take_dns(const struct values *v, struct log_note *note)
{
    char bytes[1024];
    struct dns_message *dns = &note->dns;
    bool later = v->value[DNS_QUERY_NAME].at != NULL;
    struct log_span name = v->value[later ? DNS_QUERY_NAME : DNS_NAME];
    struct log_span type = v->value[DNS_TYPE];
    if (!name.at)
        return false;
    size_t size = bytes_of(name, bytes, sizeof bytes);
    note->kind = NOTE_DNS;
    dns->name_cut = log_name(bytes, size, dns->name);
    dns->qtype = type_of(v->value[later ? DNS_QUERY_RRTYPE : DNS_RRTYPE]);
    dns->message_bytes = DNS_HEAD + (uint32_t)size;
    if (!log_is(type, "query") && !log_is(type, "request"))
        take_answers(v, dns);
    return true;
}

/* --- the line --------------------------------------------------------------------------------- */

static enum log_result take_event(const struct values *v, struct log_note *note, size_t *count)
{
    struct log_span type = v->value[TYPE];
    bool dns = log_is(type, "dns"), tls = log_is(type, "tls"), quic = log_is(type, "quic");
    if (!dns && !tls && !quic && !log_is(type, "http"))
        return LOG_NOTHING;
    enum log_result result = take_note(v, note);
    if (result != LOG_OK)
        return result;
    *count = 1;
    if (dns)
        *count = take_dns(v, note);
    else if (tls)
        take_hello(v, TLS_SNI, TLS_JA3, TLS_JA4, note);
    else if (quic)
        take_hello(v, QUIC_SNI, QUIC_JA3, QUIC_JA4, note);
    else if (!take_http(v, note))
        return LOG_NO_NUMBER;
    if (note->kind == NOTE_FACTS && note->time_ns > NOTE_EARLY_NS)
        note->time_ns -= NOTE_EARLY_NS;
    return LOG_OK;
}

enum log_result eve_line(const char *line, size_t size, struct connection *connection, bool *any,
                         struct log_note *note, size_t *count)
{
    struct values v = {.answers = 0};
    *any = false;
    *count = 0;
    if (size == 0 || (size == 1 && *line == '\r'))
        return LOG_NOTHING;
    if (!take_object(line, size, &v))
        return LOG_NO_JSON;
    if (!v.value[TYPE].at)
        return LOG_OF_OTHER;
    if (!log_is(v.value[TYPE], "flow")) {
        enum log_result result = take_event(&v, note, count);
        if (result != LOG_OK)
            *count = 0;
        return result;
    }
    enum log_result result = take_flow(&v, connection);
    *any = result == LOG_OK;
    return result;
}
