/* What Zeek's other logs say of a connection: its server's name and its client's fingerprint
 * (ssl.log, quic.log), host and the sizes of its contents (http.log), questions and answers
 * (dns.log). Each line names its connection (`uid`) and its addresses (`id.*`), so a line is worth
 * something alone. Fields: docs.zeek.org, base/protocols/{ssl,quic,http,dns}/main.zeek.
 *
 * A line of dns.log is a question at `ts` and, where an answer came, one `rtt` later. What the log
 * does not have is the least there is: a message is as large as its question without options.
 *
 *   line → fields as spans → notes. Nothing is allocated. Thread: any; no state. */
#include "zeek_notes.h"

#include "log_json.h"
#include "log_values.h"
#include "weir/decode/packet.h"

#include <string.h>

enum field {
    TS,
    UID,
    ORIG_IP,
    ORIG_PORT,
    RESP_IP,
    RESP_PORT,
    PROTO,
    VERSION,
    SERVER_NAME,
    JA3,
    JA4,
    SNI_MATCHES,
    SUBJECT,
    CLIENT_PROTOCOL,
    HOST,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    QUERY,
    QTYPE,
    RCODE,
    RTT,
    ANSWERS,
    TTLS,
    FIELDS
};

static const char *const field_name[FIELDS] = {"ts",
                                               "uid",
                                               "id.orig_h",
                                               "id.orig_p",
                                               "id.resp_h",
                                               "id.resp_p",
                                               "proto",
                                               "version",
                                               "server_name",
                                               "ja3",
                                               "ja4",
                                               "sni_matches_cert",
                                               "subject",
                                               "client_protocol",
                                               "host",
                                               "request_body_len",
                                               "response_body_len",
                                               "query",
                                               "qtype",
                                               "rcode",
                                               "rtt",
                                               "answers",
                                               "TTLs"};

struct values {
    struct log_span value[FIELDS];
    struct log_span answer[ZEEK_LIST], ttl[ZEEK_LIST];
    size_t answers, ttls, more; /* more: answers beyond the list */
    bool json;
};

static uint8_t field_of(struct log_span name)
{
    uint8_t field = 0;
    while (field < FIELDS && !log_is(name, field_name[field]))
        field++;
    return field;
}

/* --- the head --------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum log_kind kind;
    const char *only; /* a member that no other of Zeek's logs has, in all of its lines */
} logs[] = {{"conn", LOG_ZEEK_CONN, "conn_state"},
            {"dns", LOG_ZEEK_DNS, "trans_id"},
            {"http", LOG_ZEEK_HTTP, "trans_depth"},
            {"quic", LOG_ZEEK_QUIC, "client_initial_dcid"},
            {"ssl", LOG_ZEEK_SSL, "established"}};
#define LOGS (sizeof logs / sizeof *logs)

static enum log_kind kind_of_path(struct log_span path)
{
    for (size_t i = 0; i < LOGS; i++)
        if (log_is(path, logs[i].path))
            return logs[i].kind;
    return LOG_OTHER;
}

void zeek_notes_header_init(struct zeek_notes_header *header)
{
    memset(header, 0, sizeof *header);
    zeek_header_init(&header->common);
    header->set_separator = ',';
}

static void set_fields(struct zeek_notes_header *header, struct log_span names)
{
    struct log_span name;
    header->columns = 0;
    while (header->columns < ZEEK_COLUMNS && log_next(&names, header->common.separator, &name))
        header->column[header->columns++] = field_of(name);
}

void zeek_notes_header_take(struct zeek_notes_header *header, const char *line, size_t size)
{
    struct connection none;
    struct log_span name, rest = {line, size};
    if (size == 0 || *line != '#')
        return;
    rest.size -= line[size - 1] == '\r';
    zeek_line(&header->common, line, size, &none);
    if (!log_next(&rest, header->common.separator, &name) || !rest.at)
        return;
    if (log_is(name, "#fields"))
        set_fields(header, rest);
    else if (log_is(name, "#path"))
        header->kind = kind_of_path(rest);
    else if (log_is(name, "#set_separator") && rest.size == 1)
        header->set_separator = *rest.at;
}

enum log_kind zeek_notes_kind(const char *line, size_t size)
{
    struct log_json json;
    struct log_span value;
    enum log_json_result result;
    log_json_init(&json, line, size);
    while ((result = log_json_next(&json, &value)) < LOG_JSON_END) {
        if (result == LOG_JSON_VALUE && strcmp(json.path, "_path") == 0)
            return kind_of_path(value);
        for (size_t i = 0; i < LOGS; i++)
            if (strcmp(json.path, logs[i].only) == 0)
                return logs[i].kind;
    }
    return LOG_NONE;
}

/* --- the fields ------------------------------------------------------------------------------- */

static void add(struct log_span *list, size_t *count, struct log_span span, size_t *more)
{
    if (*count < ZEEK_LIST)
        list[(*count)++] = span;
    else
        ++*more;
}

static void set(struct values *v, uint8_t field, struct log_span span)
{
    size_t unused = 0;
    if (field == ANSWERS)
        add(v->answer, &v->answers, span, &v->more);
    else if (field == TTLS)
        add(v->ttl, &v->ttls, span, &unused);
    else
        v->value[field] = span;
}

static void take_columns(const struct zeek_notes_header *header, struct log_span line,
                         struct values *v)
{
    struct log_span span, member;
    const struct zeek_header *common = &header->common;
    for (size_t i = 0; i < header->columns && log_next(&line, common->separator, &span); i++) {
        uint8_t field = header->column[i];
        if (field == FIELDS || log_is(span, common->unset) || log_is(span, common->empty))
            continue;
        if (field != ANSWERS && field != TTLS)
            set(v, field, span);
        else
            while (log_next(&span, header->set_separator, &member))
                set(v, field, member);
    }
}

static bool take_object(struct log_span line, struct values *v)
{
    struct log_json json;
    struct log_span span;
    enum log_json_result result;
    log_json_init(&json, line.at, line.size);
    v->json = true;
    while ((result = log_json_next(&json, &span)) < LOG_JSON_END) {
        uint8_t field = result == LOG_JSON_VALUE && span.at
                            ? field_of((struct log_span){json.path, strlen(json.path)})
                            : (uint8_t)FIELDS;
        if (field < FIELDS)
            set(v, field, span);
    }
    return result == LOG_JSON_END;
}

/* --- meaning ---------------------------------------------------------------------------------- */

#define TEXT_BYTES 1024u

/* A field's bytes without its escapes. */
static size_t bytes_of(const struct values *v, struct log_span span, char to[TEXT_BYTES])
{
    char plain[TEXT_BYTES];
    if (!span.at)
        return 0;
    if (!v->json)
        return log_zeek_unescape(span.at, span.size, to, TEXT_BYTES);
    size_t size = log_json_unescape(span, plain, sizeof plain);
    return log_zeek_unescape(plain, size, to, TEXT_BYTES);
}

static void host_of(const struct values *v, enum field field, char text[RECORD_NAME_MAX + 1])
{
    char bytes[TEXT_BYTES];
    log_host(bytes, bytes_of(v, v->value[field], bytes), text);
}

static void text_of(const struct values *v, enum field field, char text[RECORD_NAME_MAX + 1])
{
    char bytes[TEXT_BYTES];
    log_text(bytes, bytes_of(v, v->value[field], bytes), text);
}

static bool port_of(struct log_span span, uint16_t *port)
{
    uint64_t number;
    bool known;
    if (!log_count(span, &number, &known) || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static uint8_t proto_of(const struct values *v, enum log_kind kind)
{
    struct log_span version = v->value[VERSION];
    if (kind == LOG_ZEEK_DNS)
        return log_is(v->value[PROTO], "tcp") ? PROTO_TCP : PROTO_UDP;
    bool dtls = version.at && version.size >= 4 && memcmp(version.at, "DTLS", 4) == 0;
    return kind == LOG_ZEEK_QUIC || dtls ? PROTO_UDP : PROTO_TCP;
}

static enum log_result take_common(const struct values *v, enum log_kind kind,
                                   struct log_note *note)
{
    if (!log_seconds(v->value[TS], &note->time_ns) && !log_time(v->value[TS], &note->time_ns))
        return LOG_NO_TIME;
    if (!log_address(v->value[ORIG_IP], &note->key.orig_ip) ||
        !log_address(v->value[RESP_IP], &note->key.resp_ip))
        return LOG_NO_ADDRESS;
    if (!port_of(v->value[ORIG_PORT], &note->key.orig_port) ||
        !port_of(v->value[RESP_PORT], &note->key.resp_port))
        return LOG_NO_NUMBER;
    note->key.proto = proto_of(v, kind);
    note->uid = log_uid(v->value[UID]);
    return LOG_OK;
}

/* "CN=www.example.com,O=…": what the certificate is for, as far as ssl.log says. */
static void take_certificate(const struct values *v, struct log_note *note)
{
    char subject[TEXT_BYTES];
    size_t size = bytes_of(v, v->value[SUBJECT], subject);
    const char *cn = size ? memmem(subject, size, "CN=", 3) : NULL;
    bool matches = log_is(v->value[SNI_MATCHES], "T") || log_is(v->value[SNI_MATCHES], "true");
    if (!v->value[SNI_MATCHES].at || !*note->text[TEXT_SERVER_NAME])
        return;
    if (matches) {
        note->flags |= FLOW_CERTIFICATE_HAS_NAME;
        return;
    }
    if (!cn)
        return; /* it is for somebody else, but nobody says for whom */
    size_t left = size - (size_t)(cn + 3 - subject);
    const char *comma = memchr(cn + 3, ',', left);
    log_host(cn + 3, comma ? (size_t)(comma - cn - 3) : left, note->text[TEXT_CERTIFICATE]);
    if (*note->text[TEXT_CERTIFICATE])
        note->flags |= FLOW_CERTIFICATE_OTHER;
}

static enum log_result take_tls(const struct values *v, enum log_kind kind, struct log_note *note)
{
    host_of(v, SERVER_NAME, note->text[TEXT_SERVER_NAME]);
    text_of(v, JA4, note->text[TEXT_JA4]);
    note->has_ja3 = log_md5(v->value[JA3], note->ja3);
    if (kind == LOG_ZEEK_QUIC)
        text_of(v, CLIENT_PROTOCOL, note->text[TEXT_ALPN]);
    take_certificate(v, note);
    return LOG_OK;
}

/* Sizes are of contents as Zeek saw them, their codings undone. */
static bool take_body(struct log_span span, struct body_counts *body)
{
    uint64_t bytes;
    bool known;
    if (!log_count(span, &bytes, &known))
        return false;
    body->bodies = body->undeclared = bytes > 0;
    body->seen_bytes = bytes;
    return true;
}

static enum log_result take_http(const struct values *v, struct log_note *note)
{
    host_of(v, HOST, note->text[TEXT_SERVER_NAME]);
    return take_body(v->value[REQUEST_BYTES], &note->body[SIDE_ORIG]) &&
                   take_body(v->value[RESPONSE_BYTES], &note->body[SIDE_RESP])
               ? LOG_OK
               : LOG_NO_NUMBER;
}

/* --- dns -------------------------------------------------------------------------------------- */

static uint32_t ttl_of(struct log_span span)
{
    int64_t ns;
    return log_seconds(span, &ns) && ns / NS_PER_S <= UINT32_MAX ? (uint32_t)(ns / NS_PER_S) : 0;
}

/* What is no address of an answer for one is a name that the name is an alias of. */
static void take_answer(const struct values *v, size_t i, struct dns_message *dns)
{
    char bytes[TEXT_BYTES];
    struct ip ip;
    size_t size = bytes_of(v, v->answer[i], bytes);
    if (log_address(v->answer[i], &ip)) {
        uint32_t ttl_s = i < v->ttls ? ttl_of(v->ttl[i]) : 0;
        dns->ttl_s = dns->address_count == 0 || ttl_s < dns->ttl_s ? ttl_s : dns->ttl_s;
        dns->answer_bytes += ip_is_v4(&ip) ? 4 : 16;
        if (dns->address_count < RECORD_NAME_ADDRESSES)
            dns->address[dns->address_count++] = ip;
        else
            dns->more++;
        return;
    }
    dns->answer_bytes += (uint32_t)size;
    bool asks_address = dns->qtype == 1 || dns->qtype == 28;
    if (asks_address && dns->alias_count < RECORD_NAME_ALIASES)
        log_name(bytes, size, dns->alias[dns->alias_count++]);
}

static void take_answers(const struct values *v, uint8_t rcode, struct dns_message *dns)
{
    dns->response = true;
    dns->rcode = rcode;
    dns->answers = (uint16_t)(v->answers + (v->more < 1000 ? v->more : 1000));
    for (size_t i = 0; i < v->answers; i++)
        take_answer(v, i, dns);
    if (dns->address_count == 0)
        dns->alias_count = 0;
    dns->message_bytes += dns->answer_bytes;
}

#define DNS_HEAD 18u /* of a message of one question: its header, root, type and class */

static enum log_result take_dns(const struct values *v, struct log_note *note, size_t *count)
{
    char bytes[TEXT_BYTES];
    uint64_t qtype, rcode;
    int64_t rtt_ns = 1;
    bool known, answered;
    struct dns_message *dns = &note[0].dns;
    if (!v->value[QUERY].at)
        return LOG_OK; /* what was asked is not known (NetBIOS, a response alone): nothing to tell
                        */
    if (!log_count(v->value[QTYPE], &qtype, &known) || qtype > UINT16_MAX ||
        !log_count(v->value[RCODE], &rcode, &answered) || rcode > UINT8_MAX ||
        (v->value[RTT].at && !log_seconds(v->value[RTT], &rtt_ns)))
        return LOG_NO_NUMBER;
    if (note[0].time_ns / NS_PER_S + rtt_ns / NS_PER_S >= LOG_SECONDS_MAX)
        return LOG_NO_TIME;
    size_t size = bytes_of(v, v->value[QUERY], bytes);
    note[0].kind = NOTE_DNS;
    dns->name_cut = log_name(bytes, size, dns->name);
    dns->qtype = (uint16_t)qtype;
    dns->message_bytes = DNS_HEAD + (uint32_t)size;
    note[1] = note[0];
    note[1].time_ns += rtt_ns > 0 ? rtt_ns : 1; /* never before what was asked */
    if (answered || v->answers > 0)
        take_answers(v, (uint8_t)rcode, &note[1].dns);
    *count = answered || v->answers > 0 ? 2 : 1;
    return LOG_OK;
}

/* --- the line --------------------------------------------------------------------------------- */

static enum log_result take_kind(const struct values *v, enum log_kind kind, struct log_note *note,
                                 size_t *count)
{
    if (kind == LOG_ZEEK_DNS)
        return take_dns(v, note, count);
    note->kind = NOTE_FACTS;
    note->time_ns -= note->time_ns > NOTE_EARLY_NS ? NOTE_EARLY_NS : 0;
    *count = 1;
    return kind == LOG_ZEEK_HTTP ? take_http(v, note) : take_tls(v, kind, note);
}

enum log_result zeek_notes_line(const struct zeek_notes_header *header, enum log_kind kind,
                                const char *line, size_t size, struct log_note *note, size_t *count)
{
    struct values v = {.answers = 0};
    struct log_span whole = {line, size};
    *count = 0;
    if (size > 0 && line[size - 1] == '\r')
        whole.size--;
    if (whole.size == 0)
        return LOG_NOTHING;
    if (*line == '{') {
        if (!take_object(whole, &v))
            return LOG_NO_JSON;
    } else if (header->columns == 0 || header->kind != kind) {
        return header->columns == 0 ? LOG_NO_FIELDS : LOG_OF_OTHER;
    } else {
        take_columns(header, whole, &v);
    }
    memset(note, 0, sizeof *note);
    enum log_result result = take_common(&v, kind, note);
    if (result == LOG_OK)
        result = take_kind(&v, kind, note, count);
    if (result != LOG_OK)
        *count = 0;
    return result;
}
