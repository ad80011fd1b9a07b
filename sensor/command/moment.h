/* Times and spans as people type them. */
#ifndef WEIR_COMMAND_MOMENT_H
#define WEIR_COMMAND_MOMENT_H

#include "weir/base/error.h"
#include "weir/base/time.h"

#include <stdbool.h>

/* "90s", "30m" or "30min", "8h", "7d", "2w". False: it is none, or of more than a century. */
bool moment_span(const char *text, int64_t *ns);
/* "2026-03-02" (its first instant), "2026-03-02T01:14", "…:07", with a "Z" in UTC, else in the
 * process's time zone (config_calendar sets the site's). False: it is none. */
bool moment_time(const char *text, struct ptime *moment);
/* Either; a span is before `now`. −1: an error that names `option`. */
int moment_read(const char *text, struct ptime now, const char *option, struct ptime *moment,
                struct error *error);

#endif
