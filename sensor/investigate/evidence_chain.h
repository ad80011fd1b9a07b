/* The chain of a manifest: docs/evidence.md. Each link is a SHA-256 over the one before and what
 * its entry says, so none can be changed, left out, put in or moved without all that follow.
 * Private to the room. */
#ifndef WEIR_SENSOR_INVESTIGATE_EVIDENCE_CHAIN_H
#define WEIR_SENSOR_INVESTIGATE_EVIDENCE_CHAIN_H

#include "weir/base/digest.h"

#include <stdint.h>

#define CHAIN_TEXT HEX_SIZE(SHA256_SIZE)

struct chain_entry {
    const char *kind, *name;
    const char *sha256; /* hex, or "": not known */
    int64_t bytes;      /* −1: not known */
};

extern const char chain_begin[]; /* the link before the first */
/* `link` becomes the link of this entry, which follows it. */
void chain_next(char link[CHAIN_TEXT], const struct chain_entry *entry);

#endif
