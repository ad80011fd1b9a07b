/* Six bits a character. Thread: any; no state. */
#include "sextets.h"

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

size_t sextets_decode(struct text_span text, uint8_t *out, size_t room)
{
    uint32_t bits = 0;
    size_t size = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.size && size < room; i++) {
        int value = sextet(text.at[i]);
        if (value < 0)
            break;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        out[size++] = (uint8_t)(bits >> held);
    }
    return size;
}
