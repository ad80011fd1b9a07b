/* What a support bundle leaves out of a text: whose addresses and names they are. Thread: the main
 * thread. */
#ifndef WEIR_COMMAND_SUPPORT_REDACT_H
#define WEIR_COMMAND_SUPPORT_REDACT_H

#include "weir/base/buffer.h"
#include "weir/base/map.h"

struct redaction {
    struct map alias; /* struct ip → its number */
    char **word;      /* names that are hidden wherever they stand; owned */
    size_t words;
};

void redaction_init(struct redaction *redaction);
void redaction_fini(struct redaction *redaction);
/* The password in a URL, and the hosts in it, or in "host:port,host:port", whose names have six
 * bytes, and a dot, a hyphen or a digit: others are words like any other. */
void redaction_add_place(struct redaction *redaction, const char *place);
/* Appends `text` with each address as "ip-N" (the same one always the same N; unspecified and
 * loopback ones stay), and as "***" hardware addresses, what was added, and the values
 * of keys that name machines, people, what is looked for or what somebody answered, in YAML and in
 * JSON. */
void redact(struct redaction *redaction, const char *text, struct buffer *to);

#endif
