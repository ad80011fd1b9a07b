/* A moment as people type it: a date, a time, or how long ago. */
#ifndef WEIR_COMMAND_MOMENT_H
#define WEIR_COMMAND_MOMENT_H

#include "weir/base/error.h"
#include "weir/base/time.h"

/* `text`: "8h" (s, m, h, d, w; before `now`), "2026-03-02", "2026-03-02T01:14", "…:07", with a "Z"
 * in UTC, else in the process's time zone (config_calendar sets the site's). −1: an error that
 * names `option`. */
int moment_read(const char *text, struct ptime now, const char *option, struct ptime *moment,
                struct error *error);

#endif
