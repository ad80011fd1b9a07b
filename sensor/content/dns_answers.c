/* The answer section: addresses, what the asked name is an alias of, and how much data came.
 *
 * A and AAAA (RFC 1035, 3596) are addresses, and so are the hints of HTTPS and SVCB records (RFC
 * 9460 7.3): a client may connect to a hint without ever asking for A. All belong to the question's
 * name: the owners of address records are not compared, as whoever wrote the answer could have
 * written any.
 *
 * Aliases are followed from the question's name, CNAME by CNAME as servers list them (RFC 1034
 * 3.6.2): a record whose owner is not the name reached so far ties nothing. Owners are unpacked for
 * that, which compression pointers make expensive: of at most CNAMES_READ records a message, so the
 * work is bounded by that times the message.
 *
 * Pure; no allocation. */
#include "dns.h"

#include <arpa/nameser.h>
#include <string.h>

#define CLASS_MASK  0x7fff /* mDNS: the top bit means "flush" (RFC 6762) */
#define CNAMES_READ 16u
#define TYPE_SVCB   64
#define TYPE_HTTPS  65
#define HINT_IPV4   4 /* SvcParamKeys (RFC 9460 14.3.2) */
#define HINT_IPV6   6
#define SVCB_ALIAS  0u /* SvcPriority: AliasMode has no parameters */

struct answers {
    const uint8_t *data, *end; /* the message */
    struct dns_message *message;
    uint8_t reached[NS_MAXCDNAME]; /* the question's name, or the last alias */
    uint32_t cnames;
};

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

/* Two unpacked names, whatever their case (RFC 4343); each ends in its root. */
static bool same_name(const uint8_t *a, const uint8_t *b)
{
    for (; *a == *b && *a; a += *a + 1, b += *b + 1)
        for (uint8_t i = 1; i <= *a; i++)
            if (dns_lower(a[i]) != dns_lower(b[i]))
                return false;
    return *a == *b;
}

static void follow(struct answers *a, const uint8_t *owner, const uint8_t *target)
{
    uint8_t name[NS_MAXCDNAME] = {0};
    if (a->cnames++ >= CNAMES_READ ||
        ns_name_unpack(a->data, a->end, owner, name, sizeof name) < 0 ||
        !same_name(name, a->reached) ||
        ns_name_unpack(a->data, a->end, target, name, sizeof name) < 0)
        return;
    memcpy(a->reached, name, sizeof name);
    struct dns_message *message = a->message;
    if (*name && message->alias_count < RECORD_NAME_ALIASES) /* not the root */
        dns_keep_name(name, message->alias[message->alias_count++]);
}

/* The addresses in a service's parameters. One that contradicts its length says nothing. */
static void read_service(struct cursor c, uint32_t ttl_s, struct dns_message *message)
{
    if (cursor_be16(&c) == SVCB_ALIAS || !dns_skip_name(&c))
        return;
    while (!c.failed && cursor_left(&c) > 0) {
        uint16_t key = cursor_be16(&c), size = cursor_be16(&c);
        size_t one = key == HINT_IPV4 ? 4 : 16;
        const uint8_t *value = cursor_take(&c, size);
        if (!value || (key != HINT_IPV4 && key != HINT_IPV6) || size % one != 0)
            continue;
        for (size_t at = 0; at < size; at += one)
            keep_address(message, one == 4 ? ip_from_v4(value + at) : ip_from_v6(value + at),
                         ttl_s);
    }
}

static void read_answer(struct answers *a, struct cursor *c)
{
    const uint8_t *owner = c->at;
    if (!dns_skip_name(c)) {
        c->failed = true;
        return;
    }
    uint16_t type = cursor_be16(c);
    uint16_t class = cursor_be16(c) & CLASS_MASK;
    uint32_t ttl_s = cursor_be32(c);
    uint16_t size = cursor_be16(c);
    const uint8_t *value = cursor_take(c, size);
    if (!value)
        return;
    a->message->answers++;
    a->message->answer_bytes += size;
    if (class != ns_c_in)
        return;
    if (type == ns_t_a && size == 4)
        keep_address(a->message, ip_from_v4(value), ttl_s);
    else if (type == ns_t_aaaa && size == 16)
        keep_address(a->message, ip_from_v6(value), ttl_s);
    else if (type == ns_t_cname)
        follow(a, owner, value);
    else if (type == TYPE_HTTPS || type == TYPE_SVCB)
        read_service(cursor_make(value, size), ttl_s, a->message);
}

void dns_read_answers(const uint8_t *data, struct cursor *c, uint16_t answers,
                      const uint8_t *question, struct dns_message *message)
{
    struct answers a = {.data = data, .end = c->end, .message = message};
    memcpy(a.reached, question, sizeof a.reached);
    for (uint16_t i = 0; i < answers && !c->failed; i++)
        read_answer(&a, c);
    if (message->address_count == 0)
        message->alias_count = 0; /* nothing that they could be tied to */
}
