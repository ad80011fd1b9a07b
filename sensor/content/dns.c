/* DNS messages: the first question and the addresses of the answer (RFC 1035, 3596, 6762).
 *
 * glibc's ns_initparse judges the message as a whole, ns_name_unpack and ns_skiprr read its names
 * and records. ns_parserr is not used: it expands every owner name, and 64 kB of compression
 * pointers over TCP would cost 10^8 steps; nobody asks for owner names. The question is read before
 * the judgement, because what a tunnel asks must not be hidden by a junk byte behind it.
 *
 * Pure; no allocation. Invariant: message->qtype is 0 exactly as long as no question was whole. */
#include "recognise.h"
#include "weir/base/cursor.h"
#include "weir/content/names.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <string.h>

#define OPCODE_QUERY  0
#define OPCODE_UPDATE 5      /* the highest in use that shares the message format */
#define CLASS_MASK    0x7fff /* mDNS: the top bit means "unicast answer" or "flush" (RFC 6762) */
#define TEXT_MAX      (4 * NS_MAXCDNAME + 1)
#define QUESTION_MIN  5u /* root name, type, class */
#define RECORD_MIN    11u

struct header {
    bool response;
    uint8_t opcode, rcode;
    bool zero_bit;
    uint16_t questions, answers, authorities, additionals;
};

static struct header read_header(struct cursor *c)
{
    struct header h = {0};
    cursor_skip(c, 2); /* id */
    uint16_t flags = cursor_be16(c);
    h.response = (flags & 0x8000) != 0;
    h.opcode = (flags >> 11) & 0xf;
    h.rcode = flags & 0xf;
    h.zero_bit = (flags & 0x40) != 0;
    h.questions = cursor_be16(c);
    h.answers = cursor_be16(c);
    h.authorities = cursor_be16(c);
    h.additionals = cursor_be16(c);
    return h;
}

static bool plausible(const struct header *h)
{
    if (h->opcode > OPCODE_UPDATE || h->questions > 32)
        return false;
    /* Only an answer that refuses may be empty (FORMERR). */
    return h->response || h->questions || h->answers || h->authorities || h->additionals;
}

/* Steps over a name as it stands (labels, then a zero or a pointer). False: no name. */
static bool skip_name(struct cursor *c)
{
    for (;;) {
        uint8_t length = cursor_u8(c);
        if (c->failed || length == 0)
            return true;
        if ((length & NS_CMPRSFLGS) == NS_CMPRSFLGS) {
            cursor_skip(c, 1);
            return true;
        }
        if (length & NS_CMPRSFLGS)
            return false;
        cursor_skip(c, length);
    }
}

/* Why did ns_initparse refuse? Whether the message is a prefix or nonsense decides. */
static enum parse_result classify(struct cursor c, const struct header *h)
{
    uint32_t records = (uint32_t)h->answers + h->authorities + h->additionals;
    for (uint32_t i = 0; i < h->questions && !c.failed; i++) {
        if (!skip_name(&c))
            return PARSE_MALFORMED;
        cursor_skip(&c, NS_QFIXEDSZ);
    }
    for (uint32_t i = 0; i < records && !c.failed; i++) {
        if (!skip_name(&c))
            return PARSE_MALFORMED;
        cursor_skip(&c, NS_RRFIXEDSZ - 2);
        cursor_skip(&c, cursor_be16(&c));
    }
    return c.failed ? PARSE_MORE : PARSE_MALFORMED;
}

static char lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

/* Text of an unpacked name; at most 4 characters a byte fit TEXT_MAX. */
static size_t name_to_text(const uint8_t *wire, char text[TEXT_MAX])
{
    size_t size = 0;
    for (const uint8_t *at = wire; *at; at += *at + 1) {
        if (size)
            text[size++] = '.';
        for (uint8_t i = 1; i <= *at; i++) {
            uint8_t byte = at[i];
            if (byte > 0x20 && byte < 0x7f && byte != '.' && byte != '\\')
                text[size++] = lower(byte);
            else
                size += (size_t)snprintf(text + size, 5, "\\%03u", byte);
        }
    }
    text[size] = '\0';
    return size;
}

static void keep_name(const uint8_t *wire, char name[RECORD_NAME_MAX + 1])
{
    char text[TEXT_MAX];
    size_t size = name_to_text(wire, text), from = 0;
    if (size > RECORD_NAME_MAX) {
        from = size - RECORD_NAME_MAX;
        for (size_t back = 1; back <= 3 && back <= from; back++)
            if (text[from - back] == '\\') { /* not into the middle of an escape */
                from += 4 - back;
                break;
            }
    }
    memcpy(name, text + from, size - from + 1);
}

/* The first question, at the cursor. PARSE_OK steps over it. */
static enum parse_result read_question(struct cursor *c, const uint8_t *data,
                                       struct dns_message *message)
{
    uint8_t wire[NS_MAXCDNAME];
    struct cursor probe = *c;
    if (!skip_name(&probe))
        return PARSE_NOT;
    uint16_t type = cursor_be16(&probe);
    cursor_skip(&probe, 2);
    if (probe.failed)
        return PARSE_MORE;
    if (ns_name_unpack(data, c->end, c->at, wire, sizeof wire) < 0 || type == 0)
        return PARSE_NOT;
    keep_name(wire, message->name);
    message->qtype = type;
    *c = probe;
    return PARSE_OK;
}

static void keep_address(struct dns_message *message, struct ip ip, uint32_t ttl_s)
{
    bool first = message->address_count == 0;
    if (first || ttl_s < message->ttl_s)
        message->ttl_s = ttl_s;
    if (message->address_count < RECORD_NAME_ADDRESSES)
        message->address[message->address_count++] = ip;
    else
        message->more++;
}

/* `c` at the first answer of a message that ns_initparse accepted. */
static void read_answers(struct cursor *c, uint16_t answers, struct dns_message *message)
{
    for (uint16_t i = 0; i < answers && !c->failed; i++) {
        if (!skip_name(c))
            return;
        uint16_t type = cursor_be16(c);
        uint16_t class = cursor_be16(c) & CLASS_MASK;
        uint32_t ttl_s = cursor_be32(c);
        uint16_t size = cursor_be16(c);
        const uint8_t *value = cursor_take(c, size);
        if (!value || class != ns_c_in)
            continue;
        if (type == ns_t_a && size == 4)
            keep_address(message, ip_from_v4(value), ttl_s);
        else if (type == ns_t_aaaa && size == 16)
            keep_address(message, ip_from_v6(value), ttl_s);
    }
}

enum parse_result dns_parse(const uint8_t *data, size_t size, struct dns_message *message)
{
    memset(message, 0, sizeof *message);
    struct cursor c = cursor_make(data, size);
    struct header h = read_header(&c);
    if (c.failed)
        return PARSE_MORE;
    if (!plausible(&h))
        return PARSE_NOT;
    message->response = h.response;
    message->rcode = h.rcode;
    struct cursor sections = c;
    if (h.questions) {
        enum parse_result result = read_question(&c, data, message);
        if (result != PARSE_OK)
            return result;
    }
    ns_msg parsed;
    if (size > UINT16_MAX || ns_initparse(data, (int)size, &parsed) != 0)
        return classify(sections, &h);
    if (h.questions > 1) {
        int rest = ns_skiprr(c.at, c.end, ns_s_qd, h.questions - 1);
        cursor_skip(&c, rest > 0 ? (size_t)rest : 0);
    }
    if (h.response)
        read_answers(&c, h.answers, message);
    return PARSE_OK;
}

/* --- on ports that promise nothing -------------------------------------------------------------
 */

/* Host and service names as people and machines ask them. */
static bool plain_name(struct cursor *c)
{
    for (unsigned labels = 0;; labels++) {
        uint8_t length = cursor_u8(c);
        if (length == 0)
            return c->failed || labels > 0;
        if (length > NS_MAXLABEL)
            return false;
        for (; length > 0 && cursor_left(c) > 0; length--) {
            uint8_t byte = cursor_u8(c);
            if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') &&
                !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_')
                return false;
        }
        if (length > 0)
            c->failed = true;
        if (c->failed)
            return true;
    }
}

static bool strict_header(const struct header *h)
{
    if (h->opcode != OPCODE_QUERY || h->zero_bit || h->questions != 1)
        return false;
    if (h->response)
        return h->rcode <= 10 && h->answers <= 512 && h->authorities <= 64 && h->additionals <= 64;
    return h->rcode == 0 && h->answers == 0 && h->authorities == 0 && h->additionals <= 2;
}

/* The beginning of a message, as far as it is there. */
static enum parse_result strict_begin(struct cursor c)
{
    struct cursor rest = c;
    struct header h = read_header(&rest);
    if (rest.failed)
        return PARSE_MORE;
    if (!strict_header(&h) || !plain_name(&rest))
        return PARSE_NOT;
    uint16_t type = cursor_be16(&rest);
    uint16_t class = cursor_be16(&rest) & CLASS_MASK;
    if (rest.failed)
        return PARSE_MORE;
    bool known_class = class == ns_c_in || class == ns_c_chaos || class == ns_c_any;
    return type != 0 && known_class ? PARSE_OK : PARSE_NOT;
}

bool dns_looks_like(const uint8_t *data, size_t size)
{
    struct dns_message message;
    return strict_begin(cursor_make(data, size)) == PARSE_OK &&
           dns_parse(data, size, &message) == PARSE_OK;
}

enum parse_result dns_begins(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    size_t length = cursor_be16(&c);
    if (c.failed)
        return PARSE_MORE;
    if (length < NS_HFIXEDSZ + QUESTION_MIN)
        return PARSE_NOT;
    if (cursor_left(&c) > length)
        c.end = c.at + length;
    enum parse_result result = strict_begin(c);
    bool whole = cursor_left(&c) == length;
    return result == PARSE_MORE && whole ? PARSE_NOT : result;
}
