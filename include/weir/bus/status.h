/* What a running sensor says about itself: GET /v1/status. A plain struct, filled by whoever knows,
 * and its JSON; docs/api.md names every field with its unit. Everything is borrowed for the length
 * of the call. Pure. */
#ifndef WEIR_BUS_STATUS_H
#define WEIR_BUS_STATUS_H

#include "weir/alert/severity.h"
#include "weir/base/bound.h"
#include "weir/base/json.h"
#include "weir/base/time.h"
#include "weir/bus/api.h"
#include "weir/bus/bus.h"
#include "weir/bus/console.h"
#include "weir/record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum status_state { STATUS_STARTING, STATUS_RUNNING, STATUS_STOPPING, STATUS_STATES };

enum status_worker_state {
    STATUS_WORKER_STARTING,
    STATUS_WORKER_RUNNING,
    STATUS_WORKER_WAITING, /* it died; its restart is backed off */
    STATUS_WORKER_STOPPED,
    STATUS_WORKER_STATES
};

enum status_interface_state {
    STATUS_INTERFACE_UP,
    STATUS_INTERFACE_DOWN,
    STATUS_INTERFACE_GONE, /* no longer known to the kernel */
    STATUS_INTERFACE_STATES
};

struct status_worker {
    unsigned worker;
    pid_t pid; /* 0: none now */
    enum status_worker_state state;
    uint64_t restarts, packets, packets_per_s, bytes_per_s; /* rates: of the last second */
    uint64_t kernel_drops, interface_drops;                 /* packets */
    uint64_t ring_bytes, ring_used_bytes;
    double ring_seconds;    /* how long the ring lasts at this rate; NAN: nothing comes */
    uint64_t parked;        /* ended flows that wait for room in the ring */
    const char *last_death; /* one line, or NULL */
};

struct status_interface {
    const char *name, *vantage;
    enum status_interface_state state;
};

struct status_engine {
    pid_t pid;
    uint64_t restarts, records, records_late, alerts;
    uint64_t alerts_silenced, silenced_bytes, alerts_quiet; /* of `alerts`; what newly left */
    uint64_t hosts, hosts_ready, hosts_learning, incidents_open, open_flows, waiting_records;
    double checkpoint_age_s; /* NAN: none yet */
    uint64_t checkpoint_bytes, snapshots;
    uint64_t closing_hours, closing_waited, totals_late; /* docs/api.md: engine.closing */
    uint64_t halves_joined, flows_rejoined;              /* … engine.halves */
    uint64_t flows_drifted;                              /* … engine.zones */
};

#define STATUS_URGENCIES 3 /* digest, shift, now */
struct status_alerts {     /* of a detector or rule, since the engine's process began */
    const char *detector;
    uint64_t alerts[STATUS_URGENCIES], severity[SEVERITIES];
};

#define STATUS_APIS 3
struct status_api { /* a listener of the engine's, since its process began */
    const char *listener;
    struct api_counts counts;
};

struct status_waits { /* for answers: a histogram */
    const int64_t *bound_ns;
    size_t bound_count;
    const uint64_t *answers; /* bound_count + 1 of them, each beyond the bound before */
    uint64_t sum_ns;
};

struct status {
    const char *sensor, *version;
    enum status_state state;
    struct ptime started, now; /* started: wall clock; now: packet time */
    uint64_t generation;       /* of the configuration in effect, from 1 */
    struct status_reload {
        bool known, ok;
        const char *text; /* why not, one line */
        struct ptime at;  /* wall clock */
    } last_reload;
    const struct status_worker *worker;
    size_t worker_count;
    const struct status_interface *interface;
    size_t interface_count;
    struct status_engine engine;
    struct status_redis {
        const char *url, *state; /* the URL's password is masked here */
        bool behind;             /* ready, and hours are still to be closed */
        bool away;               /* not ready */
        struct ptime since;      /* away: wall clock */
        const char *why;         /* away: one line */
        uint64_t pending;        /* commands without an answer yet */
        uint64_t refused;        /* commands that it did not take */
        uint64_t absences;       /* times it went */
        uint64_t hours_open, host_hours_open, hours_unlearned, unlearned_bytes, profiles_damaged;
        struct status_waits waits; /* bound_count 0: no connection */
    } redis;
    struct status_budget {
        double per_host_day;   /* alerts a host and day, as asked for and trimmed; NAN: not known */
        double trim;           /* … by this factor */
        double expected, told; /* of the day under way: alerts */
    } budget;
    const struct status_alerts *alerts;
    size_t alert_count;
    const struct status_api *api; /* at most STATUS_APIS */
    size_t api_count;
    const struct console_counts *console; /* NULL: there is none */
    struct status_journal {
        uint64_t last, durable;              /* sequence numbers: appended, synced */
        uint64_t segments, bytes;            /* on the disk */
        uint64_t deleted, deleted_untold;    /* segments; records that a sink had not been told */
        uint64_t failures;                   /* times that appending or syncing failed */
        uint64_t held, held_bytes, given_up; /* records: in memory for want of a disk; no more */
        bool trouble;                        /* it cannot be written, or soon cannot */
    } journal;
    struct status_courier { /* the process of the sinks */
        pid_t pid;          /* 0: none now */
        enum status_worker_state state;
        uint64_t restarts;
        const char *last_death; /* one line, or NULL */
    } courier;
    const struct bus_status *sink;
    size_t sink_count;
    struct status_evidence {
        bool enabled;
        pid_t pid; /* of the keeper; 0: none now */
        uint64_t restarts;
        const char *last_death; /* one line, or NULL */
        /* what capture held, since its processes began */
        uint64_t held_packets, held_bytes, overwritten; /* overwritten: packets, as it is meant */
        struct ptime oldest;                            /* packet that is held; PTIME_MAX: none */
        uint64_t open, incidents, packets, bytes;       /* kept; open and incidents: now */
        uint64_t missed, beyond, beyond_incidents, removed, removed_for_room, failures;
    } evidence;
    const char *const *judged; /* what is alerted on now, and what still learns; a line each */
    size_t judged_count;
    const char *const *learning;
    size_t learning_count;
    const struct health *coverage;   /* summed over the workers, since the start */
    const struct bound_count *bound; /* what reached a bound in the engine */
    size_t bound_count;
    const char *const *blind; /* what the sensor does not see now, a line each */
    size_t blind_count;
};

/* One line. Caller frees; the writer is empty before and after. */
char *status_json(struct json *json, const struct status *status);

#endif
