/* Segments of the journal that is written: beginning one, and deleting the oldest by the limits.
 *
 * A segment's head is synced, and its name, before the first frame is written, so that a frame can
 * be synced by fdatasync of its file alone. A segment's records all were written before the next
 * one was made: its age is the next one's.
 *
 * Bounds: as journal_limits say; SEGMENTS_MAX files. Thread: the engine's. */
#include "journal_local.h"

#include "weir/base/log.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void journal_add_segment(struct journal *journal, const struct segment *segment)
{
    journal->segment =
        xrealloc(journal->segment, (journal->segments + 1) * sizeof *journal->segment);
    journal->segment[journal->segments++] = *segment;
}

/* --- beginning -------------------------------------------------------------------------------- */

static int write_head(struct journal *journal, const struct segment *segment, struct error *error)
{
    struct buffer head = {0};
    segment_head_put(&head, segment->first, segment->made_ns);
    int failed =
        journal_write_at(journal->fd, head.data, head.size, 0) != 0 || fdatasync(journal->fd) != 0;
    buffer_fini(&head);
    if (failed)
        return journal_say_errno(error, journal->path, "cannot be begun");
    return journal_sync_folder(journal->folder, error);
}

static void give_up(struct journal *journal)
{
    close(journal->fd);
    journal->fd = -1;
    unlink(journal->path);
}

/* A file of that name can only be one whose beginning failed: `last` is before it. */
int journal_begin_segment(struct journal *journal, struct error *error)
{
    struct segment segment = {.first = journal->last + 1,
                              .version = SEGMENT_VERSION,
                              .made_ns = journal_now(journal),
                              .bytes = SEGMENT_HEAD,
                              .frames = SEGMENT_HEAD};
    free(journal->path);
    journal->path = segment_path(journal->folder, segment.first);
    journal->fd = segment_open(journal->folder, segment.first, O_RDWR | O_CREAT | O_TRUNC);
    if (journal->fd < 0)
        return journal_say_errno(error, journal->path, "cannot be made");
    journal_give_away(journal, journal->fd);
    if (write_head(journal, &segment, error) != 0) {
        give_up(journal);
        return -1;
    }
    journal_add_segment(journal, &segment);
    journal->end = journal->durable_end = journal->set_aside = SEGMENT_HEAD;
    journal_retain(journal);
    return 0;
}

/* --- retention -------------------------------------------------------------------------------- */

static bool oldest_is_over(const struct journal *journal)
{
    const struct journal_limits *limits = &journal->limits;
    uint64_t bytes = journal_counts_of(journal).bytes;
    if (limits->keep_bytes && bytes > limits->keep_bytes)
        return true;
    return limits->keep_ns && journal->segment[1].made_ns < journal_now(journal) - limits->keep_ns;
}

/* Said at the first of a row of segments that a sink had not been told, counted at all. */
static void note_untold(struct journal *journal)
{
    const struct journal_limits *limits = &journal->limits;
    uint64_t first = journal->segment[0].first, last = journal->segment[1].first - 1;
    uint64_t told = limits->told ? limits->told(limits->context) : UINT64_MAX;
    if (told >= last) {
        journal->untold_said = false;
        return;
    }
    journal->deleted_untold += last - (told < first ? first - 1 : told);
    if (!journal->untold_said)
        log_error("journal: records %" PRIu64 " to %" PRIu64
                  " are deleted by privacy.retention_days or alerts.journal_mib before every sink "
                  "was told them",
                  told < first ? first : told + 1, last);
    journal->untold_said = true;
}

static int delete_oldest(struct journal *journal)
{
    char *path = segment_path(journal->folder, journal->segment[0].first);
    int failed = unlink(path) != 0 && errno != ENOENT;
    if (failed)
        log_warn("%s: cannot be deleted: %s", path, strerror(errno));
    free(path);
    if (failed)
        return -1;
    journal->deleted++;
    journal->segments--;
    memmove(journal->segment, journal->segment + 1, journal->segments * sizeof *journal->segment);
    return 0;
}

void journal_retain(struct journal *journal)
{
    while (journal->segments > 1 && oldest_is_over(journal)) {
        note_untold(journal);
        if (delete_oldest(journal) != 0)
            return;
    }
}

void journal_limit(struct journal *journal, const struct journal_limits *limits)
{
    journal->limits = *limits;
    journal_retain(journal);
}
