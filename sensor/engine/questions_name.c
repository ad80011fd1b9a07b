/* A name that was asked for, taken apart: whose domain it is under, and how much its owner could
 * have written into the rest.
 *
 * A letter, digit or hyphen is log2 38 bits (Paxson 2013), any other byte ("\DDD") eight, a dot
 * none. A reversed address (RFC 1035 3.5, RFC 3596 2.5; of blocklists RFC 5782 2.1) is the bits of
 * the address, whatever letters it is written in, and is counted apart from the labels behind it:
 * these are one zone's and repeat. A top level that the Public Suffix List does not know has
 * registrable domains of two labels. Pure. */
#include "questions.h"
#include "weir/base/suffix.h"

#include <stdlib.h>
#include <string.h>

#define LETTER_WEIGHT 656u /* log2 38 / 8 */
#define BYTE_WEIGHT   1000u
#define V4_LABELS     4
#define V6_LABELS     32

static const char *last_two_labels(const char *text)
{
    const char *last = strrchr(text, '.');
    if (!last)
        return ".";
    while (last > text && last[-1] != '.')
        last--;
    return last;
}

static uint32_t weigh(const char *from, const char *to)
{
    uint32_t weight = 0;
    while (from < to) {
        bool escaped = *from == '\\' && to - from >= 4;
        if (*from != '.')
            weight += escaped ? BYTE_WEIGHT : LETTER_WEIGHT;
        from += escaped ? 4 : 1;
    }
    return weight;
}

/* "1" to "255" without leading zeros; behind it, or NULL. */
static const char *read_octet(const char *at, uint8_t *octet)
{
    unsigned value = 0;
    const char *from = at;
    while (*at >= '0' && *at <= '9' && at - from < 3)
        value = 10 * value + (unsigned)(*at++ - '0');
    if (at == from || *at != '.' || value > 255 || (*from == '0' && at - from > 1))
        return NULL;
    *octet = (uint8_t)value;
    return at + 1;
}

static const char *read_v4(const char *at, struct ip *ip)
{
    uint8_t bytes[V4_LABELS];
    for (int i = V4_LABELS; i-- > 0;)
        if (!(at = read_octet(at, &bytes[i])))
            return NULL;
    *ip = ip_from_v4(bytes);
    return at;
}

static int hex_of(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = letter ? strchr(digits, letter) : NULL;
    return found ? (int)(found - digits) : -1;
}

static const char *read_v6(const char *at, struct ip *ip)
{
    uint8_t bytes[16] = {0};
    for (int i = V6_LABELS; i-- > 0; at += 2) {
        int digit = hex_of(at[0]);
        if (digit < 0 || at[1] != '.')
            return NULL;
        bytes[i / 2] = (uint8_t)(bytes[i / 2] | (i % 2 ? digit : digit << 4));
    }
    *ip = ip_from_v6(bytes);
    return at;
}

uint32_t question_address_hash(const struct questions *questions, const struct ip *ip)
{
    return (uint32_t)hash64_keyed(&questions->key, ip, sizeof *ip) | 1u;
}

const char *question_domain(const struct suffixes *suffixes, const char *text)
{
    const char *domain = suffixes_registrable(suffixes, text, true);
    return domain ? domain : last_two_labels(text);
}

void question_name_read(const struct questions *questions, const struct suffixes *suffixes,
                        const char *text, uint8_t cut, struct question_name *name)
{
    *name = (struct question_name){.hash = hash64_keyed(&questions->key, text, strlen(text))};
    name->domain = question_domain(suffixes, text);
    bool single = name->domain[0] == '.';
    const char *end = single ? text + strlen(text) : name->domain;
    const char *rest = read_v6(text, &name->reversed);
    name->address_weight = rest ? 16 * BYTE_WEIGHT : 4 * BYTE_WEIGHT;
    if (!rest)
        rest = read_v4(text, &name->reversed);
    if (rest)
        name->address = question_address_hash(questions, &name->reversed);
    /* of in-addr.arpa the registrable domain has a label of the address */
    name->weight = weigh(!rest ? text : rest < end ? rest : end, end) + cut * BYTE_WEIGHT;
}
