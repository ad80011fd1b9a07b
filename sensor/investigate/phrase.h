/* Fixed phrases with places for arguments: "{0}" to "{9}"; other braces stand for themselves.
 * Thread: any (pure). */
#ifndef SENSOR_INVESTIGATE_PHRASE_H
#define SENSOR_INVESTIGATE_PHRASE_H

#include "weir/base/buffer.h"

/* `arguments` ends with NULL; `put` writes one of them (escaped, where `out` is markup). */
void phrase_fill(struct buffer *out, const char *phrase, const char *const *arguments,
                 void (*put)(struct buffer *out, const char *argument));
void phrase_put_plain(struct buffer *out, const char *argument);

#endif
