/* The log of entries: a header that names the snapshot it follows, then entries as they were taken,
 * each with a checksum seeded by that number. Written without fsync: what a process wrote outlives
 * it, a cut of power may take the end. Engine thread. */
#ifndef WEIR_ENGINE_ENTRY_LOG_H
#define WEIR_ENGINE_ENTRY_LOG_H

#include "entry.h"
#include "weir/base/buffer.h"
#include "weir/base/error.h"

#include <stdbool.h>

struct log_header {
    uint8_t magic[8];
    uint64_t layout, number, hash; /* hash: of what stands before it */
    uint64_t attempts;             /* starts that began to replay it and were not heard of again */
};

struct entry_log {
    int fd; /* −1: none */
    uint64_t number, bytes;
};

enum log_result {
    LOG_OK,
    LOG_NONE,    /* there is none, or not even its header is whole */
    LOG_OTHER,   /* of another layout, or it follows another snapshot */
    LOG_DAMAGED, /* what follows the damage is good: it is no torn end */
    LOG_ERROR    /* the file cannot be read: errno */
};

/* The header and the entries in `bytes`; *end: where the torn end begins, if there is one. */
enum log_result log_check(const uint8_t *bytes, size_t size, uint64_t layout,
                          struct log_header *header, size_t *end);
/* The entry at `at` < end of bytes that log_check let through; the next one is at
 * at + sizeof *entry + entry->size. */
const struct entry *log_entry(const uint8_t *bytes, size_t at);
#define LOG_FIRST sizeof(struct log_header)

enum log_result log_read(const char *path, struct buffer *bytes); /* the whole file */
/* Opens it to go on behind `end`. */
int log_open(struct entry_log *log, const char *path, const struct log_header *header, size_t end,
             struct error *error);
/* Begins it anew, behind a snapshot. */
int log_begin(struct entry_log *log, const char *path, uint64_t layout, uint64_t number,
              struct error *error);
void log_close(struct entry_log *log);
/* A batch of entries in one write; their checksums are filled in. When it fails nothing of it
 * stays. */
int log_append(struct entry_log *log, uint8_t *batch, size_t size, struct error *error);
int log_set_attempts(const struct entry_log *log, uint64_t attempts);

#endif
