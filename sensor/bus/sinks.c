/* The table of sinks: a sink is one file and one row here. Read-only. */
#include "sinks.h"

#include <string.h>

const struct sink_type *const sink_types[] = {&sink_type_file, &sink_type_stdout, NULL};

const struct sink_type *sink_type_get(const char *type)
{
    for (const struct sink_type *const *row = sink_types; *row; row++)
        if (strcmp((*row)->type, type) == 0)
            return *row;
    return NULL;
}
