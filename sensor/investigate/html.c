/* See html.h. */
#include "html.h"

#include <stdbool.h>
#include <string.h>

/* One character of UTF-8 (RFC 3629) at `at`: its number and size; 0xfffd and 1: it is none. */
static uint32_t character_at(const unsigned char *at, size_t *size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t value = length == 1 ? *at : length ? *at & (0x7fu >> length) : 0;
    bool good = length > 0 && *at < 0xf5;
    for (size_t i = 1; good && i < length; i++) {
        good = (at[i] & 0xc0) == 0x80; /* a NUL ends it, too */
        value = value << 6 | (at[i] & 0x3f);
    }
    good = good && value >= least[length] && value <= 0x10ffff && value >> 11 != 0x1b;
    *size = good ? length : 1;
    return good ? value : 0xfffd;
}

/* Ranges of what is not seen, or moves what is: C0, C1, Unicode's format characters (UAX #9 and
 * those without width), tags, variation selectors. */
static bool is_hidden(uint32_t value)
{
    static const struct {
        uint32_t from, to;
    } range[] = {{0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},       {0x34f, 0x34f},
                 {0x61c, 0x61c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
                 {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
                 {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
                 {0xfffd, 0xfffd}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (value >= range[i].from && value <= range[i].to)
            return true;
    return false;
}

static const char *escape_of(uint32_t value)
{
    switch (value) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text(struct buffer *out, const char *text)
{
    size_t size;
    for (const unsigned char *at = (const unsigned char *)text; *at; at += size) {
        uint32_t value = character_at(at, &size);
        const char *escape = escape_of(value);
        if (escape)
            buffer_text(out, "%s", escape);
        else if (is_hidden(value))
            buffer_text(out, "⟨U+%04X⟩", (unsigned)value);
        else
            buffer_put(out, at, size);
    }
}

void html_name(struct buffer *out, const char *text)
{
    bool plain = true;
    for (const char *at = text; *at; at++)
        plain = plain && (unsigned char)*at < 0x80;
    buffer_text(out, "%s", plain ? "" : "<bdi>");
    html_text(out, text);
    buffer_text(out, "%s", plain ? "" : "</bdi>");
}
