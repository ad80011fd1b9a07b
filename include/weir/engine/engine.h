/* The engine: everything that judges, stores and tells. It never sees a packet.
 *
 *   rings → order by packet time → account → baseline ⇄ store → detect → incidents → bus
 *
 * One thread, on the loop it is given. Records are consumed in (time, key, worker, number) order up
 * to the smallest watermark of all workers; nothing is scored on arrival. Where an answer of the
 * store is needed (a host's profile, an hour's sum) consumption pauses until it is there, so the
 * order of judgements never depends on how fast Redis is. */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include "weir/alert/incident.h"
#include "weir/alert/severity.h"
#include "weir/base/address.h"
#include "weir/base/calendar.h"
#include "weir/base/digest.h"
#include "weir/base/inside.h"
#include "weir/base/loop.h"
#include "weir/base/networks.h"
#include "weir/base/suffix.h"
#include "weir/baseline/hindsight.h"
#include "weir/baseline/store.h"
#include "weir/bus/publisher.h"
#include "weir/detect/rules.h"
#include "weir/record/ring.h"
#include "weir/record/tape.h"

#define ENGINE_WORKERS_MAX 64

enum scope {
    SCOPE_OUT,
    SCOPE_IN,
    SCOPE_INTERNAL,
    SCOPE_TRANSIT, /* neither side is inside */
    SCOPE_BROADCAST,
    SCOPE_MULTICAST,
    SCOPES
};
extern const char *const scope_name[SCOPES]; /* by who opened: "out" the inside host did */

/* Which two addresses decide whether a flow leaves (way.c). */
struct way {
    enum scope scope;
    bool by_tunnel;       /* those of the tunnel around it, not its own */
    bool carried;         /* its own decide, though another inside host's tunnel takes it out */
    uint8_t leaves;       /* SCOPE_OUT, SCOPE_IN: bit s: what flow side s sends leaves */
    struct ip host;       /* SCOPE_OUT, SCOPE_IN: the inside one … */
    struct ip remote;     /* … and the other */
    uint16_t remote_port; /* 0: has none */
};

/* A flow record as the engine understood it, for observers. Borrowed during the call. */
struct flow_view {
    const struct record_flow *record;
    struct tunnel tunnel[SIDES]; /* of each side; count 0: none */
    struct way way;
    enum scope scope; /* way.scope, unless its frame or its host says otherwise (account.c) */
    /* The inside side of SCOPE_OUT and SCOPE_IN, else NULL: way.host, or its device. */
    const struct ip *host;
    const struct ip *device[SIDES]; /* of inside sides, unless a tunnel decides; NULL: not known */
    const struct destination *destination; /* likewise */
    struct route *route; /* the engine's own: host and destination are those of it; NULL: of none */
    uint64_t pair;       /* host and destination have been numbered so, as no others are; 0: not */
    uint32_t host_number; /* `host` is the engine's so manieth, from 1 on; 0: it is none */
    bool in_story;        /* account_judge has added it to the stories of host and destination */
    bool accepted;        /* the host was or is worth a profile: not just anybody's address */
    bool name_unverified; /* a server name was given that no seen answer ties to the address, or
                             that the server's certificate contradicts */
    struct volume out;    /* fresh, of the host */
    uint64_t in_bytes;    /* fresh */
    char text[FLOW_TEXTS][RECORD_NAME_MAX + 1];
};

/* What was seen, and what was not judged and why. Bytes are fresh payload of both sides. */
struct engine_counts {
    uint64_t records[RECORD_WATERMARK + 1];
    uint64_t faults[RECORD_FAULTS]; /* records refused by validation */
    uint64_t flows[SCOPES];
    struct volume payload[SCOPES];
    struct volume carried;                 /* out, of flows with way.carried */
    uint64_t unestablished_bytes;          /* out, from hosts without a profile, one-way only */
    uint64_t unestablished_high;           /* … with what their peers acknowledged unseen */
    uint64_t learning_bytes;               /* out, of hosts that are still learning */
    uint64_t judged_bytes;                 /* out, of hosts that were judged by history */
    uint64_t hosts_refused, refused_bytes; /* baseline.max_hosts reached: records, out bytes */
    uint64_t inside_refused_bytes;         /* to inside hosts beyond as many that only receive */
    uint64_t stories_evicted, names_forgotten;
    uint64_t questions_forgotten; /* for tunnel.*: domains, names, servers beyond what is kept */
    uint64_t asked_forgotten;     /* for served.sweep: items, networks, servers, likewise */
    uint64_t questions_estimated; /* sketches of names that found no room to grow */
    uint64_t items_estimated;     /* sets of counted items that became estimates for want of room */
    uint64_t pairs_overflow;      /* additions to "other": no room (totals.h) */
    uint64_t starts_refused;      /* seconds beyond TOTALS_STARTS of a host and hour */
    uint64_t alerts, heartbeats, publish_failures;
    uint64_t alerts_silenced, silenced_bytes; /* of `alerts`: told as silenced; what newly left */
    uint64_t alerts_quiet;                    /* … of an acknowledged incident, waking nobody */
    uint64_t protocol_packets[256], protocol_bytes[256]; /* by IP protocol; bytes are payload */
    uint64_t vlans_unwatched;                 /* live: flow records of a VLAN id that is none */
    uint64_t hours_closed, host_hours_closed; /* with totals of this sensor's */
    /* Waited longer for the store than the spool has room: hours, hosts of them, what left. */
    uint64_t hours_unlearned, host_hours_unlearned, unlearned_bytes;
    uint64_t profiles_damaged; /* in the store: their hosts are judged like unknown ones */
    uint64_t totals_late;      /* host-hours that other sensors closed before this one's word */
    uint64_t sensors_passed;   /* sensors that an hour this one closed did not wait for */
    uint64_t closes_lost;      /* begun, and taken over by another sensor */
    uint64_t profiles_changed; /* by an operator while their hour was closed: it was not learned */
    uint64_t hours_withheld;   /* host-hours not learned because of a change window */
    uint64_t profiles_let_go;  /* from memory, for want of room (cache_bytes): the store has them */
    uint64_t profiles_loaded;  /* from the store */
    uint64_t rules_matched;    /* flow records that a rule or a list of indicators matched */
    uint64_t rules_withheld; /* stories not told by a rule for its rate limit, each once a window */
    uint64_t zones_withheld; /* stories not told by a row about zones, likewise */
    uint64_t conduits_unkept;    /* additions to what was seen to pass that found no room */
    uint64_t conduits_given_way; /* rows of it, only tried, that gave way to others */
    uint64_t flows_drifted; /* that asked for functions which their conduit's observed list lacks */
    uint64_t excepted;      /* findings that an exception held back, at each look */
    uint64_t trusted;       /* findings that trust held back, at each look */
    uint64_t findings_unasked; /* about what nobody asked for, or before (engine_told); each look */
    uint64_t findings_untold;  /* that had no story, pair or open hour any more to be told of */
    /* Flows of which one direction was seen here: whose other direction another sensor saw, of
     * those that are over and that workers counted as one-sided; ended without a place to be asked.
     */
    uint64_t halves_joined, flows_rejoined, halves_unasked;
    uint64_t told_elsewhere;  /* findings that another sensor had told, at each asking */
    uint64_t late;            /* records older than what was complete when they came */
    uint64_t forced;          /* records that no watermark completed (ORDER_MAX waited) */
    uint64_t workers_lost;    /* incarnations that went without an end */
    uint64_t workers_damaged; /* whose ring or records made no sense */
    uint64_t flows_lost;      /* closed because their worker was lost */
    /* networks.identity: device */
    uint64_t addresses_moved;        /* to another device */
    uint64_t addresses_contested;    /* claims of one that is leased to another: not believed */
    uint64_t addresses_by_proxy;     /* claims of devices that claim for others: not believed */
    uint64_t addresses_from_outside; /* claims that outside addresses sent: not believed */
    uint64_t proxies;                /* such devices */
    uint64_t identities_forgotten;   /* addresses and devices beyond what is remembered */
    uint64_t flows_forgotten;     /* open flows beyond what is remembered: not closed at a loss */
    uint64_t absences, absent_ns; /* intervals without a worker, their packet time in all */
    struct ptime first, last;     /* record times */
};

struct engine_observer {
    void (*flow)(void *context, const struct flow_view *view);
    void (*alert)(void *context, const struct incident *incident, const struct alert *alert);
    /* An exception holds back what `detector` found; at each look. May be NULL. */
    void (*withheld)(void *context, const struct story *story, const char *detector,
                     const struct rule_exception *exception);
    /* Counted items that left `host` for `destination`, whose flow's record follows. */
    void (*content)(void *context, const struct ip *host, const struct destination *destination,
                    const struct record_content *record);
    /* A replay: an hour is closed, and what of it was learned is; at the end the hours still open,
     * too. By hour and host. May be NULL. */
    void (*closed)(void *context, const struct host_total *total);
    /* All is consumed, judged, stored and delivered; or it could not go on (`error` not NULL). */
    void (*done)(void *context, const struct error *error);
    /* The worker's ring makes no sense, or a record of it lies about its order: nothing more is
     * read from it. The owner ends the process; engine_lost follows. NULL: the engine fails. */
    void (*damaged)(void *context, uint32_t worker, uint32_t incarnation);
    /* Everything of this ring was taken: its descriptors may be closed. May be NULL. */
    void (*drained)(void *context, uint32_t worker, uint32_t incarnation);
    /* Once: engine_store_settled. May be NULL. */
    void (*store)(void *context);
    void *context;
};

/* Of what is found about traffic, what is told: all zero, everything. The rest is counted, and what
 * is learned does not depend on it. The sensor's own sight is always told. */
struct engine_told {
    struct ptime from; /* from then on; 0: from the beginning */
    bool by_host, by_prefix;
    struct prefix host, prefix;
    const char *destination; /* of this name or below it ("AS64500": that); NULL: of any */
};

struct engine_config {
    struct loop_ref loop;
    const struct ring_handles *rings; /* attached at once, as incarnation 0 of worker 0, 1, … */
    size_t ring_count;
    uint32_t workers; /* ≥ ring_count; 0: ring_count */
    bool live; /* workers may be replaced, watermarks advance time, silence is watched, the end
                  of all input closes no incident */
    bool workers_stay;   /* they are threads of this process: none is ever lost without it */
    struct store *store; /* given: it is there for as long as the engine is */
    /* Or, live: the engine's own, connected to again whenever it was lost. Borrowed. */
    const struct store_config *reach;
    struct publisher *publisher;
    struct calendar *calendar;
    const struct inside *inside;
    bool by_device; /* a host is the device that holds an inside address, where one is known */
    const struct suffixes *suffixes;
    const struct networks *networks; /* NULL: unnamed destinations are prefixes */
    const struct hash_key *key;      /* the site's, for what is remembered of names; NULL: none */
    struct detect_config detect;
    const struct zones *zones; /* with their conduits; NULL: none. They outlive the engine */
    const struct rules *rules; /* of the operator; NULL: none. They outlive the engine */
    const char *sensor;
    uint32_t max_hosts;
    uint64_t cache_bytes; /* of profiles in memory; 0: no bound */
    bool keep_profiles;   /* a replay: all that was learned is in the store at the end */
    /* A replay that will be read again if it goes on for longer: from this much packet time on only
     * totals are gathered (observer.closed), and learned if they are kept: what is judged nobody
     * would hear. 0: all of it is judged. */
    int64_t judged_ns;
    /* Given: all records that are consumed are put there; or (`before`) all that are consumed come
     * from there and no ring is read. A worker that was lost is nothing that a tape can say. */
    struct tape *tape;
    const struct engine_counts *before; /* of the engine that put them … */
    bool observed; /* … and told its observer of all flows: they are not told once more */
    /* A replay's: hours that end by then are over though nothing comes after them; 0: only what
     * comes later says so. */
    struct ptime whole_until;
    bool sensor_starts; /* with a checkpoint: since its end nobody watched, which is told */
    const char
        *folder; /* of the journal: a checkpoint is kept there and gone on from; NULL: none */
    const char *noise_path; /* no folder: silences that hold, only read; NULL: none */
    int64_t heartbeat_ns;   /* live: of packet time between heartbeats; 0: none */
    /* A replay's, made of the same input before: profiles are its, and nothing is learned. NULL:
     * none. Its fleet is engine_begin's. */
    struct hindsight *hindsight;
    struct engine_told told;
    struct engine_observer observer;
};

struct engine;
/* Whether its observer heard of all flows and contents, though it only gathers (judged_ns). */
bool engine_observed(const struct engine *engine);
/* With a `folder`: goes on from the checkpoint there, as if nothing had been (see checkpoint.c).
 * The rings of incarnations it knows are attached again, to be read on from where they were; a
 * worker whose ring is not there at engine_begin is lost. */
struct engine *engine_new(const struct engine_config *config, struct error *error);
void engine_free(struct engine *engine);
/* The same where the process ends at once: what is only memory is left to the system, which takes
 * it as a whole. It is some million blocks by then, and each of them in no cache any more. (With
 * the address sanitizer it is freed: nothing else finds what nobody frees.) */
void engine_leave(struct engine *engine);
/* A (further) ring of this worker, whose incarnations grow, also over restarts of whoever numbers
 * them (begin with the seconds of wall time): a checkpoint knows its rings by them. It is read once
 * the one before it is drained and its loss or end is settled. Those that are there from the start
 * are attached before engine_begin: a worker without a ring holds nobody up. −1: no such worker, or
 * no ring. */
int engine_attach(struct engine *engine, uint32_t worker, uint32_t incarnation,
                  const struct ring_handles *handles, struct error *error);
/* The process that wrote this ring has gone. What the ring holds is taken first; then the flows it
 * left open end as `lost`, and from its last watermark to the first sign of its successor the
 * worker is blind. After an orderly end, or when it is settled already, it changes nothing. `why`:
 * a few words, "died (signal 9)". `final`: no successor comes. */
void engine_lost(struct engine *engine, uint32_t worker, uint32_t incarnation, const char *why,
                 bool final);
/* Live, once a second of wall time: a worker from which nothing came for 15 s is damaged. */
void engine_listen(struct engine *engine);
/* Live: no further ring comes. Once those that are there have ended, the engine does. */
void engine_last(struct engine *engine);
/* The baseline is loaded: consumption may begin (fleet: NULL for a new one, else taken; the fleet
 * of a checkpoint comes before it). */
void engine_begin(struct engine *engine, struct fleet *fleet);
/* A host that a loaded baseline knows: whatever it sends is judged, one-way traffic too. */
void engine_know_host(struct engine *engine, const struct ip *ip);
/* People changed what the store holds of a host (NULL: of all): it is read again when it is needed.
 * `forget`: what is open of it, and its mark in the fleet's sets, go too. Of all, the fleet's
 * tables are read again with the next hour's close. LATER: an hour is being closed, or a store that
 * came back is being filled: ask again. */
enum engine_change { ENGINE_CHANGED, ENGINE_CHANGE_LATER };
enum engine_change engine_memory_changed(struct engine *engine, const struct ip *ip, bool forget);
/* A snapshot now, or as soon as no answer of the store is awaited. A restart is exact without: this
 * only makes it short. −1: it could not be written (the log goes on). */
int engine_checkpoint(struct engine *engine, struct error *error);
/* While true, observers are told again what was told before the restart. */
bool engine_replaying(const struct engine *engine);
/* The sensor was not running: the first record comes long after the last one of the checkpoint that
 * the engine goes on from. Told when it was more than 5 s. */
void engine_note_gap(struct engine *engine, struct ptime from, struct ptime until);
/* Something the engine stands on failed (the store): ends with `done(error)`. */
void engine_fail(struct engine *engine, const struct error *error);

/* The store was reached, or could not be at the first try: engine_begin makes of it what it is. */
bool engine_store_settled(const struct engine *engine);
enum engine_store_state {
    ENGINE_STORE_HERE,
    ENGINE_STORE_READS, /* it refuses writes: hosts are loaded, nothing is put, no hour closed */
    ENGINE_STORE_AWAY
};
extern const char *const engine_store_state_name[];
struct engine_store_status {
    enum engine_store_state state;
    bool behind;                         /* it was away: hours are still to be closed */
    struct ptime since;                  /* not HERE or behind: packet time it went */
    int64_t since_wall_ns;               /* … of the epoch */
    const char *why;                     /* one line, "" */
    uint64_t pending, refused, absences; /* commands unanswered, refused; times it went */
    size_t hours, host_hours;            /* that are open, the present one included */
    const struct store_waits *waits;     /* for its answers, of this connection; NULL: none is */
};
struct engine_store_status engine_store_of(const struct engine *engine);
/* How the sensors that share the store stand (baseline/store_overview.h). False: it is away. Where
 * it goes before it answers, `done` is never called. */
struct store_overview;
bool engine_read_fleet(const struct engine *engine,
                       void (*done)(void *context, const struct store_overview *overview),
                       void *context);

bool engine_finished(const struct engine *engine);

const struct engine_counts *engine_counts_of(const struct engine *engine);
const struct health *engine_health(const struct engine *engine); /* summed over workers */
const struct incidents *engine_incidents(const struct engine *engine);
const struct fleet *engine_fleet(const struct engine *engine);
struct engine_history { /* how much past there was to judge by */
    uint32_t hosts, ready;
    uint32_t longest_hours;
};
struct engine_history engine_history_of(const struct engine *engine);
#define RULE_EXAMPLES 3
struct rule_tally {                   /* of one rule, or of intel.match */
    uint64_t asked, steps;            /* flow records; instructions in all */
    uint64_t matched, excepted;       /* flow records */
    uint64_t told;                    /* alerts */
    uint64_t withheld;                /* stories, each once in a window of its rate limit */
    char example[RULE_EXAMPLES][256]; /* what was said first; "" from the first that is not there */
};
const struct zones *engine_zones(const struct engine *engine); /* NULL: none */
/* What was seen to pass the borders of zones, by ends, protocol and port. Caller frees the array.
 */
const struct conduit_seen **engine_conduits(const struct engine *engine, size_t *count);
const struct rules *engine_rules(const struct engine *engine); /* NULL: none */
/* NULL: there is none of this id. */
const struct rule_tally *engine_rule(const struct engine *engine, const char *id);
/* Alerts since this process began, by who spoke: how urgently, and how severe. Bound:
 * ENGINE_TALLIES rows; of further ones all are in the last, "other". */
#define ENGINE_TALLIES 256
struct engine_tally {
    const char *detector;
    uint64_t alerts[URGENCIES], severity[SEVERITIES];
};
const struct engine_tally *engine_tallies(const struct engine *engine, size_t *count);
struct engine_status { /* what the counts do not say */
    uint64_t open_flows, waiting_records;
    struct ptime complete; /* every worker that is there is complete up to this */
    uint32_t workers_absent;
    /* of the checkpoint; all 0 without one */
    uint64_t snapshots, snapshot_bytes, log_bytes;
    uint64_t checkpoint_failures; /* parts of either that could not be written */
    uint64_t closing_hours;       /* final here, and not closed for all yet */
    uint32_t closing_waited;      /* other sensors that they wait for */
    int64_t snapshot_age_ns;      /* wall time since this run took or loaded the last one */
    bool replaying;
};
struct engine_status engine_status_of(const struct engine *engine);
struct engine_ring {               /* of a worker, the one being read; size 0: it has none */
    uint64_t position, used, size; /* bytes: taken since it began; waiting; in all */
};
uint32_t engine_next_incarnation(const struct engine *engine); /* larger than any it knows */
struct engine_ring engine_ring_of(const struct engine *engine, uint32_t worker);

#endif
