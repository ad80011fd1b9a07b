/* Numbers as people read them: decimal units with three figures, thousands separated. */
#include "weir/base/figures.h"

#include <stdio.h>
#include <string.h>

const char *figure_bytes(uint64_t bytes, char text[FIGURE_SIZE])
{
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t at = 0;
    while (value >= 999.5 && at < sizeof unit / sizeof *unit - 1) {
        value /= 1000;
        at++;
    }
    int digits = at == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, FIGURE_SIZE, "%.*f %s", digits, value, unit[at]);
    return text;
}

const char *figure_count(uint64_t count, char text[FIGURE_SIZE])
{
    char plain[FIGURE_SIZE];
    int length = snprintf(plain, sizeof plain, "%llu", (unsigned long long)count);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = plain[i];
    }
    *to = '\0';
    return text;
}

const char *figure_percent(double part, double whole, char text[FIGURE_SIZE])
{
    if (whole <= 0)
        snprintf(text, FIGURE_SIZE, "–");
    else
        snprintf(text, FIGURE_SIZE, "%.*f %%", part / whole < 0.1 ? 2 : 0, 100 * part / whole);
    return text;
}
