/* The table of sinks: a sink is one file and one row here. Read-only. */
#include "sinks.h"

#include <string.h>

const struct sink_row *const sink_rows[] = {
    &sink_file, &sink_redis, &sink_stdout, &sink_unix, NULL,
};

const struct sink_row *sink_row_get(const char *type)
{
    for (const struct sink_row *const *row = sink_rows; *row; row++)
        if (strcmp((*row)->type, type) == 0)
            return *row;
    return NULL;
}
