/* The control characters of C0 and C1 (ECMA-48, as UTF-8 has them), DEL, the line and paragraph
 * separators, and the marks that turn text around (Unicode's UAX #9: a name can be shown as another
 * by them). Thread: any (pure). */
#include "weir/base/terminal.h"

#include <stddef.h>

/* U+061C; U+200E, U+200F; U+2028 to U+202E; U+2066 to U+2069. */
static bool turns(const unsigned char *at)
{
    if (at[0] == 0xd8)
        return at[1] == 0x9c;
    if (at[0] != 0xe2 || (at[1] != 0x80 && at[1] != 0x81))
        return false;
    return at[1] == 0x80 ? at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)
                         : at[2] >= 0xa6 && at[2] <= 0xa9;
}

static size_t harmful(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7f)
        return 1;
    if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
        return 2;
    if (turns(at))
        return *at == 0xd8 ? 2 : 3;
    return 0;
}

bool terminal_is_harmless(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (harmful(at) > 0)
            return false;
    return true;
}

void terminal_make_harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at;) {
        size_t size = harmful(at);
        for (size_t i = 0; i < size; i++)
            at[i] = '?';
        at += size > 0 ? size : 1;
    }
}
