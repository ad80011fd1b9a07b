/* Where a number may begin. Pure. */
#include "number.h"

#include <string.h>

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* "\n" (C, JSON), "%3A" (RFC 3986), "\u003e" (JSON): delimiters, though they end with a letter. */
static bool is_escape(const struct window *window, size_t end)
{
    uint8_t last = window_before(window, end, 1), second = window_before(window, end, 2);
    if (second == '\\' && memchr("nrtbf", last, 5))
        return true;
    if (!is_hex(last) || !is_hex(second))
        return false;
    if (window_before(window, end, 3) == '%')
        return true;
    return is_hex(window_before(window, end, 3)) && is_hex(window_before(window, end, 4)) &&
           window_before(window, end, 5) == 'u' && window_before(window, end, 6) == '\\';
}

bool number_begins(const struct window *window, size_t at)
{
    uint8_t before = window_before(window, at, 1);
    if (is_word(before) || before == '_')
        return is_escape(window, at);
    return true;
}
