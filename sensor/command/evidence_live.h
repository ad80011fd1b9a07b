/* weir evidence of a running sensor's state directory: docs/evidence.md. Each returns the exit
 * status. Thread: the main thread. */
#ifndef WEIR_COMMAND_EVIDENCE_LIVE_H
#define WEIR_COMMAND_EVIDENCE_LIVE_H

#include "options.h"

#include "weir/base/sign.h"

int evidence_live_list(const struct options *options);
/* An incident's, into the folder of -o. */
int evidence_live_extract(const struct options *options, const char *incident);
/* One incident's, or (NULL) all that the journal tells of. `head`: what it must be, noted
 * elsewhere; NULL: what the journal tells. */
int evidence_live_verify(const struct options *options, const char *incident, const char *head,
                         const struct sign_key *key);
/* reason NULL: it is released. */
int evidence_live_hold(const struct options *options, const char *incident, const char *by,
                       const char *reason, bool hold);
/* The head that the journal tells last of the incident that this manifest is about; NULL: none, or
 * no live sensor's. Caller frees. */
char *evidence_live_head(const struct options *options, const char *folder);

#endif
