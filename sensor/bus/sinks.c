/* The table of sinks: a sink is one file and one row here. Those whose library the build is without
 * (WEIR_KAFKA, WEIR_CURL) have neither. Read-only. */
#include "sinks.h"

#include <string.h>

const struct sink_row *const sink_rows[] = {
    &sink_file,
#ifdef WEIR_HAVE_KAFKA
    &sink_kafka,
#endif
#ifdef WEIR_HAVE_CURL
    &sink_mail,
#endif
    &sink_redis,   &sink_stdout, &sink_syslog, &sink_unix,
#ifdef WEIR_HAVE_CURL
    &sink_webhook,
#endif
    NULL,
};

const struct sink_row *sink_row_get(const char *type)
{
    for (const struct sink_row *const *row = sink_rows; *row; row++)
        if (strcmp((*row)->type, type) == 0)
            return *row;
    return NULL;
}
