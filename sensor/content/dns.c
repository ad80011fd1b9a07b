/* DNS messages: every question, one after the other, and what answers the first (RFC 1035, 6762).
 *
 * glibc's ns_initparse judges the message as a whole, ns_name_unpack and ns_skiprr read its names
 * and records. ns_parserr is not used: it expands every owner name, and 64 kB of compression
 * pointers over TCP would cost 10^8 steps; owners matter to aliases alone (dns_answers.c). The
 * question is read before the judgement, because what a tunnel asks must not be hidden by a junk
 * byte behind it. Answers belong to the first question: nobody answers more than one (RFC 9619),
 * and mDNS, which asks many at once, repeats none in its answers.
 *
 * Pure; no allocation. Bounds: QUESTIONS_MAX questions of a message; one that says it has more is
 * none. Invariant: message->qtype is 0 exactly as long as no question was whole. */
#include "dns.h"
#include "recognise.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <string.h>

#define OPCODE_QUERY  0
#define OPCODE_UPDATE 5      /* the highest in use that shares the message format */
#define CLASS_MASK    0x7fff /* mDNS: the top bit means "unicast answer" or "flush" (RFC 6762) */
#define TEXT_MAX      (4 * NS_MAXCDNAME + 1)
#define QUESTION_MIN  5u /* root name, type, class */
#define QUESTIONS_MAX 32

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
    if (h->opcode > OPCODE_UPDATE || h->questions > QUESTIONS_MAX)
        return false;
    /* Only an answer that refuses may be empty (FORMERR). */
    return h->response || h->questions || h->answers || h->authorities || h->additionals;
}

bool dns_skip_name(struct cursor *c)
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
        if (!dns_skip_name(&c))
            return PARSE_MALFORMED;
        cursor_skip(&c, NS_QFIXEDSZ);
    }
    for (uint32_t i = 0; i < records && !c.failed; i++) {
        if (!dns_skip_name(&c))
            return PARSE_MALFORMED;
        cursor_skip(&c, NS_RRFIXEDSZ - 2);
        cursor_skip(&c, cursor_be16(&c));
    }
    return c.failed ? PARSE_MORE : PARSE_MALFORMED;
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
                text[size++] = dns_lower(byte);
            else
                size += (size_t)snprintf(text + size, 5, "\\%03u", byte);
        }
    }
    text[size] = '\0';
    return size;
}

/* Of a text: an escape is one byte. A name has 255 at most. */
static uint8_t bytes_of_text(const char *text, size_t size)
{
    size_t bytes = 0;
    for (size_t i = 0; i < size; i += text[i] == '\\' ? 4 : 1)
        bytes++;
    return (uint8_t)bytes;
}

uint8_t dns_keep_name(const uint8_t *wire, char name[RECORD_NAME_MAX + 1])
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
    return bytes_of_text(text, from);
}

/* The question at the cursor, its name unpacked too. PARSE_OK steps over it. */
static enum parse_result read_question(struct cursor *c, const uint8_t *data,
                                       uint8_t wire[NS_MAXCDNAME], struct dns_message *message)
{
    struct cursor probe = *c;
    if (!dns_skip_name(&probe))
        return PARSE_NOT;
    uint16_t type = cursor_be16(&probe);
    cursor_skip(&probe, 2);
    if (probe.failed)
        return PARSE_MORE;
    if (ns_name_unpack(data, c->end, c->at, wire, NS_MAXCDNAME) < 0 || type == 0)
        return PARSE_NOT;
    message->name_cut = dns_keep_name(wire, message->name);
    message->qtype = type;
    *c = probe;
    return PARSE_OK;
}

enum parse_result dns_parse(const uint8_t *data, size_t size, struct dns_message *message)
{
    uint8_t wire[NS_MAXCDNAME] = {0};
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
        enum parse_result result = read_question(&c, data, wire, message);
        if (result != PARSE_OK)
            return result;
        message->questions_left = (uint8_t)(h.questions - 1);
        message->next_question = (uint32_t)(c.at - data);
    }
    message->message_bytes = (uint32_t)size;
    ns_msg parsed;
    if (size > UINT16_MAX || ns_initparse(data, (int)size, &parsed) != 0)
        return classify(sections, &h);
    if (h.questions > 1) {
        int rest = ns_skiprr(c.at, c.end, ns_s_qd, h.questions - 1);
        cursor_skip(&c, rest > 0 ? (size_t)rest : 0);
    }
    if (h.response)
        dns_read_answers(data, &c, h.answers, wire, message);
    return PARSE_OK;
}

bool dns_next_question(const uint8_t *data, size_t size, struct dns_message *message)
{
    uint8_t wire[NS_MAXCDNAME];
    struct cursor c = cursor_make(data, size);
    cursor_skip(&c, message->next_question);
    while (message->questions_left > 0) {
        message->questions_left--;
        if (read_question(&c, data, wire, message) == PARSE_OK) {
            message->next_question = (uint32_t)(c.at - data);
            message->address_count = message->alias_count = 0;
            message->ttl_s = message->more = message->answer_bytes = message->message_bytes = 0;
            message->answers = 0;
            return true;
        }
        if (!dns_skip_name(&c) || !cursor_skip(&c, NS_QFIXEDSZ))
            return false; /* one that is broken, or of type 0, hides none behind it */
    }
    return false;
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

/* Given such a beginning: would dns_parse take all of it? Nothing is kept of it. */
static bool is_whole(const uint8_t *data, size_t size)
{
    uint8_t wire[NS_MAXCDNAME];
    ns_msg parsed;
    return size <= UINT16_MAX &&
           ns_name_unpack(data, data + size, data + NS_HFIXEDSZ, wire, sizeof wire) >= 0 &&
           ns_initparse(data, (int)size, &parsed) == 0;
}

bool dns_looks_like(const uint8_t *data, size_t size)
{
    return strict_begin(cursor_make(data, size)) == PARSE_OK && is_whole(data, size);
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
