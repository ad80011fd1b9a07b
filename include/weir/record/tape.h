/* The records that an engine consumed, in that order, so that they can be consumed once more
 * without reading again what they were made of: a log's line is then some 50 bytes that need
 * neither unpacking nor parsing nor a ring nor sorting.
 *
 * A file of this process's own, without a name: it goes when the process does, however that ends.
 * What comes back is what was put, to the byte; it is not validated again. Bound: half of what was
 * free on its file system when it was made, what is still free there, and TAPE_MOST_BYTES; one that
 * comes to more is given up and takes no room any more. One thread. */
#ifndef WEIR_RECORD_TAPE_H
#define WEIR_RECORD_TAPE_H

#include "weir/base/error.h"
#include "weir/record/record.h"

#define TAPE_MOST_BYTES (UINT64_C(8) << 30)
#define TAPE_WORKERS    64u

struct tape_note {   /* of a record, besides it */
    uint32_t worker; /* < TAPE_WORKERS */
    uint32_t tag;    /* what who put it is to know of it again */
};

struct tape;
/* `path` must not exist; it is there for a moment only. `most_bytes`: no more than that, either.
 * NULL: `error` says why. */
struct tape *tape_new(const char *path, uint64_t most_bytes, struct error *error);
void tape_free(struct tape *tape);
/* A valid record. Of any other kind or worker, and where there is no room, the tape is given up. */
void tape_put(struct tape *tape, const struct record_header *record, const struct tape_note *note);
/* All was put: from here on it is read. False: it was given up, and holds nothing. */
bool tape_finish(struct tape *tape);
/* The next one, valid until the next call. NULL: there is no more, or (error->code) it cannot be
 * read. */
const struct record_header *tape_next(struct tape *tape, struct tape_note *note,
                                      struct error *error);
/* There is no more from here on. */
void tape_stop(struct tape *tape);
struct tape_progress {
    uint64_t bytes_read, bytes;
};
struct tape_progress tape_progress_of(const struct tape *tape);

#endif
