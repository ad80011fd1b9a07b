/* The table of output formats: a format is one file and one row here. Read-only. */
#include "ecs.h"
#include "weir/alert/format.h"
#include "weir/base/buffer.h"

#include <string.h>

const struct alert_format *const alert_formats[] = {&alert_format_ecs, NULL};

const struct alert_format *alert_format_get(const char *name)
{
    for (const struct alert_format *const *format = alert_formats; *format; format++)
        if (strcmp((*format)->name, name) == 0)
            return *format;
    return NULL;
}

/* The journal's lines are ECS. */
static char *render_ecs(const struct json_value *record, const char *line, size_t size)
{
    (void)record;
    char *copy = xcalloc(1, size + 1);
    memcpy(copy, line, size);
    return copy;
}

static const struct line_format ecs = {"ecs", "application/json", render_ecs};
const struct line_format *const line_formats[] = {&ecs, NULL};

const struct line_format *line_format_get(const char *name)
{
    for (const struct line_format *const *format = line_formats; *format; format++)
        if (strcmp((*format)->name, name) == 0)
            return *format;
    return NULL;
}
