/* The verbs of `weir baseline`. Each returns the exit status, or leaves access->error. */
#ifndef WEIR_COMMAND_BASELINE_H
#define WEIR_COMMAND_BASELINE_H

#include "access.h"
#include "options.h"

int baseline_show(struct access *access, const struct options *options);
int baseline_list(struct access *access, const struct options *options);
int baseline_export(struct access *access, const struct options *options);
int baseline_import(struct access *access, const struct options *options);
int baseline_audited(struct access *access, const struct options *options);

/* baseline_audit.c: goes before each change. `subject`: the host, or NULL for all. */
void baseline_audit(struct access *access, const char *verb, const char *subject,
                    const struct options *options);

#endif
