/* Forwarded (RFC 7239) and X-Forwarded-For: for whom a proxy asks. Proxies append, so the left-most
 * address is the one nearest to the client, and the one most easily made up: a claim, no more.
 *
 *   X-Forwarded-For: 203.0.113.7, 198.51.100.1      also 203.0.113.7:4711, [2001:db8::7]:4711
 *   Forwarded: by=10.0.0.1;for="[2001:db8::7]:4711", for=198.51.100.1
 *
 * Pure; no allocation. */
#include "span.h"
#include "weir/content/client.h"

#include <string.h>
#include <strings.h>

/* Up to the first of `stops` that is not in quotes, without it; steps over both. */
static struct text_span take_until(struct text_span *rest, const char *stops)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->size; i++) {
        char c = rest->at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c != '\0' && strchr(stops, c))
            break;
    }
    size_t size = i < rest->size ? i : rest->size;
    struct text_span taken = {rest->at, size};
    size_t step = size < rest->size ? size + 1 : size;
    rest->at += step;
    rest->size -= step;
    return taken;
}

/* --- nodes: an address, perhaps with a port ----------------------------------------------------
 */

static bool read_port(struct text_span text, uint16_t *port)
{
    unsigned value = 0;
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = 10 * value + (unsigned)(text.at[i] - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool read_address(struct text_span text, struct ip *ip)
{
    char copy[IP_TEXT_SIZE];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.at, '\0', text.size))
        return false;
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    return ip_parse(copy, ip) == 0;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". A port that is
 * none ("_hidden") takes nothing from the address. */
static bool read_node(struct text_span text, struct client_claim *client)
{
    struct text_span address = text, port = {"", 0};
    const char *colon = text.size ? memchr(text.at, ':', text.size) : NULL;
    if (text.size && *text.at == '[') {
        const char *bracket = memchr(text.at, ']', text.size);
        if (!bracket)
            return false;
        address = (struct text_span){text.at + 1, (size_t)(bracket - text.at) - 1};
        size_t used = address.size + 2;
        if (used < text.size && text.at[used] == ':')
            port = (struct text_span){text.at + used + 1, text.size - used - 1};
        else if (used < text.size)
            return false;
    } else if (colon && !memchr(colon + 1, ':', text.size - (size_t)(colon + 1 - text.at))) {
        address.size = (size_t)(colon - text.at);
        port = (struct text_span){colon + 1, text.size - address.size - 1};
    }
    if (!read_address(address, &client->ip))
        return false;
    if (!read_port(port, &client->port))
        client->port = 0;
    return true;
}

/* --- the two fields ----------------------------------------------------------------------------
 */

bool forwarded_for(const char *value, size_t size, struct client_claim *client)
{
    struct text_span rest = {value, size};
    *client = (struct client_claim){.by = CLIENT_NONE};
    if (!read_node(text_span_trim(take_until(&rest, ",")), client))
        return false;
    client->by = CLIENT_X_FORWARDED_FOR;
    return true;
}

static struct text_span unquoted(struct text_span text)
{
    if (text.size >= 2 && *text.at == '"' && text.at[text.size - 1] == '"')
        return (struct text_span){text.at + 1, text.size - 2};
    return text;
}

bool forwarded(const char *value, size_t size, struct client_claim *client)
{
    struct text_span rest = {value, size};
    struct text_span element = take_until(&rest, ",");
    *client = (struct client_claim){.by = CLIENT_NONE};
    while (element.size) {
        struct text_span pair = text_span_trim(take_until(&element, ";"));
        if (pair.size < 4 || strncasecmp(pair.at, "for=", 4) != 0)
            continue;
        struct text_span node = unquoted((struct text_span){pair.at + 4, pair.size - 4});
        if (!read_node(node, client))
            return false;
        client->by = CLIENT_FORWARDED;
        return true;
    }
    return false;
}
