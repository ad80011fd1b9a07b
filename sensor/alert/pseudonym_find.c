/* What in a text names a host: IPv4 and IPv6 addresses, MACs with ":" or "-", "duid:" and 14
 * letters (base/device.h), Community IDs. It errs towards finding: "a10.0.0.5" has an address in
 * it. Not found: an address written in any other way ("ip-10-0-0-5", "…ip6.arpa"), as names may
 * have it (docs/privacy.md). A text is walked once; at each place at most RUN bytes are looked at.
 * Pure. */
#include "pseudonym_local.h"

#include "weir/base/device.h"

#include <stdlib.h>
#include <string.h>

#define RUN       (IP_TEXT_SIZE - 1)
#define MAC_TEXT  17
#define DUID_TEXT 19
#define DUID_AT   9 /* of a device's address: where the hash begins (base/device.c) */
#define FLOW_TEXT 30
#define ADDRESS_6 128
#define V4_IN_V6  96

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* '\0': beyond the end, or before the start. */
static char char_at(const char *text, size_t size, size_t at)
{
    if (at >= size)
        return '\0';
    return text[at];
}

static char before(const char *text, size_t at)
{
    if (at == 0)
        return '\0';
    return text[at - 1];
}

/* --- MACs, DHCP identifiers, Community IDs -----------------------------------------------------
 */

static bool find_mac(const char *text, size_t size, size_t at, struct found *found)
{
    char sign = char_at(text, size, at + 2), prior = before(text, at);
    uint8_t mac[MAC_SIZE];
    if ((sign != ':' && sign != '-') || hex_of(prior) >= 0 || prior == sign || size - at < MAC_TEXT)
        return false;
    for (size_t i = 0; i < MAC_SIZE; i++) {
        int high = hex_of(text[at + 3 * i]), low = hex_of(text[at + 3 * i + 1]);
        char next = char_at(text, size, at + 3 * i + 2);
        if (high < 0 || low < 0 ||
            (i + 1 < MAC_SIZE ? next != sign : hex_of(next) >= 0 || next == sign))
            return false;
        mac[i] = (uint8_t)(16 * high + low);
    }
    *found = (struct found){.size = MAC_TEXT, .ip = device_of_mac(mac)};
    return true;
}

static bool find_duid(const char *text, size_t size, size_t at, struct found *found)
{
    if (size - at < DUID_TEXT || memcmp(text + at, "duid:", 5) != 0 || is_word(before(text, at)))
        return false;
    struct ip ip = device_of_id((const uint8_t *)"", 0);
    for (size_t i = DUID_AT; i < sizeof ip.byte; i++) {
        const char *two = text + at + 5 + 2 * (i - DUID_AT);
        if (hex_of(two[0]) < 0 || hex_of(two[1]) < 0)
            return false;
        ip.byte[i] = (uint8_t)(16 * hex_of(two[0]) + hex_of(two[1]));
    }
    *found = (struct found){.size = DUID_TEXT, .ip = ip};
    return true;
}

/* "1:" and the Base64 of a SHA-1. */
static bool find_flow(const char *text, size_t size, size_t at, struct found *found)
{
    if (size - at < FLOW_TEXT || text[at + 1] != ':' || text[at] != '1' ||
        text[at + FLOW_TEXT - 1] != '=' || is_word(before(text, at)))
        return false;
    for (size_t i = 2; i < FLOW_TEXT - 1; i++)
        if (!is_word(text[at + i]) && text[at + i] != '+' && text[at + i] != '/')
            return false;
    *found = (struct found){.size = FLOW_TEXT, .is_flow = true};
    return true;
}

/* --- addresses ---------------------------------------------------------------------------------
 */

/* "/8" behind an address whose other bits are zero: a network's, if it is not one address alone. */
static bool is_network(const char *text, size_t size, size_t at, const struct ip *ip, bool six)
{
    unsigned bits = 0, digits = 0;
    if (char_at(text, size, at) != '/')
        return false;
    while (digits < 3 && is_digit(char_at(text, size, at + 1 + digits)))
        bits = 10 * bits + (unsigned)(text[at + 1 + digits++] - '0');
    bits += six ? 0 : V4_IN_V6;
    if (digits == 0 || bits >= ADDRESS_6)
        return false;
    struct prefix prefix = {.ip = *ip, .bits = (uint8_t)bits};
    struct prefix masked = prefix_of(ip, bits > V4_IN_V6 ? bits - V4_IN_V6 : 0, bits);
    return ip_compare(&masked.ip, &prefix.ip) == 0;
}

static bool parse(const char *text, size_t size, struct ip *ip)
{
    char copy[IP_TEXT_SIZE];
    memcpy(copy, text, size);
    copy[size] = '\0';
    return ip_parse(copy, ip) == 0;
}

/* The longest text that is one: what follows may be a port, a full stop. */
static bool find_six(const char *text, size_t size, size_t at, struct found *found)
{
    size_t run = 0, colons = 0;
    bool gap = false;
    while (run < RUN &&
           (hex_of(char_at(text, size, at + run)) >= 0 || char_at(text, size, at + run) == ':' ||
            char_at(text, size, at + run) == '.')) {
        colons += text[at + run] == ':';
        gap |= run > 0 && text[at + run] == ':' && text[at + run - 1] == ':';
        run++;
    }
    if ((!gap && colons < 6) || hex_of(before(text, at)) >= 0)
        return false;
    for (; run >= 2; run--) {
        struct ip ip;
        if (!memchr(text + at, ':', run) || !parse(text + at, run, &ip))
            continue;
        *found = (struct found){
            .size = run, .ip = ip, .is_network = is_network(text, size, at + run, &ip, true)};
        return true;
    }
    return false;
}

/* Four numbers; 0: it is none, else its bytes. */
static size_t read_four(const char *text, size_t size, size_t at, uint8_t part[4])
{
    size_t end = at;
    for (int i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; digits < 3 && is_digit(char_at(text, size, end)); digits++)
            value = 10 * value + (unsigned)(text[end++] - '0');
        if (digits == 0 || value > 255 || (i < 3 && char_at(text, size, end++) != '.'))
            return 0;
        part[i] = (uint8_t)value;
    }
    return is_digit(char_at(text, size, end)) ? 0 : end - at;
}

static bool find_four(const char *text, size_t size, size_t at, struct found *found)
{
    static const char reversed[] = ".in-addr.arpa";
    uint8_t part[4];
    bool begins = is_digit(text[at]) && !is_digit(before(text, at));
    size_t length = begins ? read_four(text, size, at, part) : 0;
    if (length == 0)
        return false;
    const uint8_t other[4] = {part[3], part[2], part[1], part[0]};
    size_t end = at + length;
    *found = (struct found){.size = length, .ip = ip_from_v4(part), .reverse = ip_from_v4(other)};
    found->is_network = is_network(text, size, end, &found->ip, false);
    found->backwards = size - end >= sizeof reversed - 1 &&
                       strncasecmp(text + end, reversed, sizeof reversed - 1) == 0;
    return true;
}

bool find_at(const char *text, size_t size, size_t at, struct found *found)
{
    if (find_flow(text, size, at, found) || find_mac(text, size, at, found) ||
        find_duid(text, size, at, found) || find_six(text, size, at, found) ||
        find_four(text, size, at, found))
        return true;
    found->size = 1;
    return false;
}
