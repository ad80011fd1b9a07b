/* The verbs of `weir baseline`. Each returns the exit status, or leaves access->error. */
#ifndef WEIR_COMMAND_BASELINE_H
#define WEIR_COMMAND_BASELINE_H

#include "access.h"
#include "options.h"

int baseline_show(struct access *access, const struct options *options);
int baseline_list(struct access *access, const struct options *options);
int baseline_review(struct access *access, const struct options *options);
int baseline_diff(struct access *access, const struct options *options);
int baseline_merge(struct access *access, const struct options *options);
int baseline_export(struct access *access, const struct options *options);
int baseline_import(struct access *access, const struct options *options);
int baseline_freeze(struct access *access, const struct options *options);
int baseline_thaw(struct access *access, const struct options *options);
int baseline_benign(struct access *access, const struct options *options);
int baseline_reset(struct access *access, const struct options *options);
int baseline_forget(struct access *access, const struct options *options);
int baseline_hold(struct access *access, const struct options *options);
int baseline_release(struct access *access, const struct options *options);
int baseline_audited(struct access *access, const struct options *options);

/* baseline_audit.c: goes before each change. `subject`: the host, or NULL for all. */
void baseline_audit(struct access *access, const char *verb, const char *subject,
                    const struct options *options);
void baseline_audit_because(struct access *access, const char *verb, const char *subject,
                            const char *reason); /* NULL: none */
/* baseline_change.c: the first argument, or −1 and access->error. */
int baseline_host(struct access *access, const struct options *options, const char *verb,
                  struct ip *host);
/* baseline_edit.c: likewise, "example.jp" or a key, "served|prefix|203.0.113.0/24". */
int baseline_destination(struct access *access, const char *text, struct destination *destination);
/* Once all that was sent is answered, a running sensor takes what was changed.
 * `host` NULL: everything. −1: access->error. */
int baseline_tell(struct access *access, const char *host, bool forget);

#endif
