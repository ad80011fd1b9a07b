/* The engine's own layout, for the files of this room only. One thread.
 *
 *   engine.c   the pump: rings → order → account; pauses, ticks, the end
 *   intake.c   rings that come and go → entries
 *   again.c    records of a tape, consumed once more
 *   entry.c    what an entry changes: the workers, their order, their open flows
 *   checkpoint.c, snapshot.c, entry_log.c   exact restart
 *   account.c  one flow record: whose bytes these are, totals
 *   account_judge.c  … and what is to be thought of it: stories, evidence, items, rules
 *   weigh.c    a host's evidence of the day, and what is told of it
 *   way.c      does it leave: by its own addresses, or by those of a tunnel around it?
 *   routes.c   what the addresses of a flow lead to, of those that were met lately
 *   close.c, close_turn.c, close_work.c   publishing open totals, closing hours (close.h)
 *   memory.c, memory_link.c   whether the store is there, and what that means (memory.h)
 *   hosts.c    the hosts that are known, and what is known of each
 *   cache.c    how many of their profiles are in memory, and in which shape
 *   loads.c    profiles that are asked of the store, and when an answer is taken
 *   ruled.c, ruled_facts.c, ruled_limit.c   an operator's rules, exceptions, trust (ruled.h)
 *   elsewhere.c, claims.c, halves.c   what other sensors see, and who of them tells
 *   live.c     what only a live engine does: looking for silences, the heartbeat
 *   absence.c  a blindness becomes a finding: silences, workers and the sensor that were away
 *   tally.c      alerts by who spoke
 *   told.c       what of what is found is told, where only some is asked for
 *   swept.c      what client networks asked of inside servers (swept.h)
 *   zoned*.c     what passes the borders of zones (zoned.h)
 *   tunnelled*.c, questions*.c   what the rows about tunnels need (tunnelled.h)
 *   identity.c, names.c, sight.c, stories.c, order.c: see their headers */
#ifndef WEIR_ENGINE_INTERNAL_H
#define WEIR_ENGINE_INTERNAL_H

#include "ahead.h"
#include "entry.h"
#include "halves.h"
#include "identity.h"
#include "memory.h"
#include "names.h"
#include "noise.h"
#include "open_flows.h"
#include "order.h"
#include "routes.h"
#include "ruled.h"
#include "sight.h"
#include "stories.h"
#include "swept.h"
#include "tunnelled.h"
#include "weir/base/buffer.h"
#include "weir/detect/judge.h"
#include "weir/engine/engine.h"
#include "zoned.h"

#define TICK_NS         NS_PER_MIN /* open totals are published, incidents and stories advance */
#define CLOSE_AFTER_NS  (2 * NS_PER_MIN)  /* an hour is closed this long after its end */
#define SENSOR_NS       (10 * NS_PER_MIN) /* the sensor's own sight is judged over this */
#define ABSENT_TOLD_NS  (5 * NS_PER_S)    /* a shorter restart is one nobody missed a packet by */
#define ABSENT_LASTS_NS (30 * NS_PER_S)
#define AWAITED_NS      NS_PER_S /* a profile takes so long, and its host is judged by its peers */
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

/* A host's profile is in the store and, while the cache has room for it, packed in memory. Whoever
 * asks for it gets it unpacked (hosts_profile), and some stay so. */
enum host_list_kind { LIST_PACKED, LIST_UNPACKED, LISTS };

struct host_list { /* by last use */
    struct host *oldest, *newest;
};

/* Who tells what a side of a host's evidence leads to on a site day, of several that see it. */
enum claim_state {
    CLAIM_NONE,
    CLAIM_ASKED,
    CLAIM_MINE,
    CLAIM_OTHERS,
    CLAIM_TOLD,   /* by another */
    CLAIM_SAYING, /* told here, and the store did not answer yet that it has heard it */
    CLAIM_SAID
};
struct claim { /* one a side and open hour: what is not said yet gives way to what is told later */
    int64_t hour, day;
    uint64_t destination;      /* store.h */
    double e;                  /* what was asked with, or told, here or (CLAIM_TOLD) there */
    int64_t asked_ns, held_ns; /* packet time; since then something waits to be told, 0: nothing */
    int64_t since_ns;          /* … and just this is asked for */
    uint32_t state, spare;     /* enum claim_state */
};

/* Something is told of two: of the present one, and for two minutes of the one before. */
#define OPEN_HOURS 2
#define CLAIMS     (EVIDENCE_SIDES * OPEN_HOURS)
struct claims {
    struct claim of[CLAIMS]; /* of each side, of each hour: hour & 1 */
};

struct host {
    struct ip ip;
    uint32_t number;         /* of those that were met, from 1 on */
    struct profile *profile; /* unpacked; NULL: not at the moment, or it has none (hosts_profile) */
    uint8_t *blob;           /* the same, packed; NULL: has none, or it is not here */
    uint32_t blob_size;
    uint32_t unpacked_bytes;
    uint32_t hours; /* of the profile when it was last seen, in memory or not; 0: has none */
    bool ready;     /* … it was no longer learning */
    int64_t day;    /* in hindsight: which these are without, once ready */
    struct {        /* … what it answered last, and to which turn's question (hosts.c) */
        int64_t day;
        uint64_t turn;
        bool may;
    } asked;
    bool waits; /* … and it is not left out of the profile yet: hosts_turn */
    struct {    /* … whether its stories of an hour are gone through (again.c) */
        int64_t hour;
        uint64_t turn;
        enum hindsight_need needed;
    } story;
    uint32_t stories_told;
    uint64_t told_at;    /* … among them: a bit each (again_pass.c) */
    bool loaded;         /* what the store knows of it is known: the blob, or that there is none */
    bool queued;         /* to be asked for */
    bool loading;        /* asked for; it goes on meanwhile as one that nothing is known of */
    bool changed;        /* … and the store has changed it since: the answer is not it */
    bool damaged;        /* what the store has of it is no profile */
    int64_t missed_ns;   /* not loaded: its first record since then; 0: there was none */
    int64_t stored_hour; /* last_closed_hour of the stored blob; INT64_MIN: none is stored */
    int64_t saved_hour;  /* a replay's: of the blob that its store has (save.c) */
    uint64_t stored_edits; /* store_close.h */
    struct host *newer[LISTS], *older[LISTS];
    struct tie whole; /* its story as a whole */
    struct tie total; /* the latest hour's, of those that are open */
    struct sight_host sight;
    struct weigh *weigh; /* its evidence in the open hours; NULL: not looked at yet */
    struct told_lately told[EVIDENCE_SIDES]; /* by this sensor */
    struct claims *claims; /* NULL: nothing was found that another sensor might tell */
    int64_t shared_ns;     /* when another sensor was last heard to see it; 0: never */
    bool held;             /* in the list of those of whom something waits to be told (claims.c) */
};

struct site_day { /* looked up once a day */
    bool known;
    int64_t day, first_hour;
};

struct cache { /* see cache.c */
    uint64_t packed_bytes, unpacked_bytes;
    struct host_list list[LISTS];
};

struct tallies { /* see tally.c */
    struct engine_tally row[ENGINE_TALLIES];
    size_t count;
};

struct heard { /* see elsewhere.c: entries that wait for their place */
    struct heard_entry *oldest, *newest;
    struct ip *held; /* claims.c: hosts of whom something waits to be told, or said */
    size_t held_count, held_room;
};

struct again {           /* see again.c */
    bool held;           /* `item` is not consumed yet */
    bool passes_by;      /* stories of which nothing can be told are not gone through … */
    bool passes_records; /* … nor records (again_pass.c) */
    unsigned left;       /* records of this turn */
    struct ordered item;
    struct tape_note note; /* of the record at hand */
    struct host **host;    /* by number; where records are passed */
    size_t hosts, room;
};

struct loads {              /* see loads.c */
    struct host_list queue; /* of hosts to be asked for; linked as LIST_PACKED: they have no blob */
    uint32_t under_way;     /* asked, the answer not yet taken */
    struct answer *oldest, *newest; /* that came and are not yet taken */
};

struct engine {
    struct engine_config config; /* its `store` is NULL while it is not there (memory.h) */
    struct intake_ring *ring[ENGINE_WORKERS_MAX], *retired;
    bool given_up[ENGINE_WORKERS_MAX]; /* no successor comes, and there is no ring to say it by */
    struct buffer batch;               /* of entries */
    int64_t tomorrow_ns;               /* wall time; for the batch at hand */
    struct worker worker[ENGINE_WORKERS_MAX];
    struct open_flows open_flows;
    struct order order;
    struct ahead ahead;
    struct routes routes;
    struct again again;
    struct names names;
    struct identity identity;
    struct stories stories;
    struct tunnelled tunnelled;
    struct tallies tallies;
    struct swept swept;
    struct zoned zoned;
    struct incidents *incidents;
    struct totals *totals;
    struct fleet *fleet;
    struct json *json;
    struct map hosts; /* struct ip → struct host */
    struct cache cache;
    struct loads loads;
    struct heard heard;
    struct halves halves;
    struct health health_sum, health_judged;
    struct ptime health_from;
    struct engine_counts counts;
    struct ruled ruled;
    struct engine_noise noise;
    struct sight sight;      /* live only */
    struct ptime next_beat;  /* PTIME_MIN before the first look */
    struct ptime next_tick;  /* PTIME_MIN before the first record */
    struct ptime next_put;   /* to the store; likewise */
    struct ptime next_close; /* PTIME_MAX: no hour is open */
    int64_t closed_hour;     /* totals through it are final; INT64_MIN before the first close */
    int64_t whole_hour;      /* through it hours are over: judged whole (account_whole) */
    int64_t fleet_hour;      /* `fleet` is after this hour; INT64_MIN: not known */
    uint64_t fleet_edits; /* … and after so many changes by people; a restart reads them again */
    bool fleet_spoiled;   /* … or half changed: it is read from the store before it learns */
    struct host_total **changed; /* since they were last published */
    size_t changed_count, changed_room;
    struct memory memory;
    struct memory_link *link;
    struct site_day today;
    uint32_t waiting;              /* answers of the store that consumption waits for */
    uint32_t putting;              /* a replay's profiles whose answer the end waits for */
    size_t save_position;          /* of `hosts`: before it all are in the store (save.c) */
    struct warm *warm;             /* totals that come back from the store, else NULL */
    struct governed *governed;     /* what people change now (governed.c), else NULL */
    bool warmed;                   /* … or had nothing to come back */
    bool held;                     /* the batch at hand waits for that */
    bool unsaved;                  /* … that did, and no checkpoint has them: not published */
    struct closing *closing;       /* hours being closed, else NULL */
    struct cleaning *cleaning;     /* of a closed hour, else NULL */
    struct checkpoint *checkpoint; /* NULL: none is kept */
    bool begun, pumping, finished;
    bool last;        /* no further ring comes */
    bool resumed;     /* the sensor starts from a checkpoint; nothing new was consumed yet */
    uint64_t covered; /* alerts that a silence covers; of a log that is played again, did cover */
};

/* A replay that is to be read again (judged_ns): it is not judged any more. */
static inline bool engine_only_gathers(const struct engine *engine)
{
    const struct engine_counts *counts = &engine->counts;
    return engine->config.judged_ns > 0 && counts->last.ns != INT64_MIN &&
           counts->last.ns - counts->first.ns > engine->config.judged_ns;
}

/* again.c: in place of intake_fetch, order_peek and order_done where the records are a tape's. */
static inline bool again_is_asked(const struct engine *engine)
{
    return engine->config.before != NULL;
}
bool again_fetch(struct engine *engine);
const struct ordered *again_peek(struct engine *engine);
void again_done(struct engine *engine);
void again_begin(struct engine *engine);
/* False: nothing that goes on in this hour is ever told of the host, and nothing was that goes on.
 */
bool again_needs_story(struct engine *engine, struct host *host, int64_t hour);
/* … but for what was told already and goes on. */
enum hindsight_need again_needs(struct engine *engine, struct host *host, int64_t hour);
/* Whether observers hear of flows: not of those that they heard of the first time, but then of all.
 */
bool again_observes(const struct engine *engine);
/* A story of it is told now, or was and is over. */
void again_told(struct engine *engine, const struct story *story);
void again_over(struct engine *engine, const struct story *story);

/* engine.c: takes the line, of the alert format or the heartbeat's. False: the journal had it
 * already, or could not take it. */
bool engine_publish(struct engine *engine, char *line);

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
/* The profile to judge an hour by; NULL: it has none, or it is being loaded. Good until the next
 * call; in hindsight it is that hour's day's, and the peers are this host's. */
const struct profile *hosts_profile(struct engine *engine, struct host *host,
                                    const struct civil *civil);
enum baseline_state hosts_state(const struct engine *engine, const struct profile *profile,
                                int64_t hour);
/* In hindsight: before anything is asked of its profile, or how long it is known. host may be NULL.
 */
void hosts_turn(struct engine *engine, struct host *host);
void hosts_turn_all(struct engine *engine);
/* In hindsight: whether anything can be told of that day. */
bool hosts_may_tell(struct engine *engine, struct host *host, int64_t day);
/* How much of it was there by then, for what goes by the order of time whatever is known later. */
enum baseline_state hosts_state_then(const struct engine *engine, const struct host *host,
                                     int64_t hour);
/* Closing an hour: the profile in memory, to be changed; NULL: there is none. What was learned is
 * given back with hosts_learned (which frees `profile`). */
struct profile *hosts_open(struct engine *engine, struct host *host);
void hosts_learned(struct engine *engine, struct host *host, struct profile *profile,
                   const void *blob, size_t size);
/* A blob is no profile: a replay fails, a live engine counts it. */
void hosts_damaged(struct engine *engine, const struct error *error);
/* What the store has of it (NULL: nothing). */
void hosts_set(struct engine *engine, struct host *host, const void *blob, size_t size);
/* The store's profile is another one now: it is loaded again on need. */
void hosts_changed(struct engine *engine, const struct ip *ip);
void hosts_abandon(struct engine *engine); /* the store went: no load is under way any more */
void hosts_fini(struct engine *engine);

/* cache.c */
void list_add(struct host_list *list, struct host *host, enum host_list_kind kind);
void list_remove(struct host_list *list, struct host *host, enum host_list_kind kind);
bool cache_has_room(const struct engine *engine, size_t bytes);
void cache_put(struct engine *engine, struct host *host, const void *blob, size_t size);
void cache_put_unpacked(struct engine *engine, struct host *host, struct profile *profile);
struct profile *cache_take_unpacked(struct engine *engine, struct host *host); /* or NULL */
const struct profile *cache_use(struct engine *engine, struct host *host);     /* has a blob */
void cache_drop(struct engine *engine, struct host *host); /* it is no longer loaded */
/* Lets profiles go until the rest fits. Only where the same happens in every run: nothing that an
 * answer's moment decides may come in between. */
void cache_trim(struct engine *engine);

/* save.c: a replay's profiles; of the host's blob, or the one that has no room. save_put: any;
 * `base`: the hour of the one that the store has. save_all is false while answers are awaited. */
void save_put(struct engine *engine, const struct ip *ip, int64_t base, int64_t hour,
              const void *blob, size_t size);
void save_profile(struct engine *engine, struct host *host, const void *blob, size_t size);
void save_for_room(struct engine *engine, struct host *host);
bool save_all(struct engine *engine);

/* loads.c: true when there is no answer to wait for: it is loaded or, live, goes on without. */
bool loads_need(struct engine *engine, struct host *host);
bool loads_take_answers(struct engine *engine); /* all before them is consumed; true: some */
void loads_ask(struct engine *engine);          /* for those that wait to be asked for */
void loads_need_later(struct engine *engine, struct host *host); /* loads_ask follows */
void loads_again(struct engine *engine, const struct ip *ip);    /* likewise */
/* What the store answered, of a log or of an hour's close, in its place. */
void loads_take(struct engine *engine, struct host *host, const void *blob, size_t size);
void loads_abandon(struct engine *engine);
void loads_fini(struct engine *engine);

/* elsewhere.c: what other sensors see. */
struct entry_elsewhere;
void elsewhere_hear(struct engine *engine, struct store *store);
void elsewhere_claimed(void *context, const struct store_claim *claim, enum store_claimed claimed);
void elsewhere_half(void *context, const struct store_half *half, const char *other);
bool elsewhere_take_answers(struct engine *engine); /* all before them is consumed; true: some */
void elsewhere_take(struct engine *engine, const struct entry_elsewhere *entry);
/* Who saw how much of it in this hour (NULL: of all that the host sent), where others did, too. */
void elsewhere_tell(const struct engine *engine, const struct host_total *total,
                    const struct destination *destination, struct finding *finding);
/* Who else saw what is forgotten of hours before closed_hour: while the store is away they stay
 * open, and nothing is told of them. `from`: those before it were forgotten. */
void elsewhere_close(struct engine *engine, int64_t from);
void elsewhere_abandon(struct engine *engine); /* the store went, or came */
void elsewhere_fini(struct engine *engine);

/* claims.c: who tells. Whether this sensor may tell this; where others see the host too, they are
 * asked first, and it is judged again when the answer comes. */
struct telling {
    enum evidence_side side;
    const struct destination *destination; /* NULL: the host as a whole */
    int64_t day, hour;                     /* the open hour it was found in, and its day */
    double e;
};
bool claims_may_tell(struct engine *engine, struct host *host, const struct telling *telling,
                     struct ptime now);
void claims_told(struct engine *engine, struct host *host, const struct telling *telling);
void claims_take(struct engine *engine, struct host *host, const struct entry_elsewhere *entry);
void claims_look(struct engine *engine, struct ptime at);      /* on the grid of looks */
void claims_close(struct engine *engine, int64_t through);     /* these hours are due */
void claims_restore(struct engine *engine, struct host *host); /* … out of a snapshot */
void claims_abandon(struct engine *engine);

/* warm.c: before the first record that this engine ever consumed; it may pause for it. */
void warm_begin(struct engine *engine, struct ptime now);
void warm_abandon(struct engine *engine);

/* account.c: false when it must wait (a load was asked for) and be called again with the same
 * record. */
bool account_flow(struct engine *engine, const struct record_flow *record);
/* What was counted as one-way, and has an answer that another sensor saw (halves.c). */
void account_held(struct engine *engine, const struct record_flow *record);
/* Where what goes this way ends: by name, where there is one and no tunnel decides. */
struct destination account_destination(struct engine *engine, const struct way *way,
                                       const char *server_name, const char *certificate,
                                       bool *unverified);
/* The open hour that bytes of this time are counted in. */
struct civil account_hour(struct engine *engine, struct ptime time);
/* What a side sent since the record before. */
struct volume account_fresh(const struct record_flow *record, int side);
/* What a record is about; `destination` is where view->destination points to. */
void account_view(struct engine *engine, const struct record_flow *record, struct flow_view *view,
                  struct destination *destination);
void account_binding(struct engine *engine, const struct record_binding *record);
void account_content(struct engine *engine, const struct record_content *record);

/* account_judge.c: where a record's bytes were counted, and what is to be thought of them. */
struct booked {
    struct civil civil;
    struct host_total *total; /* NULL: it is refused */
    struct pair_total *pair;
    bool begins;        /* the host's first of its hour */
    bool start_refused; /* its start found no room */
};
/* False: the record joined no story of host and destination. */
bool account_judge(struct engine *engine, const struct flow_view *view, struct host *host,
                   const struct booked *booked);
/* Nothing can be told of it itself: it joins its stories, or (`told`) those that are told, and what
 * is told goes on. */
void account_go_on(struct engine *engine, const struct flow_view *view, struct host *host,
                   const struct civil *civil, bool told);
/* again_pass.c: what a record did is noted for the next time; whether this is that, and it is
 * enough to do just that. */
void again_note(struct engine *engine, const struct flow_view *view, const struct host *host,
                const struct booked *booked);
bool again_pass(struct engine *engine, const struct record_flow *record);
void again_put(struct engine *engine, const struct ordered *item); /* on the tape, and consumed */
void again_begin_passing(struct engine *engine);
void again_met(struct engine *engine, struct host *host); /* it is new */
void again_fini(struct engine *engine);
/* The profile of a host that was judged without came: its open hours are judged once more. */
void account_again(struct engine *engine, struct host *host);
void account_again_whole(struct engine *engine,
                         struct host *host); /* all pairs of its open hours */
/* Hours up to this one are over: what only whole hours show is judged, before they are learned. */
void account_whole(struct engine *engine, int64_t through, struct ptime now);
/* `key`: of a destination, or NULL: to all. */
struct volume account_open(const struct engine *engine, const struct host *host, int64_t first,
                           int64_t last, const char *key);
/* To all; `inside` grows by what came from inside hosts in those hours. */
struct volume account_open_all(const struct engine *engine, const struct host *host, int64_t first,
                               int64_t last, uint64_t *inside);
int64_t account_first_of_day(struct engine *engine, const struct civil *civil); /* hour ordinal */
/* What was found of a story, less what exceptions hold back, becomes its incidents'; how many were
 * left. All findings about traffic go through here, but for an operator's own rules. */
size_t account_tell(struct engine *engine, struct open_story *open, struct finding *finding,
                    size_t count, enum baseline_state state, uint32_t hours, struct ptime now);
void judge_sensor(struct engine *engine, struct ptime now);

void weigh_anew(struct host *host, int64_t hour); /* weigh.c: nothing that was looked at holds */
/* weigh.c: the host's evidence with what a record added (`pair` NULL: its memory has changed). */
void weigh_record(struct engine *engine, struct host *host, const struct civil *civil,
                  struct host_total *total, struct pair_total *pair, enum baseline_state state,
                  struct ptime now);
void engine_tally(struct engine *engine, const struct finding *finding);
void weigh_set_budget(struct engine *engine); /* of the fleet at hand */
void weigh_free(struct host *host);

/* way.c; `tunnel`: of both sides, or NULL */
struct way way_of(const struct inside *inside, const struct flow_key *key,
                  const struct tunnel tunnel[SIDES]);
/* Of a flow whose own addresses are of this scope, by those. */
struct way way_by_scope(enum scope scope, const struct flow_key *key);

/* told.c: a finding about this story is to be told; else it is counted. Before that day nothing
 * was, whatever there was to tell; INT64_MIN: all was. */
bool told_is_wanted(struct engine *engine, const struct story *story, struct ptime now);
int64_t told_since_day(const struct engine *engine);

/* close.c: the totals of this hour and before, to who observes them. */
void close_tell(const struct engine *engine, int64_t hour);
void close_tell_of(const struct engine *engine, struct host_total *const *total, size_t count);

/* changed.c: drops what was forgotten in the store meanwhile. */
void changed_look(struct engine *engine);
bool changed_may(const struct engine *engine); /* what people changed may be taken now */
void governed_lost(struct engine *engine);     /* the connection to the store went */
void governed_read(struct engine *engine);     /* profiles came */
void governed_fini(struct engine *engine);

/* close.c */
void close_publish(struct engine *engine);
void close_tick(struct engine *engine);                                    /* each minute */
void close_first(struct engine *engine, struct ptime now);                 /* at the first record */
void close_queue_changed(struct engine *engine, struct host_total *total); /* to be published */
void close_forget_changed(struct engine *engine, int64_t hour); /* through it: not any more */
bool close_due(const struct engine *engine, struct ptime now);
void close_judge(struct engine *engine, struct ptime now); /* is due: before anything forgets */
/* Hours that end by `until`. */
void close_judge_through(struct engine *engine, struct ptime until, struct ptime now);
void close_hour(struct engine *engine, struct ptime now); /* close_paused: until that is over */
void close_schedule(struct engine *engine, struct ptime now);
void close_note_open(struct engine *engine, struct host_total *total, const struct civil *civil);
void close_note_passed(struct engine *engine, const struct civil *civil); /* totals_pass */
/* The hour of an ordinal, from any time. */
struct civil close_civil(struct engine *engine, int64_t hour, struct ptime near);
void close_fini(struct engine *engine);

/* close_turn.c */
bool close_paused(const struct engine *engine); /* consumption waits for a close */
/* Nothing is ready: what was waited for may be done now; true: it pauses. */
bool close_act(struct engine *engine);
/* The store goes: what is under way is forgotten, the hours stay in the totals. */
void close_abandon(struct engine *engine);
/* The store is there (again): hours that are due are closed. */
void close_resume(struct engine *engine);

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
