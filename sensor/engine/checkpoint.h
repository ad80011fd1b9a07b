/* Exact restart: a snapshot of the state and the log of the entries since. Engine thread. */
#ifndef WEIR_ENGINE_CHECKPOINT_H
#define WEIR_ENGINE_CHECKPOINT_H

#include "entry_log.h"
#include "internal.h"

#ifndef CHECKPOINT_LOG_BYTES
#define CHECKPOINT_LOG_BYTES (64u << 20u) /* a snapshot is taken when the log is larger, */
#endif
#define CHECKPOINT_NS          (60 * NS_PER_S) /* or after so much packet time, */
#define CHECKPOINT_LITTLE      (1u << 20u)     /* unless the log is smaller */
#define CHECKPOINT_ATTEMPTS    3               /* starts that may die of one log */
#define CHECKPOINT_HEALTHY_NS  (5 * NS_PER_S)  /* wall time, a look's, after which one did not */
#define CHECKPOINT_HEALTHY_LOG (256u << 10u)   /* or so much taken behind it, */
#define CHECKPOINT_LOG_TOO_BIG (4 * (uint64_t)CHECKPOINT_LOG_BYTES) /* no snapshot succeeds */

struct resume { /* where to go on reading a worker's ring */
    bool known, settled;
    uint32_t incarnation;
    uint64_t position;
};

struct checkpoint {
    char *snapshot_path, *log_path;
    struct entry_log log;
    uint64_t number;       /* of the last snapshot; 0: there is none */
    uint64_t bytes, taken; /* its size; how many this run took */
    uint64_t failures;     /* snapshots or parts of the log that could not be written */
    struct ptime time;     /* packet time it speaks of */
    struct wtime wall;
    bool wanted;          /* as soon as nothing is under way */
    bool broken;          /* the log could not be written: not exact until the next snapshot */
    uint64_t retry_bytes; /* a snapshot failed: not again before the log is so large */
    struct buffer replay; /* the log as it was found, while it is replayed */
    size_t at;            /* in it: the next entry */
    bool replaying;
    struct map told; /* what the journal has behind the snapshot: id → one of the next two */
    bool told_aloud, told_silenced;
    struct resume resume[ENGINE_WORKERS_MAX];
    struct loop_watch *healthy; /* until this log is known to be good */
    uint64_t healthy_bytes;
};

struct snapshot_header {
    uint8_t magic[8];
    uint64_t layout, number, size; /* of the body */
    uint64_t journal;              /* the journal's last sequence number by then */
    int64_t time_ns;
    uint64_t body_hash, hash; /* the latter: of all before it */
};
extern const uint8_t snapshot_magic[8];
uint64_t snapshot_header_hash(const struct snapshot_header *header);

enum checkpoint_result {
    CHECKPOINT_READY,
    CHECKPOINT_AGAIN, /* what was there was set aside, said: begin with a new engine */
    CHECKPOINT_FAILED
};

/* checkpoint_load.c. Into a new engine: the snapshot is loaded, the log is ready to be replayed. */
enum checkpoint_result checkpoint_load(struct engine *engine, struct error *error);
void checkpoint_free(struct engine *engine);
/* Takes some of the log; when all of it is taken and consumed, ends the replay. */
void checkpoint_feed(struct engine *engine);
/* The engine goes in good order, or for a reason of its own: this log does not kill it. */
void checkpoint_outlived(const struct engine *engine);
/* Before a batch is taken. */
void checkpoint_log(struct engine *engine, uint8_t *batch, size_t size);
/* What the store answered is kept, in its place among the entries: it comes again with them. */
void checkpoint_log_answer(struct engine *engine, const struct ip *ip, const void *blob,
                           size_t size);
/* That an hour's close had to wait for other sensors; did it then, while replaying? */
void checkpoint_log_wait(struct engine *engine, int64_t through);
bool checkpoint_waited(const struct engine *engine, int64_t through);
/* A line's event.id, "" when it has none. Caller frees. */
char *checkpoint_id_of(const char *line, size_t size);
/* True when the journal has this line already (by its event.id). */
bool checkpoint_told(struct engine *engine, const char *line);
/* While replaying: whether the journal has that alert, and then whether it was silenced. */
bool checkpoint_has(const struct engine *engine, const char *id, bool *was_silenced);
/* A snapshot when one is due; nothing may be under way. */
void checkpoint_when_due(struct engine *engine);
int checkpoint_take(struct engine *engine, struct error *error);
bool checkpoint_replaying(const struct engine *engine);

#endif
