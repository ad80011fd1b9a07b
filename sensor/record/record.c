/* Records: names, sizes, validation, the Community ID. Thread-safe: no state. */
#include "weir/record/record.h"

#include "weir/base/device.h"
#include "weir/base/digest.h"
#include "weir/record/function.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct flow_key) == 48, "compared as bytes: no padding");
_Static_assert(sizeof(struct record_header) == 24, "shared between processes");
_Static_assert(sizeof(struct record_flow) == offsetof(struct record_flow, tail) &&
                   sizeof(struct record_name) == offsetof(struct record_name, tail) &&
                   sizeof(struct record_content) == offsetof(struct record_content, hash),
               "tails begin where the fixed part ends");
_Static_assert(sizeof(struct record_content) + RECORD_CONTENT_ITEMS * (sizeof(uint64_t) + 1) +
                           (size_t)RECORD_CONTENT_LABELS * (CONTENT_LABEL_MAX + 1) +
                           (size_t)RECORD_CONTENT_SAMPLES * (CONTENT_SAMPLE_MAX + 1) <=
                       RECORD_MAX_BYTES &&
                   sizeof(struct record_flow) + (size_t)FLOW_TEXTS * RECORD_NAME_MAX +
                           SIDES * sizeof(struct tunnel) + FUNCTIONS_MAX * sizeof(uint16_t) <=
                       RECORD_MAX_BYTES &&
                   sizeof(struct record_health) <= RECORD_MAX_BYTES &&
                   sizeof(struct record_health) % 8 == 0 && sizeof(struct record_binding) % 8 == 0,
               "every record fits the ring");

/* IP protocol numbers, by IANA. The decode room has names of its own, but stands above. */
enum {
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_DCCP = 33,
    PROTO_ICMP6 = 58,
    PROTO_SCTP = 132,
};

const char *const flow_end_name[FLOW_ENDS] = {"open",   "closed",  "reset", "idle",
                                              "reused", "evicted", "input", "lost"};
const char *const service_name[SERVICES] = {
    NULL,    "dns",  "tls",    "http",   "ssh",  "smtp",  "ftp",      "ftp-data",  "quic",
    "http2", "ntp",  "pop3",   "imap",   "tftp", "smb",   "nfs",      "websocket", "modbus",
    "s7",    "dnp3", "iec104", "bacnet", "cip",  "opcua", "profinet", "asterix"};
const char *const client_by_name[CLIENT_BYS] = {NULL, "proxy-protocol", "x-forwarded-for",
                                                "forwarded"};
const char *const content_class_name[CONTENT_KINDS] = {"email",   "card",    "iban",    "phone",
                                                       "setting", "flight",  "archive", "pattern",
                                                       "account", "refused", "project"};
const char *const record_fault_name[RECORD_FAULTS] = {"ok",   "short", "size",
                                                      "kind", "tail",  "range"};

size_t record_size(size_t fixed, size_t tail)
{
    return (fixed + tail + 7) & ~(size_t)7;
}

bool service_is_ot(enum service service)
{
    return service >= SERVICE_MODBUS && service < SERVICES;
}

bool service_is_sealed(enum service service)
{
    return service == SERVICE_TLS || service == SERVICE_SSH || service == SERVICE_QUIC;
}

/* Where the text of this index begins; with FLOW_TEXTS, where all text ends. */
static size_t text_offset(const struct record_flow *record, unsigned which)
{
    size_t at = 0;
    for (unsigned i = 0; i < which; i++)
        at += record->text_size[i];
    return at;
}

/* Most have none. */
void record_flow_texts(const struct record_flow *record, char text[FLOW_TEXTS][RECORD_NAME_MAX + 1])
{
    const char *at = record->tail;
    for (unsigned i = 0; i < FLOW_TEXTS; i++) {
        size_t size = record->text_size[i];
        if (size > 0)
            memcpy(text[i], at, size);
        text[i][size] = '\0';
        at += size;
    }
}

void record_flow_text(const struct record_flow *record, unsigned which,
                      char text[RECORD_NAME_MAX + 1])
{
    size_t size = record->text_size[which];
    memcpy(text, record->tail + text_offset(record, which), size);
    text[size] = '\0';
}

bool record_flow_tunnels(const struct record_flow *record, struct tunnel tunnel[SIDES])
{
    const char *at = record->tail + text_offset(record, FLOW_TEXTS);
    memset(tunnel, 0, SIDES * sizeof *tunnel);
    if (record->tunnels == 0)
        return false;
    memcpy(&tunnel[SIDE_ORIG], at, sizeof *tunnel);
    memcpy(&tunnel[SIDE_RESP], at + (record->tunnels - 1u) * sizeof *tunnel, sizeof *tunnel);
    return true;
}

size_t record_flow_put_tunnels(struct record_flow *record, const struct tunnel tunnel[SIDES])
{
    char *at = record->tail + text_offset(record, FLOW_TEXTS);
    record->tunnels = memcmp(&tunnel[0], &tunnel[1], sizeof *tunnel) == 0 ? 1 : 2;
    memcpy(at, tunnel, record->tunnels * sizeof *tunnel);
    return record->tunnels * sizeof *tunnel;
}

/* Where the codes begin: behind text and tunnels. */
static size_t functions_offset(const struct record_flow *record)
{
    return text_offset(record, FLOW_TEXTS) + record->tunnels * sizeof(struct tunnel);
}

void record_flow_functions(const struct record_flow *record, struct function_set *set)
{
    *set = (struct function_set){.count = record->functions,
                                 .more = record->functions_more,
                                 .more_back = record->functions_more_back,
                                 .back = record->functions_back};
    memcpy(set->code, record->tail + functions_offset(record), set->count * sizeof *set->code);
}

size_t record_flow_put_functions(struct record_flow *record, const struct function_set *set)
{
    size_t size = set->count * sizeof *set->code;
    memcpy(record->tail + functions_offset(record), set->code, size);
    record->functions = (uint8_t)set->count;
    record->functions_more = set->more;
    record->functions_more_back = set->more_back;
    record->functions_back = set->back;
    return size;
}

struct flow_key flow_key_turned(const struct flow_key *key)
{
    struct flow_key back = *key;
    back.orig_ip = key->resp_ip;
    back.resp_ip = key->orig_ip;
    back.orig_port = key->resp_port;
    back.resp_port = key->orig_port;
    return back;
}

struct flow_key flow_key_unordered(const struct flow_key *key)
{
    int order = ip_compare(&key->orig_ip, &key->resp_ip);
    if (order > 0 || (order == 0 && key->orig_port > key->resp_port))
        return flow_key_turned(key);
    return *key;
}

/* Types in pairs, request and answer, as Zeek and the specification pair them (RFC 792, 950, 1256;
 * RFC 4443, 4861, 2710, 4620, 3775). */
static const uint8_t icmp_pair[][2] = {{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}};
static const uint8_t icmp6_pair[][2] = {{128, 129}, {130, 131}, {133, 134},
                                        {135, 136}, {139, 140}, {144, 145}};

bool icmp_ports(uint8_t proto, uint8_t type, uint8_t code, uint16_t *src_port, uint16_t *dst_port)
{
    bool v4 = proto == PROTO_ICMP;
    const uint8_t(*pair)[2] = v4 ? icmp_pair : icmp6_pair;
    size_t count = v4 ? sizeof icmp_pair / 2 : sizeof icmp6_pair / 2;
    *src_port = type;
    *dst_port = code;
    for (size_t i = 0; i < count; i++)
        if (pair[i][0] == type || pair[i][1] == type) {
            *dst_port = pair[i][pair[i][0] == type];
            return true;
        }
    return false;
}

static bool two_way(const struct flow_key *key)
{
    uint16_t src, dst;
    if (key->proto != PROTO_ICMP && key->proto != PROTO_ICMP6)
        return true;
    return key->orig_port <= UINT8_MAX &&
           icmp_ports(key->proto, (uint8_t)key->orig_port, 0, &src, &dst);
}

static size_t put_ip(uint8_t *to, const struct ip *ip)
{
    bool v4 = ip_is_v4(ip);
    memcpy(to, ip->byte + (v4 ? 12 : 0), v4 ? 4 : 16);
    return v4 ? 4 : 16;
}

/* What the specification hashes ports of: ICMP's two numbers too, none of DCCP. */
static bool hashes_ports(uint8_t proto)
{
    return proto == PROTO_ICMP || proto == PROTO_TCP || proto == PROTO_UDP ||
           proto == PROTO_ICMP6 || proto == PROTO_SCTP;
}

/* https://github.com/corelight/community-id-spec, version 1, seed 0. */
char *flow_key_community_id(const struct flow_key *key, char *text)
{
    uint8_t input[2 + 16 + 16 + 2 + 4], sha1[20];
    const struct ip *a = &key->orig_ip, *b = &key->resp_ip;
    uint16_t ap = key->orig_port, bp = key->resp_port;
    int order = ip_compare(a, b);
    if (two_way(key) && (order > 0 || (order == 0 && ap > bp))) {
        const struct ip *swap = a;
        a = b;
        b = swap;
        ap = key->resp_port;
        bp = key->orig_port;
    }
    size_t size = 2;
    input[0] = input[1] = 0;
    size += put_ip(input + size, a);
    size += put_ip(input + size, b);
    input[size++] = key->proto;
    input[size++] = 0;
    if (hashes_ports(key->proto)) {
        input[size++] = (uint8_t)(ap >> 8);
        input[size++] = (uint8_t)ap;
        input[size++] = (uint8_t)(bp >> 8);
        input[size++] = (uint8_t)bp;
    }
    digest_sha1(input, size, sha1);
    memcpy(text, "1:", 2);
    base64_text(sha1, sizeof sha1, text + 2);
    return text;
}

bool proto_has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_DCCP || proto == PROTO_SCTP;
}

const char *proto_text(uint8_t proto, char text[8])
{
    switch (proto) {
    case PROTO_ICMP:
        return "icmp";
    case PROTO_TCP:
        return "tcp";
    case PROTO_UDP:
        return "udp";
    case PROTO_ICMP6:
        return "icmp6";
    case PROTO_SCTP:
        return "sctp";
    default:
        snprintf(text, 8, "%u", proto);
        return text;
    }
}

/* --- validation ------------------------------------------------------------------------------ */

static bool time_holds(int64_t time_ns)
{
    return time_ns >= -RECORD_TIME_MAX_NS && time_ns <= RECORD_TIME_MAX_NS;
}

static bool key_holds(const struct flow_key *key)
{
    return key->vlan <= 4095 && key->vantage < VANTAGES;
}

static bool printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return true;
}

static bool side_holds(const struct record_flow *r, int side)
{
    const struct side_counts *total = &r->total[side];
    int64_t payload = r->fresh[side].payload_bytes, missing = r->fresh[side].missing_bytes;
    int64_t acked = r->fresh[side].acked_bytes, packets = r->fresh[side].packets;
    if (total->packets > RECORD_BYTES_MAX || total->wire_bytes > RECORD_BYTES_MAX ||
        total->ip_bytes > RECORD_BYTES_MAX || total->payload_bytes > RECORD_BYTES_MAX ||
        total->missing_bytes > RECORD_BYTES_MAX || total->retransmitted_bytes > RECORD_BYTES_MAX ||
        total->acked_bytes > total->payload_bytes)
        return false;
    /* Fresh is a part of the total; missing shrinks only where what was missing came after all. */
    return payload >= 0 && (uint64_t)payload <= total->payload_bytes && acked >= 0 &&
           (uint64_t)acked <= total->acked_bytes && packets >= 0 &&
           (uint64_t)packets <= total->packets && missing <= (int64_t)total->missing_bytes &&
           missing >= -payload;
}

/* Of two, one may be none. */
static bool tunnels_hold(const struct record_flow *r)
{
    struct tunnel tunnel[SIDES];
    if (!record_flow_tunnels(r, tunnel))
        return true;
    return tunnel_holds(&tunnel[SIDE_ORIG]) && tunnel_holds(&tunnel[SIDE_RESP]) &&
           (tunnel[SIDE_ORIG].count > 0 || tunnel[SIDE_RESP].count > 0);
}

static bool texts_fit(const struct record_flow *r)
{
    for (unsigned i = 0; i < FLOW_TEXTS; i++)
        if (r->text_size[i] > RECORD_NAME_MAX)
            return false;
    return true;
}

#define ENTROPY_MAX 8000u /* eight bits a byte */

static bool content_holds(const struct record_flow *r)
{
    bool holds = r->service < SERVICES && r->client.by < CLIENT_BYS;
    for (int side = 0; side < SIDES; side++)
        holds &= r->entropy[side] <= ENTROPY_MAX &&
                 r->body[side].declared_bytes <= RECORD_BYTES_MAX &&
                 r->body[side].seen_bytes <= RECORD_BYTES_MAX &&
                 r->body[side].undeclared <= r->body[side].bodies;
    return holds;
}

/* Ascending, each once; further ones only where the set is full; marked are only those there are.
 */
static bool functions_hold(const struct record_flow *r)
{
    struct function_set set;
    record_flow_functions(r, &set);
    for (size_t i = 1; i < set.count; i++)
        if (set.code[i] <= set.code[i - 1])
            return false;
    bool full = set.count == FUNCTIONS_MAX;
    return full || (!function_set_overflows(&set) && set.back >> set.count == 0);
}

static enum record_fault validate_flow(const struct record_flow *r, size_t size)
{
    if (size < sizeof *r)
        return RECORD_SHORT;
    size_t text = text_offset(r, FLOW_TEXTS);
    if (!texts_fit(r) || r->tunnels > SIDES || r->functions > FUNCTIONS_MAX ||
        record_size(sizeof *r, functions_offset(r) + r->functions * sizeof(uint16_t)) != size ||
        !printable(r->tail, text))
        return RECORD_TAIL;
    int64_t latest_ns = r->last_ns > r->header.time_ns ? r->last_ns : r->header.time_ns;
    bool holds = key_holds(&r->key) && r->end < FLOW_END_LOST && content_holds(r) &&
                 time_holds(r->start_ns) && time_holds(r->last_ns) && r->start_ns <= r->last_ns &&
                 r->fresh_since_ns >= r->start_ns && r->fresh_since_ns <= latest_ns &&
                 side_holds(r, SIDE_ORIG) && side_holds(r, SIDE_RESP) && tunnels_hold(r) &&
                 functions_hold(r);
    return holds ? RECORD_OK : RECORD_RANGE;
}

/* Steps over `count` texts, each after its size. False: they do not end before `end`, one is empty,
 * longer than `most`, or one is no text. */
static bool skip_texts(const uint8_t **at, const uint8_t *end, size_t count, size_t most)
{
    for (size_t i = 0; i < count; i++) {
        if (*at >= end || **at == 0 || **at > most || **at >= end - *at ||
            !printable((const char *)*at + 1, **at))
            return false;
        *at += 1 + **at;
    }
    return true;
}

static const uint8_t *alias_texts(const struct record_name *r)
{
    return (const uint8_t *)r->tail + r->address_count * sizeof(struct ip) + r->name_size;
}

/* False: they do not fit a record of this size. `*bytes`: they take so many. */
static bool aliases_fit(const struct record_name *r, size_t size, size_t *bytes)
{
    const uint8_t *begin = alias_texts(r), *at = begin, *end = (const uint8_t *)r + size;
    if (!skip_texts(&at, end, r->alias_count, RECORD_NAME_MAX))
        return false;
    *bytes = (size_t)(at - begin);
    return true;
}

static enum record_fault validate_name(const struct record_name *r, size_t size)
{
    if (size < sizeof *r)
        return RECORD_SHORT;
    size_t addresses = r->address_count * sizeof(struct ip), aliases;
    if (r->address_count > RECORD_NAME_ADDRESSES || r->name_size > RECORD_NAME_MAX ||
        r->alias_count > RECORD_NAME_ALIASES || sizeof *r + addresses + r->name_size > size ||
        !aliases_fit(r, size, &aliases) ||
        record_size(sizeof *r, addresses + r->name_size + aliases) != size ||
        !printable(r->tail + addresses, r->name_size))
        return RECORD_TAIL;
    bool holds = key_holds(&r->key) && r->kind < NAME_KINDS && r->answered <= 1 &&
                 (r->kind == NAME_DNS || (r->address_count == 0 && r->alias_count == 0));
    return holds ? RECORD_OK : RECORD_RANGE;
}

const char *record_name_alias(const struct record_name *record, size_t index, size_t *size)
{
    const uint8_t *at = alias_texts(record);
    for (size_t i = 0; i < index; i++)
        at += 1 + *at;
    *size = *at;
    return (const char *)at + 1;
}

/* --- items: hashes, a label's place for each, labels, samples ------------------------------------
 */

static const uint8_t *label_places(const struct record_content *r)
{
    return (const uint8_t *)(r->hash + r->hash_count);
}

/* Whether the tail is what the counts say, to the byte. */
static bool items_hold(const struct record_content *r, size_t size)
{
    const uint8_t *end = (const uint8_t *)r + size;
    size_t fixed = sizeof *r + r->hash_count * (sizeof *r->hash + 1u);
    if (r->hash_count > RECORD_CONTENT_ITEMS || r->label_count > RECORD_CONTENT_LABELS ||
        r->sample_count > RECORD_CONTENT_SAMPLES || fixed > size)
        return false;
    const uint8_t *place = label_places(r), *at = place + r->hash_count;
    for (size_t i = 0; i < r->hash_count; i++)
        if (place[i] >= r->label_count)
            return false;
    return skip_texts(&at, end, r->label_count, CONTENT_LABEL_MAX) &&
           skip_texts(&at, end, r->sample_count, CONTENT_SAMPLE_MAX) &&
           record_size((size_t)(at - (const uint8_t *)r), 0) == size;
}

static enum record_fault validate_content(const struct record_content *r, size_t size)
{
    if (size < sizeof *r)
        return RECORD_SHORT;
    if (!items_hold(r, size))
        return RECORD_TAIL;
    bool holds =
        key_holds(&r->key) && r->side < SIDES && r->class < CONTENT_KINDS &&
        r->inspected_bytes <= RECORD_BYTES_MAX && r->gap_bytes <= RECORD_BYTES_MAX &&
        r->sent_bytes <= RECORD_BYTES_MAX && (r->tunnels == 0 || r->tunnels == SIDES) &&
        tunnel_holds(&r->tunnel[SIDE_ORIG]) && tunnel_holds(&r->tunnel[SIDE_RESP]) &&
        (r->tunnel[SIDE_ORIG].count > 0 || r->tunnel[SIDE_RESP].count > 0) == (r->tunnels > 0);
    return holds ? RECORD_OK : RECORD_RANGE;
}

static const uint8_t *text_at(const struct record_content *r, size_t index)
{
    const uint8_t *at = label_places(r) + r->hash_count;
    for (; index > 0; index--)
        at += 1 + *at;
    return at;
}

struct content_item record_content_item(const struct record_content *record, size_t index)
{
    const uint8_t *label = text_at(record, label_places(record)[index]);
    return (struct content_item){record->hash[index], (const char *)label + 1, *label};
}

const char *record_content_sample(const struct record_content *record, size_t index, size_t *size)
{
    const uint8_t *sample = text_at(record, record->label_count + index);
    *size = *sample;
    return (const char *)sample + 1;
}

struct flow_key binding_key(const struct record_binding *record)
{
    return (struct flow_key){.orig_ip = record->address,
                             .resp_ip = record->device,
                             .orig_port = (uint16_t)(record->lease_s >> 16),
                             .resp_port = (uint16_t)record->lease_s,
                             .vlan = record->vlan,
                             .proto = record->kind,
                             .vantage = record->vantage};
}

static enum record_fault validate_binding(const struct record_binding *r)
{
    struct flow_key key = binding_key(r);
    bool holds = key_holds(&key) && r->kind < BINDING_KINDS && ip_is_device(&r->device) &&
                 !ip_is_device(&r->address) && memcmp(&r->key, &key, sizeof key) == 0;
    return holds ? RECORD_OK : RECORD_RANGE;
}

/* Sums of a few must not overflow; kinds are those there are, used ones in front. */
static enum record_fault validate_health(const struct record_health *r, size_t size)
{
    bool holds = true, free_place = false;
    if (size != sizeof *r)
        return size < sizeof *r ? RECORD_SHORT : RECORD_TAIL;
    for (size_t i = 0; i < HEALTH_KINDS; i++) {
        const struct health_kind *kind = &r->total.kind[i];
        free_place |= kind->what == HEALTH_NOTHING;
        holds &= kind->what < HEALTH_WHATS && free_place == (kind->what == HEALTH_NOTHING) &&
                 kind->packets <= RECORD_BYTES_MAX;
    }
    return holds ? RECORD_OK : RECORD_RANGE;
}

static enum record_fault validate_fixed(size_t size, size_t expected)
{
    if (size < expected)
        return RECORD_SHORT;
    return size == expected ? RECORD_OK : RECORD_TAIL;
}

enum record_fault record_validate(const void *record, size_t size)
{
    const struct record_header *header = record;
    enum record_fault fault;
    if (size < sizeof *header)
        return RECORD_SHORT;
    if (header->size != size || size % 8 != 0 || size > RECORD_MAX_BYTES)
        return RECORD_SIZE;
    if (header->version != RECORD_VERSION)
        return RECORD_KIND;
    if (header->kind != RECORD_WATERMARK && !time_holds(header->time_ns))
        return RECORD_RANGE;
    switch (header->kind) {
    case RECORD_FLOW:
        return validate_flow(record, size);
    case RECORD_NAME:
        return validate_name(record, size);
    case RECORD_CONTENT:
        return validate_content(record, size);
    case RECORD_HEALTH:
        return validate_health(record, size);
    case RECORD_BINDING:
        fault = validate_fixed(size, sizeof(struct record_binding));
        return fault == RECORD_OK ? validate_binding(record) : fault;
    case RECORD_WATERMARK:
        return validate_fixed(size, sizeof *header);
    default:
        return RECORD_KIND;
    }
}
