/* What a support bundle leaves out of a text: whose addresses and names they are. Thread: the main
 * thread. */
#ifndef WEIR_COMMAND_SUPPORT_REDACT_H
#define WEIR_COMMAND_SUPPORT_REDACT_H

#include "weir/base/buffer.h"
#include "weir/base/map.h"

struct redaction {
    struct map alias; /* struct ip → its number */
};

void redaction_init(struct redaction *redaction);
void redaction_fini(struct redaction *redaction);
/* Appends `text` with each address as "ip-N" (the same one always the same N; unspecified and
 * loopback ones stay) and the values of keys that name machines, people or what is looked for as
 * "***", in YAML and in JSON. */
void redact(struct redaction *redaction, const char *text, struct buffer *to);

#endif
