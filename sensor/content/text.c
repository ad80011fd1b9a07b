/* How much of some bytes is text. Random bytes come to 40 to 45 %, text of any language in UTF-8 to
 * nearly 100 %. Pure. */
#include "text.h"

#include <string.h>

#define MOST_PERCENT 70u
#define ESCAPE       0x1b /* ISO-2022-JP */
#define BEGIN_BYTES  16u
#define WORD_BYTES   8u

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

/* All eight bytes are 0x20 to 0x7e. Without carries from byte to byte: bytes above 0x7f end it
 * first. */
static bool is_printable_word(const uint8_t *data)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t word;
    memcpy(&word, data, sizeof word);
    if (word & tops)
        return false;
    uint64_t high = (word + ones * (0x80 - 0x20)) & tops, del = (word + ones) & tops;
    return high == tops && del == 0;
}

/* What begins at data[0]; how long it is. */
static size_t count_one(struct text_counts *counts, const uint8_t *data, size_t size)
{
    uint8_t byte = data[0];
    size_t length = 1;
    if (byte >= 0x80) {
        length = utf8_size(data, size);
        counts->text += (uint32_t)length;
        length += length == 0;
    } else if (is_text(byte)) {
        counts->text++;
    } else if (byte != 0) {
        counts->control++;
    }
    counts->bytes += byte == 0 ? 0 : (uint32_t)length;
    return length;
}

void text_count(struct text_counts *counts, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t end = size - i > WORD_BYTES ? i + WORD_BYTES : size;
        if (end == i + WORD_BYTES && is_printable_word(data + i)) {
            counts->text += WORD_BYTES;
            counts->bytes += WORD_BYTES;
            i = end;
        }
        while (i < end)
            i += count_one(counts, data + i, size - i);
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
