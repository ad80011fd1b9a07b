/* The journal: every alert is appended and synced before anybody is told. One file of frames
 * (magic, length, sequence number, XXH3 of the payload, payload: the alert as one ECS line). A torn
 * tail is cut at opening, and said. Readers keep their own positions, and learn from a small file
 * beside it how far it is synced. Thread: the writer's is the engine's; a reader's is its own. */
#ifndef WEIR_ALERT_JOURNAL_H
#define WEIR_ALERT_JOURNAL_H

#include "weir/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct journal;
struct journal *journal_open(const char *folder, uint64_t *cut_bytes, struct error *error);
void journal_close(struct journal *journal);
/* Appends without syncing. Returns the sequence number (from 1), 0 and an error on failure (disk
 * full). */
uint64_t journal_append(struct journal *journal, const char *line, size_t size,
                        struct error *error);
/* fdatasync: what was appended is durable when this returns 0. */
int journal_sync(struct journal *journal, struct error *error);
uint64_t journal_last(const struct journal *journal);    /* the last appended one */
uint64_t journal_durable(const struct journal *journal); /* the last synced sequence number */
/* Every line after a sequence number. −1 when it cannot be read; damage is skipped, and said. */
int journal_each_since(const struct journal *journal, uint64_t after,
                       void (*each)(void *context, const char *line, size_t size), void *context,
                       struct error *error);

struct journal_reader;
/* Begins after sequence number `after` (0: from the first). */
struct journal_reader *journal_reader_open(const char *folder, uint64_t after, struct error *error);
void journal_reader_close(struct journal_reader *reader);
/* The last sequence number that its writer, in whatever process, has synced. */
uint64_t journal_reader_durable(const struct journal_reader *reader);
/* The next frame with sequence number ≤ `until`: 1 and a borrowed line (until the next call), 0:
 * none yet, −1: damaged. */
int journal_reader_next(struct journal_reader *reader, uint64_t until, const char **line,
                        size_t *size, uint64_t *sequence, struct error *error);

#endif
