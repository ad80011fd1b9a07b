/* Addresses and prefix sets. Text forms are those of inet_ntop (RFC 5952).
 *
 * A set is sorted by length (longest first), then by address, without duplicates: a search masks
 * the address once a distinct length and looks for it by halving, unless there are few.
 * Thread-safe: no state. */
#include "weir/base/address.h"

#include "weir/base/buffer.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4_OFFSET_BITS 96
#define FEW_PREFIXES   16 /* are held against the address one by one */

bool ip_is_broadcast(const struct ip *ip)
{
    const uint8_t *b = ip->byte;
    if (ip_is_v4(ip)) {
        uint32_t v4 =
            ((uint32_t)b[12] << 24) | ((uint32_t)b[13] << 16) | ((uint32_t)b[14] << 8) | b[15];
        return v4 == 0 || v4 == UINT32_MAX;
    }
    static const struct ip none;
    return ip_compare(ip, &none) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct ip six = {{[15] = 1}};
    return ip_is_v4(ip) ? ip->byte[12] == 127 : ip_compare(ip, &six) == 0;
}

bool ip_is_multicast(const struct ip *ip)
{
    return ip_is_v4(ip) ? (ip->byte[12] & 0xf0) == 0xe0 : ip->byte[0] == 0xff;
}

bool ip_is_group(const struct ip *ip)
{
    return ip_is_broadcast(ip) || ip_is_multicast(ip);
}

/* In decimal; where it ends. */
static char *put_byte(char *at, unsigned byte)
{
    if (byte >= 100)
        *at++ = (char)('0' + byte / 100);
    if (byte >= 10)
        *at++ = (char)('0' + byte / 10 % 10);
    *at++ = (char)('0' + byte % 10);
    *at = '\0';
    return at;
}

/* IPv4 as inet_ntop has it, which goes by printf: each record names a destination. */
char *ip_text(const struct ip *ip, char text[IP_TEXT_SIZE])
{
    if (!ip_is_v4(ip)) {
        inet_ntop(AF_INET6, ip->byte, text, IP_TEXT_SIZE);
        return text;
    }
    char *at = text;
    for (int i = 12; i < 16; i++) {
        at = put_byte(at, ip->byte[i]);
        *at++ = '.';
    }
    at[-1] = '\0';
    return text;
}

/* As inet_pton has it: four numbers up to 255, without leading zeros, and nothing else. A line of a
 * log has two. */
static bool parse_v4(const char *text, uint8_t v4[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
            value = 10 * value + (unsigned)(*text - '0');
        if (digits == 0 || value > 255 || (digits > 1 && text[-(int)digits] == '0') ||
            *text++ != (i < 3 ? '.' : '\0'))
            return false;
        v4[i] = (uint8_t)value;
    }
    return true;
}

int ip_parse(const char *text, struct ip *ip)
{
    uint8_t v4[4], v6[16];
    if (parse_v4(text, v4))
        *ip = ip_from_v4(v4);
    else if (inet_pton(AF_INET6, text, v6) == 1)
        *ip = ip_from_v6(v6);
    else
        return -1;
    return 0;
}

static void mask(struct ip *ip, unsigned bits)
{
    size_t whole = bits / 8;
    if (whole >= sizeof ip->byte)
        return;
    ip->byte[whole] &= (uint8_t)(0xff00u >> bits % 8);
    memset(ip->byte + whole + 1, 0, sizeof ip->byte - whole - 1);
}

struct prefix prefix_of(const struct ip *ip, unsigned v4_bits, unsigned v6_bits)
{
    unsigned bits = ip_is_v4(ip) ? V4_OFFSET_BITS + v4_bits : v6_bits;
    struct prefix prefix = {*ip, (uint8_t)bits};
    mask(&prefix.ip, bits);
    return prefix;
}

char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE])
{
    bool v4 = ip_is_v4(&prefix->ip) && prefix->bits >= V4_OFFSET_BITS;
    ip_text(&prefix->ip, text);
    char *at = text + strlen(text);
    *at++ = '/';
    put_byte(at, v4 ? prefix->bits - V4_OFFSET_BITS : prefix->bits);
    return text;
}

/* One to three digits and nothing else; -1 when it is anything else. */
static int read_length(const char *text)
{
    int value = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
        value = 10 * value + (*text - '0');
    return digits > 0 && *text == '\0' ? value : -1;
}

int prefix_parse(const char *text, struct prefix *prefix, struct error *error)
{
    char address[IP_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    struct ip ip;
    if (size >= sizeof address)
        return error_set(error, ERROR_USAGE, "\"%.60s\": expected a prefix such as 10.0.0.0/8",
                         text);
    memcpy(address, text, size);
    address[size] = '\0';
    if (ip_parse(address, &ip) != 0)
        return error_set(error, ERROR_USAGE, "\"%.60s\": expected a prefix such as 10.0.0.0/8",
                         text);
    unsigned most = ip_is_v4(&ip) ? 32 : 128, bits = most;
    if (slash) {
        int value = read_length(slash + 1);
        if (value < 0 || value > (int)most)
            return error_set(error, ERROR_USAGE,
                             "\"%.60s\": expected a length from 0 to %u after /", text, most);
        bits = (unsigned)value;
    }
    *prefix = prefix_of(&ip, bits, bits);
    if (ip_compare(&prefix->ip, &ip) != 0) {
        char right[PREFIX_TEXT_SIZE];
        return error_set(error, ERROR_USAGE, "\"%.60s\": has host bits set, expected %s", text,
                         prefix_text(prefix, right));
    }
    return 0;
}

bool prefix_has(const struct prefix *prefix, const struct ip *ip)
{
    struct ip masked = *ip;
    if (prefix->bits < V4_OFFSET_BITS && ip_is_v4(ip))
        return false; /* ::/0 means every IPv6 address, not the mapped form that is ours alone */
    mask(&masked, prefix->bits);
    return ip_compare(&masked, &prefix->ip) == 0;
}

void prefix_set_init(struct prefix_set *set)
{
    *set = (struct prefix_set){0};
}

void prefix_set_fini(struct prefix_set *set)
{
    free(set->item);
    prefix_set_init(set);
}

static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return ip_compare(&a->ip, &b->ip);
}

/* The first item from `low` on that does not sort before `prefix`. */
static size_t lower_bound(const struct prefix_set *set, size_t low, const struct prefix *prefix)
{
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_prefixes(&set->item[middle], prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct prefix_set *set, size_t at, const struct prefix *prefix)
{
    return at < set->count && compare_prefixes(&set->item[at], prefix) == 0;
}

void prefix_set_add(struct prefix_set *set, struct prefix prefix)
{
    mask(&prefix.ip, prefix.bits); /* what a set holds has no host bits */
    size_t at = lower_bound(set, 0, &prefix);
    if (is_at(set, at, &prefix))
        return;
    if (set->count == set->room) {
        set->room = set->room ? 2 * set->room : 8;
        set->item = xrealloc(set->item, set->room * sizeof *set->item);
    }
    memmove(set->item + at + 1, set->item + at, (set->count - at) * sizeof *set->item);
    set->item[at] = prefix;
    set->count++;
}

static uint64_t half_of(const struct ip *ip, size_t half)
{
    uint64_t bytes;
    memcpy(&bytes, ip->byte + 8 * half, sizeof bytes);
    return be64toh(bytes);
}

static bool is_within(const struct prefix *prefix, uint64_t high, uint64_t low)
{
    uint64_t high_differs = high ^ half_of(&prefix->ip, 0),
             low_differs = low ^ half_of(&prefix->ip, 1);
    if (prefix->bits <= 64)
        return prefix->bits == 0 || high_differs >> (64 - prefix->bits) == 0;
    return high_differs == 0 && low_differs >> (128 - prefix->bits) == 0;
}

/* `least` as in prefix_has: longer ones come first. */
static bool is_in_few(const struct prefix_set *set, const struct ip *ip, unsigned least)
{
    uint64_t high = half_of(ip, 0), low = half_of(ip, 1);
    for (size_t i = 0; i < set->count && set->item[i].bits >= least; i++)
        if (is_within(&set->item[i], high, low))
            return true;
    return false;
}

bool prefix_set_has(const struct prefix_set *set, const struct ip *ip)
{
    unsigned least = ip_is_v4(ip) ? V4_OFFSET_BITS : 0; /* as in prefix_has */
    if (set->count <= FEW_PREFIXES)
        return is_in_few(set, ip, least);
    for (size_t at = 0; at < set->count && set->item[at].bits >= least;) {
        struct prefix probe = {*ip, set->item[at].bits};
        mask(&probe.ip, probe.bits);
        at = lower_bound(set, at, &probe);
        if (is_at(set, at, &probe))
            return true;
        if (probe.bits == 0)
            break;
        struct prefix next_length = {{{0}}, (uint8_t)(probe.bits - 1)};
        at = lower_bound(set, at, &next_length);
    }
    return false;
}

void prefix_set_default_inside(struct prefix_set *set)
{
    static const char *const inside[] = {"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16",
                                         "169.254.0.0/16", "100.64.0.0/10", "fc00::/7",
                                         "fe80::/10"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        struct prefix prefix;
        if (prefix_parse(inside[i], &prefix, NULL) == 0)
            prefix_set_add(set, prefix);
    }
}
