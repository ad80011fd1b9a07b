/* The supervisor of a live sensor: it opens what needs rights, starts the private redis-server, the
 * engine and the capture processes, and starts again whoever dies. It parses nothing but the
 * operator's own configuration. Thread: the main thread, on a loop of its own. */
#ifndef WEIR_ROLE_SUPERVISOR_H
#define WEIR_ROLE_SUPERVISOR_H

#include "weir/config/source.h"

struct supervisor_config {
    const struct config_source *source; /* read anew at a reload */
    const char *filter;                 /* -f, or NULL: capture.filter */
    const char *folder;                 /* -o, or NULL */
    bool flows;                         /* flows.ndjson there, once the sensor ends */
    const char *const *word;            /* the command line, for manifests of evidence */
    size_t words;
};

/* Until SIGINT or SIGTERM (0), or until it could not run (−1). What the source says was checked
 * (role_check), and has workers and interfaces. */
int supervisor_run(const struct supervisor_config *given, struct error *error);

/* The same in one process, without walls, for debuggers and sanitizers (--workers 0). */
int solo_run(const struct supervisor_config *given, struct error *error);

#endif
