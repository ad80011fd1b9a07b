/* Containers by their magic at the beginning of a text (a body, a MIME part, a stream): archives,
 * packed files, documents; and whether they are encrypted, as far as what passes by tells. One item
 * a container: the keyed hash of its first CONTAINER_HEAD bytes. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_CONTAINER_H
#define WEIR_SENSOR_CONTENT_CONTAINER_H

#include "weir/base/digest.h"
#include "weir/content/found.h"

#include <stdbool.h>

#define CONTAINER_HEAD   272u /* up to where a tar's magic ends, and more than any other's */
#define CONTAINER_HASHED 256u

enum container_kind {
    CONTAINER_NONE,
    CONTAINER_ZIP,
    CONTAINER_7Z,
    CONTAINER_RAR4,
    CONTAINER_RAR5,
    CONTAINER_PDF,
    CONTAINER_OLE,
    CONTAINER_GZIP,
    CONTAINER_XZ,
    CONTAINER_ZSTD,
    CONTAINER_BZIP2,
    CONTAINER_TAR,
    CONTAINER_KINDS
};

/* What begins here; pure. */
enum container_kind container_recognise(const uint8_t *data, size_t size);

/* A few bytes of state and, at the beginning or where something is looked for, a small window. */
struct container_scanner;
struct container_scanner *container_scanner_new(const struct hash_key *key,
                                                const struct finder *finder);
void container_scanner_free(struct container_scanner *scanner);
void container_scanner_put(struct container_scanner *scanner, const uint8_t *data, size_t size);
void container_scanner_gap(struct container_scanner *scanner, uint64_t bytes);
/* The text ends: what it was is told. What is put afterwards is not looked at: of datagrams, only
 * the first is a beginning. */
void container_scanner_finish(struct container_scanner *scanner);
/* After that: what is put next is the beginning of another text. */
void container_scanner_begin(struct container_scanner *scanner);

#endif
