/* The journal: every record is appended and synced before anybody is told. It is a folder of
 * segments in the state directory, `journal/`, each of frames (magic, length, sequence number, XXH3
 * of the payload, payload: one line of ECS JSON); docs/alerts.md. Sequence numbers grow by one from
 * 1 and none is given twice, whatever was lost of the files.
 *
 * One process writes (a lock says so); its thread is the engine's. Readers are of any process, need
 * no lock, keep their own positions, and are given nothing that is not synced. */
#ifndef WEIR_ALERT_JOURNAL_H
#define WEIR_ALERT_JOURNAL_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LINE_MAX                                                                           \
    (1u << 20) /* bytes; longer ones are refused: an alert is some kilobytes                       \
                */

struct journal;

/* `folder` is the state directory. The one file of an earlier version is taken over. A torn tail is
 * cut, and said; *cut_bytes (may be NULL): how much. */
struct journal *journal_open(const char *folder, uint64_t *cut_bytes, struct error *error);
void journal_close(struct journal *journal);

#define JOURNAL_SEGMENT_BYTES (UINT64_C(64) << 20)

/* What is kept. Whole segments go, the oldest first, never the one that is written. All by the wall
 * clock: it decides about files, not about what is judged. */
struct journal_limits {
    uint64_t segment_bytes;  /* a new segment after so much (and each UTC day); 0: 64 MiB */
    uint64_t keep_bytes;     /* 0: no bound */
    int64_t keep_ns;         /* since the last record of a segment, to a day; 0: no bound */
    int64_t (*now_ns)(void); /* for tests; NULL: the wall clock */
    /* The last sequence number that every sink was told, asked before something is deleted: what
     * goes untold is said and counted. NULL: nobody waits. */
    uint64_t (*told)(void *context);
    void *context;
};
/* Applies them at once, and whenever a segment begins. */
void journal_limit(struct journal *journal, const struct journal_limits *limits);

/* Appends without syncing. Returns the sequence number (from 1), 0 and an error on failure (disk
 * full). */
uint64_t journal_append(struct journal *journal, const char *line, size_t size,
                        struct error *error);
/* fdatasync: what was appended is durable, and readers may have it, when this returns 0. */
int journal_sync(struct journal *journal, struct error *error);
uint64_t journal_last(const struct journal *journal);    /* the last appended one */
uint64_t journal_durable(const struct journal *journal); /* the last synced sequence number */
/* A MiB is set aside on the disk for what must still be said when it is full. True, by the last
 * sync: there is no room to set aside as much again. */
bool journal_tight(const struct journal *journal);
/* Every line after a sequence number. −1 when it cannot be read; damage is skipped, and said. */
int journal_each_since(const struct journal *journal, uint64_t after,
                       void (*each)(void *context, const char *line, size_t size), void *context,
                       struct error *error);

struct journal_counts {
    uint64_t segments, bytes;         /* that there are */
    uint64_t deleted, deleted_untold; /* segments; records that a sink had not been told */
    uint64_t lost;                    /* records that were synced and gone at opening */
};
struct journal_counts journal_counts_of(const struct journal *journal);

struct journal_reader;
/* Begins after sequence number `after` (0: from the first there is). An error when no sensor ever
 * ran in `folder`. */
struct journal_reader *journal_reader_open(const char *folder, uint64_t after, struct error *error);
void journal_reader_close(struct journal_reader *reader);
/* The last sequence number that the writer, in whatever process, has synced; 0: not known. */
uint64_t journal_reader_durable(struct journal_reader *reader);
/* The next frame with sequence number ≤ `until` that is synced: 1 and a borrowed line (until the
 * next call), 0: none yet, −1: some are damaged or gone (said once; the next call goes on behind
 * them). In a copy that does not say what is synced, everything whole is. */
int journal_reader_next(struct journal_reader *reader, uint64_t until, const char **line,
                        size_t *size, uint64_t *sequence, struct error *error);
/* A sequence number up to which every record was written before `wall_ns` (wall clock, since 1970):
 * where to begin for what came later. 0: from the first. */
uint64_t journal_reader_before(const char *folder, int64_t wall_ns);

#endif
