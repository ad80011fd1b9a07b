/* The lines that a sink's other end will never take: dead/NAME.ndjson in the state directory, one
 * object a line {"sequence","time","why","record"}, for people to look at and to send again by
 * hand. */
#ifndef SENSOR_BUS_DEAD_LETTERS_H
#define SENSOR_BUS_DEAD_LETTERS_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Then the file becomes NAME.ndjson.1, whose older one goes: twice so much at most. */
#define DEAD_LETTERS_BYTES (INT64_C(16) << 20)

struct dead_letters {
    char *folder, *path; /* owned */
    int fd;              /* −1: not open */
    off_t end;
    bool unsynced;
    bool ragged; /* the file ends with half a line */
};

void dead_letters_init(struct dead_letters *letters, const char *state_folder, const char *name);
void dead_letters_fini(struct dead_letters *letters);
/* `record` is the line as the journal has it. −1: it could not be written; the journal has it. */
int dead_letters_put(struct dead_letters *letters, uint64_t sequence, const char *why,
                     const char *record, size_t size, struct error *error);
/* What was put is on the disk. */
int dead_letters_sync(struct dead_letters *letters, struct error *error);

#endif
