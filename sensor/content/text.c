/* How much of some bytes is text. Random bytes come to 40 to 45 %, text of any language in UTF-8 to
 * nearly 100 %. Pure. */
#include "text.h"

#define MOST_PERCENT 70u
#define ESCAPE       0x1b /* ISO-2022-JP */
#define BEGIN_BYTES  16u

static bool is_text(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t' || byte == '\n' || byte == '\r' ||
           byte == ESCAPE;
}

/* Bytes of the well-formed UTF-8 sequence (RFC 3629; overlong forms and surrogates are not looked
 * for) at data[0], a byte above 0x7f; 0 when there is none. */
static size_t utf8_size(const uint8_t *data, size_t size)
{
    size_t length = 0;
    if (data[0] >= 0xc2 && data[0] <= 0xdf)
        length = 2;
    else if (data[0] >= 0xe0 && data[0] <= 0xef)
        length = 3;
    else if (data[0] >= 0xf0 && data[0] <= 0xf4)
        length = 4;
    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

void text_count(struct text_counts *counts, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint8_t byte = data[i];
        size_t length = 1;
        if (byte >= 0x80) {
            length = utf8_size(data + i, size - i);
            counts->text += (uint32_t)length;
            length += length == 0;
        } else if (is_text(byte)) {
            counts->text++;
        } else if (byte != 0) {
            counts->control++;
        }
        counts->bytes += byte == 0 ? 0 : (uint32_t)length;
        i += length;
    }
}

bool text_is_most(const struct text_counts *counts)
{
    return (uint64_t)counts->text * 100 >= (uint64_t)counts->bytes * MOST_PERCENT &&
           counts->bytes > 0;
}

bool text_begins(const uint8_t *data, size_t size)
{
    if (size < BEGIN_BYTES)
        return false;
    for (size_t i = 0; i < BEGIN_BYTES; i++)
        if (data[i] >= 0x80 || !is_text(data[i]))
            return false;
    return true;
}
