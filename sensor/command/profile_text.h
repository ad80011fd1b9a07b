/* What is normal for a host, drawn for a terminal. Pure. */
#ifndef WEIR_COMMAND_PROFILE_TEXT_H
#define WEIR_COMMAND_PROFILE_TEXT_H

#include "weir/base/calendar.h"
#include "weir/baseline/fleet.h"

#include <stdbool.h>

struct profile_view {
    const struct profile *profile;
    const struct fleet *fleet; /* NULL: there is none */
    struct calendar *calendar;
    int learn_days;
    bool blocks; /* the terminal has block characters; else letters are drawn */
};

/* Lines of at most 100 columns. Caller frees. */
char *profile_text(const struct profile_view *view);

#define PROFILE_TEXT_FIGURE 24
/* "999 B", "12.3 kB": decimal, three figures. Returns `text`. */
const char *profile_text_bytes(double bytes, char text[PROFILE_TEXT_FIGURE]);
/* When that hour of the site began; hours are ordinals, so it is found by asking. */
struct civil profile_text_hour(struct calendar *calendar, int64_t hour);

#endif
