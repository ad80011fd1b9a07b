/* The journal's writer, as its files see it. */
#ifndef SENSOR_ALERT_JOURNAL_LOCAL_H
#define SENSOR_ALERT_JOURNAL_LOCAL_H

#include "frame.h"
#include "segment.h"
#include "weir/alert/journal.h"

struct journal {
    char *state_folder, *folder;
    int mark_fd; /* the lock too */
    struct journal_limits limits;
    struct segment *segment; /* all there are, oldest first; made_ns and first are kept true */
    size_t segments;
    int fd;     /* of the last segment, which is written; −1: the next append begins one */
    char *path; /* its path */
    uint64_t last, durable; /* sequence numbers */
    off_t end, durable_end; /* in it */
    off_t set_aside;        /* up to here the disk has room for it */
    struct buffer unsynced;
    bool ragged;   /* a failed write may have left bytes behind `end` */
    bool rewrite;  /* a sync failed: write `unsynced` again before the next */
    bool tight;    /* no room to set aside */
    bool unmarked; /* synced, but readers could not be told */
    bool untold_said;
    bool gives_away; /* root writes in somebody's folder: what is made is its owner's */
    uid_t owner;
    gid_t group;
    uint64_t deleted, deleted_untold, lost;
};

/* journal.c */
int journal_say_errno(struct error *error, const char *path, const char *what);
int64_t journal_now(const struct journal *journal);
void journal_leave_segment(struct journal *journal);
int journal_write_at(int fd, const void *data, size_t size, off_t at);
void journal_give_away(const struct journal *journal, int fd);
int journal_sync_folder(const char *folder, struct error *error);
/* journal_segments.c: a new one behind `last`; the oldest, by the limits. */
int journal_begin_segment(struct journal *journal, struct error *error);
void journal_add_segment(struct journal *journal, const struct segment *segment);
void journal_retain(struct journal *journal);

#endif
