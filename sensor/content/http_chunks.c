/* Bodies in chunks (RFC 9112 7.1): the lines around them. A chunk itself is a piece of a body, as
 * one of known length is. Bound: HTTP_LINE_MAX. Thread: the capture thread. */
#include "http_side.h"

#include <string.h>

#define HTTP_LINE_MAX    4096u
#define CHUNK_DIGITS_MAX 15u

/* A line with its end; 0: it has none yet. A line that is too long is lost. */
static size_t line_size(struct side *side, const uint8_t *data, size_t size)
{
    size_t most = size < HTTP_LINE_MAX ? size : HTTP_LINE_MAX;
    const uint8_t *end = memchr(data, '\n', most);
    if (end)
        return (size_t)(end - data) + 1;
    if (size < HTTP_LINE_MAX)
        return 0;
    return http_lose_here(side, data, size);
}

/* "1a;name=value" (RFC 9112 7.1): how many digits; the rest says nothing. */
static size_t chunk_digits(const uint8_t *line, size_t size, uint64_t *bytes)
{
    static const char hex[] = "0123456789abcdef";
    size_t digits = 0;
    *bytes = 0;
    while (digits < size && digits < CHUNK_DIGITS_MAX) {
        uint8_t c = line[digits];
        const char *at = c ? strchr(hex, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!at)
            break;
        *bytes = *bytes << 4 | (uint64_t)(at - hex);
        digits++;
    }
    return digits < size && strchr(" \t;\r\n", line[digits]) ? digits : 0;
}

size_t http_step_chunk_line(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    size_t line = line_size(side, data, size);
    if (line == 0 || http->place == PLACE_LOST)
        return line;
    size_t digits = chunk_digits(data, line, &http->left_bytes);
    if (digits == 0)
        return http_lose_here(side, data, size);
    if (line - digits > 2) /* an extension: anything can stand there */
        side_inspect(side, data + digits, line - digits);
    http->place = http->left_bytes ? PLACE_CHUNK : PLACE_TRAILERS;
    return line;
}

size_t http_step_chunk_end(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    size_t end = data[0] == '\r' ? 2 : 1;
    if (size < end)
        return 0;
    if (data[end - 1] != '\n')
        return http_lose_here(side, data, size);
    http->place = PLACE_CHUNK_LINE;
    return end;
}

size_t http_step_trailers(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    size_t line = line_size(side, data, size);
    if (line == 0 || http->place == PLACE_LOST)
        return line;
    bool empty = data[0] == '\n' || (data[0] == '\r' && data[1] == '\n');
    if (empty)
        http_end_message(http);
    else
        side_inspect(side, data, line);
    return line;
}
