/* The supervisor's own layout, for its files only. One thread.
 *
 *   supervisor.c        its life: folder, start, signals, the second's work, stop
 *   supervise_engine.c  the engine and the private redis-server; reloads
 *   supervise_courier.c the courier, in which the sinks live
 *   supervise_keeper.c  the keeper, which keeps incidents' packets
 *   evidence_room.c     the folders of evidence, the files of held packets
 *   supervise_forget.c  hosts whose held packets are to be forgotten
 *   notify.c            what the service manager is told
 *   supervise_capture.c the capture processes, their rings, what they leave behind */
#ifndef WEIR_ROLE_SUPERVISOR_LOCAL_H
#define WEIR_ROLE_SUPERVISOR_LOCAL_H

#include "notify.h"
#include "reload.h"
#include "weir/role/state.h"
#include "worker.h"

#include "weir/baseline/embedded.h"
#include "weir/role/supervisor.h"

#define RING_BYTES      (8u << 20) /* a worker's: about what the engine may be away for */
#define RINGS_UNDRAINED 4          /* a worker's, before it has to wait for the engine */
#define BEATS_MISSED_NS (5 * NS_PER_S)
#define START_NS        (30 * NS_PER_S)
#define ENGINE_HUNG_NS  (60 * NS_PER_S)
#define FORGETS_MAX     64 /* hosts that are being forgotten; more are refused */
#define STOP_NS         (30 * NS_PER_S)
#define HEALTHY_NS      NS_PER_S /* of life, and the next back-off begins anew */
#define BACK_OFF_MIN_NS (50 * NS_PER_MS)
#define BACK_OFF_MAX_NS (5 * NS_PER_S)

struct back_off {
    int64_t wait_ns; /* before the next start; 0: at once */
    struct wtime from, due;
};

struct kept_ring { /* that the engine may still have to read */
    struct ring_handles ring;
    uint32_t incarnation;
    bool told;    /* the engine waits for what it says */
    bool lost;    /* the process behind it died, and `why` was told */
    bool drained; /* the engine has all of it */
    char why[64];
};

struct post { /* a capture process's place, whoever fills it */
    struct supervisor *supervisor;
    struct worker worker;
    struct kept_ring kept[RINGS_UNDRAINED];
    size_t kept_count; /* oldest first; the last one is the living process's */
    int recent_fd;
    int held_fd; /* packets held for evidence, whoever writes them; −1: none are */
    int old_socket[CONFIG_INTERFACES]; /* of the process before, until the new one has its own */
    size_t old_sockets;
    uint64_t forgetting; /* the number of the order that its process has; 0: none */
    struct back_off back_off;
    uint32_t restarts;
    bool told_to_stop;           /* to be started anew */
    uint32_t gone_seen;          /* interfaces that it is to be started again for */
    uint32_t up_seen, down_seen; /* interfaces that were up, and then were not */
    char death[64];
};

struct forget_order { /* kept until every post has answered, and the engine was told */
    struct forget_orders orders;
    struct forgotten_news came; /* so far */
    bool waits[CONFIG_WORKERS]; /* for the answer of these posts' processes */
};

enum engine_state { ENGINE_NONE, ENGINE_STARTING, ENGINE_RUNNING };

struct engine_child {
    enum engine_state state;
    pid_t pid;
    int control, pid_fd;
    struct loop_watch *control_watch, *pid_watch;
    struct wtime alive, started;
    struct back_off back_off;
    uint32_t restarts, generation;
    bool told_end, told_to_finish, begun_once;
    struct error failure;
};

struct courier_child {
    enum courier_state state;
    pid_t pid;
    int control, pid_fd;
    struct loop_watch *control_watch, *pid_watch;
    struct wtime alive, stop_by;
    struct back_off back_off;
    bool came_up;      /* one did, of this sensor: from then on a death is no reason to end */
    bool on_next;      /* it stands on the configuration that is being tried */
    bool told_to_stop; /* … and its successor is due at once */
    bool finishing;    /* … for good: the sensor ends */
    bool told_end;
    struct error failure;
    struct sinks_news news; /* for the engine */
};

struct keeper_child {
    pid_t pid; /* 0: none now */
    int control, pid_fd;
    struct loop_watch *control_watch, *pid_watch;
    struct wtime alive, stop_by;
    struct back_off back_off;
    bool wanted;   /* from the first start on */
    bool replaced; /* told to end, and its successor is due at once */
    bool finishing, told_end;
    struct error failure;
    struct keeper_news news; /* for the engine */
};

struct supervisor {
    struct supervisor_config given;
    struct config_source source; /* in effect */
    struct config config;
    struct reload next; /* while `reloading`: what the engine is to stand on */
    bool reloading, reload_sent;
    bool courier_agreed;     /* reloading: the courier stands on `next`, it is the engine's turn */
    struct reload_news news; /* of the last reload */
    struct state state;
    int listener, metrics_listener, console_listener; /* the last two −1: none */
    char token[SECRET_SIZE];                          /* of the console */
    struct embedded embedded;
    struct back_off redis_back_off;
    struct loop_ref loop;
    struct loop_watch *signals[3], *second, *soon;
    struct notify notify; /* the service manager, when there is one */
    struct engine_child engine;
    struct courier_child courier;
    struct keeper_child keeper;
    int bell[2]; /* a pipe, engine to courier: more of the journal is durable */
    struct post post[CONFIG_WORKERS];
    uint32_t posts, next_incarnation;
    struct forget_order forget[FORGETS_MAX]; /* oldest first */
    size_t forgets;
    uint64_t last_forget; /* number */
    uint16_t fanout;
    bool joined;     /* every post has its place in the fanouts */
    bool capturing;  /* … and had so at least once: what cannot start then is tried again */
    bool regrouping; /* all are stopped, to take their places anew */
    bool stopping, done;
    struct wtime stop_by, next_news, ticked;
    int64_t started_s;
    struct error error;
    struct error unfinished; /* why the last engine could not drain the rings: said at the end */
};

/* How long to wait before starting anew what lived from `from` to now. */
void back_off_next(struct back_off *back_off, struct wtime now);
bool back_off_over(const struct back_off *back_off, struct wtime now);

/* supervise_engine.c */
int engine_child_start(struct supervisor *s);
void engine_child_begin(struct supervisor *s); /* it is ready, and so is what it waits for */
void engine_child_tick(struct supervisor *s, struct wtime now);
/* Sends to the engine, when there is one. */
void engine_child_send(const struct supervisor *s, enum control_kind kind, const void *body,
                       size_t size, const int *fd, size_t count);
/* News that come again each second: left out while it does not read. False: they were. */
bool engine_child_tell(const struct supervisor *s, enum control_kind kind, const void *body,
                       size_t size);
/* Stopping, once no capture process is left: it drains their rings and ends for good. */
void engine_child_finish(struct supervisor *s);
void engine_child_reload(struct supervisor *s); /* SIGHUP, or the control API */
void engine_child_fini(struct supervisor *s);
int private_redis_start(struct supervisor *s);
/* A configuration as a memfd; −1 and s->error. */
int supervisor_packed_source(struct supervisor *s, const struct config_source *source,
                             uint64_t *size);
void supervisor_refuse_reload(struct supervisor *s, const char *why);

/* supervise_courier.c */
int courier_child_start(struct supervisor *s); /* once the journal is there */
void courier_child_tick(struct supervisor *s, struct wtime now);
void courier_child_news(
    struct supervisor *s); /* what is known of it and its sinks, to the engine */
/* Another takes its place, on `next` while reloading, else on what is in effect. */
void courier_child_replace(struct supervisor *s);
/* No engine is left: it delivers what it can in a bounded time, and the sensor is done. */
void courier_child_finish(struct supervisor *s);
void courier_child_fini(struct supervisor *s);

/* evidence_room.c: the folders of evidence; a worker's file of held packets. */
int evidence_room_prepare(struct supervisor *s);         /* none is wanted: what was held goes */
bool evidence_room_has_kept(const struct supervisor *s); /* of incidents */
int evidence_room_open(struct supervisor *s, uint32_t worker); /* −1: none is wanted, or s->error */

/* supervise_keeper.c */
void keeper_child_start(
    struct supervisor *s); /* once there is a journal, where evidence is wanted or was kept */
void keeper_child_tick(struct supervisor *s, struct wtime now);
void keeper_child_tell(struct supervisor *s, const struct workers_news *news);
/* Another takes its place, on the configuration in effect: its manifests name that. */
void keeper_child_replace(struct supervisor *s);
/* The sensor ends: what it holds is sealed, while the engine still takes its word of it. */
void keeper_child_finish(struct supervisor *s);
bool keeper_child_gone(const struct supervisor *s);
void keeper_child_fini(struct supervisor *s);

/* supervise_capture.c */
int posts_start(struct supervisor *s); /* the first process of each, once the engine is ready */
void posts_tick(struct supervisor *s, struct wtime now);
void posts_hand_over(struct supervisor *s); /* all rings and losses, to a new engine */
void posts_damaged(struct supervisor *s, uint32_t worker, uint32_t incarnation);
void posts_drained(struct supervisor *s, uint32_t worker, uint32_t incarnation);
void posts_stop(struct supervisor *s);
void posts_news(struct supervisor *s, struct workers_news *news);
bool posts_gone(const struct supervisor *s); /* no process is left, and the engine knows */
void posts_fini(struct supervisor *s);

/* supervise_forget.c */
void forgets_take(struct supervisor *s, const struct forget_orders *orders);
void forgets_answer(struct supervisor *s, struct post *post, const struct forgotten_answer *answer);
void forgets_tick(struct supervisor *s); /* to those that run; to the engine, what is done */
/* No capture process is left: what none of them did is done in their files, one at each call. True:
 * nothing is left. */
bool forgets_last(struct supervisor *s);

#endif
