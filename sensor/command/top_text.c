/* Cells of `weir top`: text of a known width. See top.h. */
#include "top.h"

#include "weir/base/terminal.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define MARKS 2 /* that join a character before them */

static bool is_utf8;

bool top_text_begin(void)
{
    setlocale(LC_CTYPE, "");
    is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return is_utf8;
}

struct cell {
    size_t bytes; /* of the text */
    int width;    /* 0: joins the one before; −1: not to be shown */
};

/* The character at `text`, which is not at its end. */
static struct cell cell_at(const char *text)
{
    wchar_t wide;
    mbstate_t state = {0};
    if ((unsigned char)*text < 0x80)
        return (struct cell){1, *text >= 0x20 && *text < 0x7f ? 1 : -1};
    size_t bytes = is_utf8 ? mbrtowc(&wide, text, strlen(text), &state) : (size_t)-1;
    if (bytes == 0 || bytes > MB_LEN_MAX)
        return (struct cell){1, -1};
    char one[MB_LEN_MAX + 1] = "";
    memcpy(one, text, bytes);
    return (struct cell){bytes, terminal_is_harmless(one) ? wcwidth(wide) : -1};
}

static char *put(char *at, const char *end, const char *text, size_t size)
{
    if (size >= (size_t)(end - at))
        return at;
    memcpy(at, text, size);
    return at + size;
}

static char *fill(char *at, const char *end, size_t blanks)
{
    while (blanks-- > 0)
        at = put(at, end, " ", 1);
    return at;
}

/* Bytes that fit, and how wide they are. */
static char *put_fitting(const char *text, size_t columns, char *at, const char *end, size_t *used)
{
    unsigned marks = MARKS; /* nothing stands before the first */
    *used = 0;
    while (*text) {
        struct cell cell = cell_at(text);
        size_t width = cell.width < 0 ? 1 : (size_t)cell.width;
        if (*used + width > columns)
            break;
        if (cell.width < 0)
            at = put(at, end, "?", 1);
        else if (cell.width > 0 || marks < MARKS)
            at = put(at, end, text, cell.bytes);
        marks = cell.width == 0 ? marks + (marks < MARKS) : 0;
        *used += width;
        text += cell.bytes;
    }
    return at;
}

void top_fit(const char *text, size_t columns, bool right, char *out, size_t room)
{
    const char *end = out + room;
    size_t used;
    char *at = out;
    if (right) { /* how wide it is has to be known first */
        put_fitting(text, columns, out, end, &used);
        at = fill(out, end, columns - used);
    }
    at = put_fitting(text, columns, at, end, &used);
    if (!right)
        at = fill(at, end, columns - used);
    *at = '\0';
}

void top_spark(const double *sample, size_t count, char out[TOP_SPARK])
{
    static const char *const block[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char letter[] = "_.-:=+*#";
    char *at = out;
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = sample[i] > most ? sample[i] : most;
    for (size_t i = 0; i < count && i < TOP_SAMPLES; i++) {
        int step = most > 0 && sample[i] > 0 ? (int)lround(sample[i] / most * 7) : 0;
        if (isnan(sample[i]))
            at = put(at, out + TOP_SPARK, " ", 1);
        else if (is_utf8)
            at = put(at, out + TOP_SPARK, block[step], strlen(block[step]));
        else
            at = put(at, out + TOP_SPARK, &letter[step], 1);
    }
    *at = '\0';
}
