/* The engine's own layout, for the files of this room only. One thread.
 *
 *   engine.c   the pump: rings → order → account; pauses, ticks, the end
 *   intake.c   rings that come and go → entries
 *   entry.c    what an entry changes: the workers, their order, their open flows
 *   checkpoint.c, snapshot.c, entry_log.c   exact restart
 *   account.c  one flow record: whose bytes these are, totals, stories, judging
 *   way.c      does it leave: by its own addresses, or by those of a tunnel around it?
 *   close.c    the store: loading hosts, publishing open totals, closing hours
 *   hosts.c    the cache of host profiles
 *   live.c     what only a live engine does: looking for silences, the heartbeat
 *   absence.c  a blindness becomes a finding: silences, workers and the sensor that were away
 *   identity.c, names.c, sight.c, stories.c, order.c: see their headers */
#ifndef WEIR_ENGINE_INTERNAL_H
#define WEIR_ENGINE_INTERNAL_H

#include "entry.h"
#include "identity.h"
#include "names.h"
#include "open_flows.h"
#include "order.h"
#include "sight.h"
#include "stories.h"
#include "weir/base/buffer.h"
#include "weir/detect/judge.h"
#include "weir/engine/engine.h"

#define TICK_NS         NS_PER_MIN /* open totals are published, incidents and stories advance */
#define CLOSE_AFTER_NS  (2 * NS_PER_MIN)  /* an hour is closed this long after its end */
#define SENSOR_NS       (10 * NS_PER_MIN) /* the sensor's own sight is judged over this */
#define ABSENT_TOLD_NS  (5 * NS_PER_S)    /* a shorter restart is one nobody missed a packet by */
#define ABSENT_LASTS_NS (30 * NS_PER_S)
#define LIVE_MARK_NS    (5 * NS_PER_S) /* live, what is due by time alone is done so often */

/* What a capture process did not see because it was away; packet time. */
struct absence {
    uint32_t worker;
    char why[WHY_SIZE]; /* "died (signal 9)" */
    struct ptime from, until;
    uint64_t flows_lost; /* open flows that were closed as lost */
};

struct worker {
    uint32_t incarnation;
    bool attached, ended, damaged; /* ended: nothing more comes, ever */
    bool absence_told;             /* it lasts so long that it was told before its end */
    bool blind;                    /* lost, and no sign of a successor yet: `absence` has begun */
    uint64_t position, number;     /* in its ring; of its last record */
    struct ptime told, last;       /* its last watermark; the newest time of all it sent */
    struct absence absence;
    struct health health_before; /* of the incarnations before `health_of` */
    struct health health;
    uint32_t health_of;
};

struct intake_ring { /* of one incarnation */
    struct ring_consumer *consumer;
    struct loop_watch *watch;
    uint32_t incarnation, worker;
    bool watched;
    bool announced; /* its ENTRY_ATTACH was taken: it is read */
    bool damaged, told;
    bool heard;       /* since the last engine_listen */
    unsigned unheard; /* so many times in a row it was not */
    bool lost, final;
    char why[WHY_SIZE];
    struct intake_ring *next; /* the successor's */
};

struct host {
    struct ip ip;
    struct profile *profile; /* NULL: has none yet (never before met in a closed hour) */
    int64_t stored_hour;     /* last_closed_hour of the stored blob; INT64_MIN: none is stored */
    bool loaded;
    struct sight_host sight;
};

struct engine {
    struct engine_config config;
    struct intake_ring *ring[ENGINE_WORKERS_MAX], *retired;
    bool given_up[ENGINE_WORKERS_MAX]; /* no successor comes, and there is no ring to say it by */
    struct buffer batch;               /* of entries */
    int64_t tomorrow_ns;               /* wall time; for the batch at hand */
    struct worker worker[ENGINE_WORKERS_MAX];
    struct open_flows open_flows;
    struct order order;
    struct names names;
    struct identity identity;
    struct stories stories;
    struct incidents *incidents;
    struct totals *totals;
    struct fleet *fleet;
    struct json *json;
    struct map hosts; /* struct ip → struct host */
    struct health health_sum, health_judged;
    struct ptime health_from;
    struct engine_counts counts;
    struct sight sight;          /* live only */
    struct ptime next_beat;      /* PTIME_MIN before the first look */
    struct ptime next_tick;      /* PTIME_MIN before the first record */
    struct ptime next_close;     /* PTIME_MAX: no hour is open */
    int64_t closed_hour;         /* of this run; INT64_MIN before the first close */
    struct host_total **changed; /* since they were last published */
    size_t changed_count, changed_room;
    uint32_t waiting;              /* answers of the store that consumption waits for */
    struct closing *closing;       /* an hour being closed, else NULL */
    struct checkpoint *checkpoint; /* NULL: none is kept */
    bool begun, pumping, finished;
    bool last;    /* no further ring comes */
    bool resumed; /* the sensor starts from a checkpoint; nothing new was consumed yet */
};

/* engine.c: takes the line, of the alert format or the heartbeat's. */
void engine_publish(struct engine *engine, char *line);

/* live.c: nothing of it happens in a replay. Due work falls on a grid of packet time: false when
 * none is due by `now`; live_look does the one at `at` and moves on. */
void live_flow(struct engine *engine, const struct flow_view *view);
void live_health(struct engine *engine, uint32_t worker, const struct record_health *record);
/* The first thing that is new after a checkpoint: how long was nobody there? */
void live_resumed(struct engine *engine, struct ptime first);
bool live_due(struct engine *engine, struct ptime now, struct ptime *at);
void live_look(struct engine *engine, struct ptime at);

/* absence.c */
void tell_silence(struct engine *engine, const struct silence *silence, struct ptime now);
void judge_absence(struct engine *engine, const struct absence *absence);

/* hosts.c */
struct host *hosts_get(const struct engine *engine, const struct ip *ip);
struct host *hosts_add(struct engine *engine, const struct ip *ip); /* NULL: max_hosts reached */
/* What the store has of it was changed by others: it is loaded again on need. */
void hosts_changed(struct engine *engine, const struct ip *ip);
void hosts_fini(struct engine *engine);

/* account.c: false when it must wait (a load was asked for) and be called again with the same
 * record. */
bool account_flow(struct engine *engine, const struct record_flow *record);
void account_binding(struct engine *engine, const struct record_binding *record);
void account_content(struct engine *engine, const struct record_content *record);
void judge_sensor(struct engine *engine, struct ptime now);

/* way.c; `tunnel`: of both sides, or NULL */
struct way way_of(const struct inside *inside, const struct flow_key *key,
                  const struct tunnel tunnel[SIDES]);

/* close.c */
void close_load_host(struct engine *engine, struct host *host);
void close_publish(struct engine *engine);
void close_queue_changed(struct engine *engine, struct host_total *total); /* to be published */
bool close_due(const struct engine *engine, struct ptime now);
void close_hour(struct engine *engine, struct ptime now); /* pauses consumption until it is done */
void close_note_open(struct engine *engine, struct host_total *total, const struct civil *civil);
/* The hour of an ordinal, from any time. */
struct civil close_civil(struct engine *engine, int64_t hour, struct ptime near);
void close_fini(struct engine *engine);

/* intake.c */
/* One batch of entries from the rings, taken; false: there was nothing. */
bool intake_fetch(struct engine *engine);
bool intake_queued(const struct engine *engine); /* a ring waits to be announced */
void intake_watch(struct engine *engine, bool on);
void intake_clear_events(struct engine *engine);
void intake_fini(struct engine *engine);

/* entry.c */
void entry_take(struct engine *engine, const struct entry *entry);
void entry_take_health(struct engine *engine, const struct record_health *record,
                       const struct ordered *from);
/* Absences that no successor ended last until `until`. */
void entry_end_absences(struct engine *engine, struct ptime until);

struct absence_record { /* ORDER_ABSENCE */
    struct record_header header;
    struct absence absence;
};

/* engine.c */
bool engine_is_idle(const struct engine *engine); /* nothing is under way, all that is ready done */
void engine_pump(struct engine *engine);          /* something came, or the store answered */

#endif
