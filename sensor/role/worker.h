/* The parent's side of one capture process: starts it, hands it what it may have, hears what it
 * says, notices its death. What it says is untrusted: sizes are checked, texts are cut, nothing of
 * it decides more than its own worker's fate. Thread: the main thread, on the loop. */
#ifndef WEIR_ROLE_WORKER_H
#define WEIR_ROLE_WORKER_H

#include "messages.h"

#include "weir/base/loop.h"
#include "weir/capture/sandbox.h"

#include <sys/types.h>

enum worker_state {
    WORKER_NONE,     /* no process */
    WORKER_STARTING, /* has its orders */
    WORKER_READY,    /* has opened what needs rights; waits for worker_begin */
    WORKER_RUNNING,
    WORKER_ENDED, /* told everything, then ended; or never began (failure says why) */
    WORKER_LOST,  /* died before it had */
    WORKER_STATES
};

struct worker;
struct worker_events {
    void (*ready)(void *context, struct worker *worker);
    void (*begun)(void *context, struct worker *worker); /* it reads; may be NULL */
    void (*held)(void *context, struct worker *worker, uint64_t packets);
    void (*input)(void *context, struct worker *worker, uint32_t index,
                  const struct input_answer *answer);
    void (*gone)(void *context, struct worker *worker);     /* WORKER_ENDED or WORKER_LOST */
    void (*forgotten)(void *context, struct worker *worker, /* may be NULL */
                      const struct forgotten_answer *answer);
};

struct worker_config {
    uint32_t number, workers;
    const struct config *config;
    const char *filter;
    const struct ring_handles *ring;  /* borrowed until worker_start returns */
    const struct capture_file *files; /* the same; none: live */
    size_t file_count;
    bool follow; /* the files grow */
    struct capture_times times;
    int recent_fd; /* live */
    int held_fd;   /* live: where packets are held, when the configuration has evidence */
    bool pick;     /* a second reading, for `wanted` flows in `pick_fd` (borrowed) */
    int pick_fd;
    uint32_t wanted;
    uint16_t fanout;
    bool again;
    int cpu;
    struct sandbox_user user;
    const struct hash_key *key;
    struct loop_ref loop;
    const struct worker_events *events;
    void *context;
};

struct worker {
    uint32_t number;
    enum worker_state state;
    pid_t pid;
    int control, pid_fd;
    struct loop_watch *control_watch, *pid_watch;
    struct loop_ref loop;
    const struct worker_events *events;
    void *context;
    int socket[CONFIG_INTERFACES]; /* held so that the fanout's order stays when the process dies */
    size_t sockets;
    struct capture_status status; /* of the last beat */
    uint64_t turns_seen;
    bool begun;         /* its first beat came: it reads */
    struct wtime alive; /* when it last showed that it goes on */
    uint32_t inputs;    /* answers so far */
    struct error failure;
    bool told_end;
    char death[64]; /* WORKER_LOST: how */
};

int worker_start(struct worker *worker, const struct worker_config *config, struct error *error);
void worker_begin(struct worker *worker); /* WORKER_READY → WORKER_RUNNING */
void worker_hold(struct worker *worker);
/* One at a time: its answer comes when it is done. False: it does not listen now. */
bool worker_forget(struct worker *worker, const struct forget_orders *orders);
void worker_finish_at(struct worker *worker, uint64_t packets);
void worker_stop(struct worker *worker);
void worker_kill(struct worker *worker); /* `gone` follows */
void worker_close_sockets(struct worker *worker);
/* Kills without a word and frees what it holds; no event follows. */
void worker_fini(struct worker *worker);

#endif
