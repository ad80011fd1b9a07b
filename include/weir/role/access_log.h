/* Who looked at whom: STATE_DIR/access.ndjson, a line of JSON a look, synced before what was asked
 * for is shown.
 *
 *   {"n":17,"at":"2026-03-02T01:14:07.201Z","by":"alice","account":"root","uid":0,"via":"command",
 *    "verb":"explain","what":"inc-8123ca","before":"<SHA-256 of line 16>"}
 *
 * `before` chains the lines: one that was changed, taken out or put in between is seen by whoever
 * reads, as long as not every line behind it was written anew; lines cut off at the end are not,
 * unless somebody noted the number and hash of the last one elsewhere. The key of no signature
 * could be kept from who may write here, so there is none.
 *
 * A file is turned over at ACCESS_BYTES, or an eighth of its retention (at most 31 days), into
 * access-NUMBER.ndjson (of its first line); such files go when their last line is older than the
 * retention, and when there are more than ACCESS_FILES, the oldest first: the numbers say how many
 * lines are gone. Writers (commands, the engine) take access.lock (0600) for the moment. Times are
 * the wall clock's. Thread: one of each process. */
#ifndef WEIR_ROLE_ACCESS_LOG_H
#define WEIR_ROLE_ACCESS_LOG_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#define ACCESS_BYTES ((int64_t)16 << 20)
#define ACCESS_FILES 64
#define ACCESS_TEXT  1024 /* bytes of `what` and `reason`; more is cut */

struct access_look {
    struct ptime at;
    const char *by;      /* who, as far as is known: behind sudo, else the account */
    const char *account; /* whose process asked; NULL: the same */
    int64_t uid;         /* of it; −1: not known */
    const char *via;     /* "command", "api", "console" */
    const char *verb;    /* "explain", "GET /v1/incidents" */
    const char *what;    /* the host, incident or condition asked for; NULL: all */
    const char *reason;  /* NULL: none was given */
};

/* One more line, synced. `wait_ms`: how long another writer is waited for. 0: *number is its own.
 * −1 and an error: it is not written (half a line may be, which the next writer ends). */
int access_log_put(const char *folder, uint32_t keep_days, int wait_ms,
                   const struct access_look *look, uint64_t *number, struct error *error);
/* What is too old goes, though nobody looks. */
void access_log_keep(const char *folder, uint32_t keep_days);

struct access_chain {                 /* what the reader found */
    uint64_t lines, gone;             /* gone: before the first that is there, by its number */
    uint64_t breaks;                  /* lines that do not follow on the one before */
    uint64_t damaged;                 /* lines that are none */
    uint64_t last;                    /* number of the last */
    char head[HEX_SIZE(SHA256_SIZE)]; /* its hash; "": there is none */
};
/* Every line, oldest first; `line` is borrowed. −1 and an error: they cannot be read. */
int access_log_each(const char *folder,
                    void (*each)(void *context, const struct json_value *line, const char *text,
                                 size_t size),
                    void *context, struct access_chain *chain, struct error *error);

/* access_log_read.c, for access_log.c: "FOLDER/access-*.ndjson" in their order; of each the whole
 * path. Caller frees with access_files_free. */
struct access_files {
    char **path;
    size_t count;
};
struct access_files access_files_list(const char *folder);
void access_files_free(struct access_files *files);

#endif
