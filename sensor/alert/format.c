/* The table of output formats: a format is one file and one row here. Read-only. */
#include "ecs.h"

#include <string.h>

const struct alert_format *const alert_formats[] = {&alert_format_ecs, NULL};

const struct alert_format *alert_format_get(const char *name)
{
    for (const struct alert_format *const *format = alert_formats; *format; format++)
        if (strcmp((*format)->name, name) == 0)
            return *format;
    return NULL;
}
