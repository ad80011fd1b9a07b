/* The PROXY protocol: a load balancer's first bytes on a connection say for whom it was opened
 * (haproxy, proxy-protocol.txt). Version 1 is one line of text, version 2 a signature, a length and
 * addresses; what follows the addresses (TLVs) is stepped over, not read.
 * Pure; no allocation. Bounds: PROXY_HEAD_MAX, or the 16 bits of version 2's length. */
#include "recognise.h"
#include "weir/base/cursor.h"
#include "weir/content/client.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE_SIZE 12u
#define HEAD_SIZE      16u /* of version 2, before its addresses */
#define COMMAND_LOCAL  0u
#define COMMAND_PROXY  1u
#define FAMILY_INET    1u
#define FAMILY_INET6   2u
#define FAMILY_MAX     3u

static const uint8_t signature[SIGNATURE_SIZE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
static const uint8_t word[6] = "PROXY "; /* no NUL */

static enum parse_result begins(const uint8_t *data, size_t size, const void *token, size_t length)
{
    size_t n = size < length ? size : length;
    if (n > 0 && memcmp(data, token, n) != 0)
        return PARSE_NOT;
    return n == length ? PARSE_OK : PARSE_MORE;
}

/* --- version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n" -------------------------------
 */

static bool read_port(const char *text, uint16_t *port)
{
    unsigned value = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 6; text++, digits++)
        value = 10 * value + (unsigned)(*text - '0');
    *port = (uint16_t)value;
    return digits > 0 && !*text && value <= UINT16_MAX;
}

static enum parse_result read_line(const char *line, struct proxy_head *head)
{
    char family[8], from[IP_TEXT_SIZE], to[IP_TEXT_SIZE], from_port[8], to_port[8];
    struct ip other;
    uint16_t port;
    if (strncmp(line, "PROXY UNKNOWN", 13) == 0)
        return PARSE_OK;
    if (sscanf(line, "PROXY %7s %45s %45s %7s %7s", family, from, to, from_port, to_port) != 5)
        return PARSE_MALFORMED;
    bool v4 = strcmp(family, "TCP4") == 0;
    if ((!v4 && strcmp(family, "TCP6") != 0) || ip_parse(from, &head->client.ip) != 0 ||
        ip_parse(to, &other) != 0 || !read_port(from_port, &head->client.port) ||
        !read_port(to_port, &port))
        return PARSE_MALFORMED;
    head->client.by = CLIENT_PROXY_PROTOCOL;
    return PARSE_OK;
}

static enum parse_result parse_text(const uint8_t *data, size_t size, struct proxy_head *head)
{
    char line[PROXY_HEAD_MAX + 1];
    size_t there = size < PROXY_HEAD_MAX ? size : PROXY_HEAD_MAX;
    const uint8_t *end = memchr(data, '\n', there);
    if (!end)
        return there < PROXY_HEAD_MAX ? PARSE_MORE : PARSE_MALFORMED;
    size_t length = (size_t)(end - data);
    if (length == 0 || data[length - 1] != '\r' || memchr(data, '\0', length))
        return PARSE_MALFORMED;
    memcpy(line, data, length - 1);
    line[length - 1] = '\0';
    head->size = (uint32_t)length + 1;
    return read_line(line, head);
}

/* --- version 2 --------------------------------------------------------------------------------
 */

static enum parse_result read_addresses(struct cursor c, unsigned family, struct proxy_head *head)
{
    const uint8_t *from = cursor_take(&c, family == FAMILY_INET ? 4 : 16);
    cursor_skip(&c, family == FAMILY_INET ? 4 : 16);
    uint16_t port = cursor_be16(&c);
    cursor_skip(&c, 2);
    if (c.failed)
        return PARSE_MORE;
    head->client.ip = family == FAMILY_INET ? ip_from_v4(from) : ip_from_v6(from);
    head->client.port = port;
    head->client.by = CLIENT_PROXY_PROTOCOL;
    return PARSE_OK;
}

static enum parse_result parse_binary(const uint8_t *data, size_t size, struct proxy_head *head)
{
    struct cursor c = cursor_make(data, size);
    cursor_skip(&c, SIGNATURE_SIZE);
    uint8_t version = cursor_u8(&c), family = cursor_u8(&c);
    uint16_t length = cursor_be16(&c);
    if (c.failed)
        return PARSE_MORE;
    unsigned command = version & 0x0f;
    if (version >> 4 != 2 || command > COMMAND_PROXY || family >> 4 > FAMILY_MAX)
        return PARSE_MALFORMED;
    head->size = HEAD_SIZE + length;
    bool inet = family >> 4 == FAMILY_INET, inet6 = family >> 4 == FAMILY_INET6;
    if (command == COMMAND_LOCAL || (!inet && !inet6))
        return PARSE_OK;
    if (length < (inet ? 12 : 36))
        return PARSE_MALFORMED;
    return read_addresses(c, family >> 4, head);
}

enum parse_result proxy_begins(const uint8_t *data, size_t size)
{
    enum parse_result text = begins(data, size, word, sizeof word);
    return text == PARSE_NOT ? begins(data, size, signature, sizeof signature) : text;
}

enum parse_result proxy_parse(const uint8_t *data, size_t size, struct proxy_head *head)
{
    *head = (struct proxy_head){.size = 0};
    enum parse_result result = proxy_begins(data, size);
    if (result != PARSE_OK)
        return result;
    result = data[0] == word[0] ? parse_text(data, size, head) : parse_binary(data, size, head);
    if (result != PARSE_OK)
        head->client = (struct client_claim){.by = CLIENT_NONE};
    return result;
}
