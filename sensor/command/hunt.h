/* Shared by hunt*.c only. A hunt is a folder of inputs, cut into units of days; each unit is learnt
 * by a process of its own, then, with what all of them learnt, judged by one. What a process
 * leaves is a file that appears whole, in CASE/hunt, so whoever begins again goes on. Thread: the
 * main thread of each process. */
#ifndef SENSOR_COMMAND_HUNT_H
#define SENSOR_COMMAND_HUNT_H

#include "asked.h"
#include "commands.h"
#include "options.h"

#include "weir/base/digest.h"
#include "weir/baseline/hindsight.h"
#include "weir/investigate/hunt.h"

#define HUNT_INPUTS    100000 /* in all */
#define HUNT_JOBS      64
#define HUNT_UNIT_DAYS 31
#define HUNT_BATCH     32    /* inputs that are surveyed by one process: as many as may be packed */
#define HUNT_HOSTS     65536 /* of --hosts-from */

struct hunt_file { /* an input */
    char *path;
    uint64_t size;
    int64_t modified_ns;
    bool of_folder;
    /* once it was surveyed: */
    struct summary_input found;
    char *problem, *link, *packed, *comment; /* what `found` borrows */
    struct ptime begins, ends;               /* of all that is in it; begins > ends: nothing */
};

struct hunt_files {
    struct hunt_file *file; /* in the order of the walk: as named, then by name */
    size_t count, room;
    struct map known; /* device and inode → itself */
};

struct hunt_unit {
    int64_t first_day, last_day; /* the site's */
    struct capture_times times;
    const char **path; /* of the inputs that reach into it … */
    size_t *input;     /* … and which these are */
    size_t count;
    uint64_t bytes; /* of them */
};

struct hunt {
    struct options options;
    struct asked asked;
    const char *hosts_from, *jobs_word, *unit_word, *language_word;
    enum report_language language; /* of the table and the report */
    bool again;
    uint32_t jobs, unit_days; /* unit_days 0: as hunt_units_make finds it */
    struct ip *host;          /* --hosts-from, sorted */
    size_t host_count;
    struct capture_times times;
    struct engine_told told;
    struct calendar *calendar;
    char *folder; /* CASE/hunt */
    int lock;
    struct hunt_files files;
    struct hunt_days days;
    struct hunt_probes probes;
    int64_t span_ns; /* from the first packet or line to the last */
    struct hunt_unit *unit;
    size_t unit_count;
    struct ledger *ledger;
    struct hindsight *hindsight; /* NULL: it is too short for one */
    struct fleet *fleet;
    size_t closed; /* units whose hours the hindsight has gone through */
    struct pool *pool;
    struct error error;
};

/* hunt_files.c: folders are looked into, and theirs, but for the folder `but` (the case may lie
 * among its inputs); what is no capture is passed over. */
int hunt_files_walk(struct hunt_files *files, const char *const *named, size_t count,
                    const char *but, struct error *error);
void hunt_files_fini(struct hunt_files *files);

/* hunt_plan.c: whether what stands in the folder is of the same question; the lock. */
int hunt_plan_open(struct hunt *hunt);
int hunt_plan_hosts(struct hunt *hunt);                             /* --hosts-from */
bool hunt_plan_has(const struct hunt *hunt, const struct ip *host); /* it was asked about */
/* CASE/hunt/NAME-00007.EXT; caller frees. */
char *hunt_path(const struct hunt *hunt, const char *name, size_t number, const char *extension);

/* What a process left; the root is the caller's. */
int hunt_read_json(const char *path, struct json_value **root, struct error *error);

/* hunt_survey.c: what the inputs are, and which times they are of. */
int hunt_survey(struct hunt *hunt);
/* hunt_units.c: days and units, of what was surveyed. */
int hunt_units_make(struct hunt *hunt);
void hunt_units_fini(struct hunt *hunt);
/* hunt_judge.c */
int hunt_learn(struct hunt *hunt);
int hunt_judge_units(struct hunt *hunt);
/* hunt_result.c */
int hunt_tell(struct hunt *hunt, bool *problem, bool *alerts);

/* hunt_pool.c: `count` pieces of work, each by a process of its own, `jobs` at a time. */
struct pool_work {
    const char *name; /* "learn" */
    size_t count;
    bool (*is_done)(const struct hunt *hunt, size_t i);
    uint64_t (*bytes)(const struct hunt *hunt, size_t i);
    /* Before piece i is begun, or passed over because it is done; in order. May be NULL. */
    int (*before)(struct hunt *hunt, size_t i);
    /* In the process: 0, or its exit status; what is wrong it has said. */
    int (*run)(struct hunt *hunt, size_t i);
};
#define POOL_INTERRUPTED 130 /* its exit status when it was told to end: it left nothing */
struct pool *pool_new(uint32_t jobs, bool quiet);
/* How many bytes all pieces of all works read. */
void pool_expect(struct pool *pool, uint64_t bytes);
void pool_free(struct pool *pool);
/* −1: a process failed, or it was interrupted (hunt->error). What is done stays done. */
int pool_run(struct hunt *hunt, const struct pool_work *work);
/* In the process: how many bytes of its piece were read. */
void pool_note(struct hunt *hunt, uint64_t bytes_read);

#endif
