/* A part of a path as the name that it is: percent-decoded (RFC 3986 2.1). Thread: any. */
#include "weir/base/buffer.h"
#include "weir/bus/api.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* False: not so, or what no name has. */
static bool decode(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        if (*at != '%') {
            *to = *at++;
            continue;
        }
        int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);
        if (low < 0)
            return false;
        *to = (char)(16 * high + low);
        at += 3;
        if ((unsigned char)*to < ' ' || *to == 0x7f)
            return false;
    }
    *to = '\0';
    return true;
}

bool api_path_name(const char *route, const char *path, char *text, size_t room)
{
    size_t most = 3 * (room - 1) + 1; /* each byte may stand there as three */
    char *raw = xcalloc(1, most);
    bool good = api_path_part(route, path, raw, most) && decode(raw) && *raw && strlen(raw) < room;
    if (good)
        memcpy(text, raw, strlen(raw) + 1);
    free(raw);
    return good;
}
