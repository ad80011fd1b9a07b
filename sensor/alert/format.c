/* The table of output formats: a format is one file and one row here. Read-only. */
#include "formats.h"

#include <string.h>

const struct line_format *const line_formats[] = {&format_ecs, &format_eve,  &format_ocsf,
                                                  &format_cef, &format_text, NULL};

const struct line_format *line_format_get(const char *name)
{
    for (const struct line_format *const *format = line_formats; *format; format++)
        if (strcmp((*format)->name, name) == 0)
            return *format;
    return NULL;
}
