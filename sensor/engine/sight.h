/* What the sensor sees of the network, by subject: the whole tap, each direction, each VLAN, each
 * host. A subject that always spoke and is silent now is a blindness of the sensor until somebody
 * shows otherwise.
 *
 *   usual     active in ≥ 90 % of the last 60 slots of 10 s (of those since it was first seen, at
 *             least 6), as of its last sign of life
 *   blind     usual, and silent for ≥ max(30 s, 3 × its longest silence of the last hour)
 *   hosts     half of the usual hosts (of at least 10) silent for ≥ 40 s at once: 30 s, and what
 *             may not yet be reported
 *   gone      silent for an hour: no longer usual, forgotten (not the tap: nothing else is left)
 *
 * All of it in packet time. Live only. Bounds: 4,096 VLANs, further ids are counted and not
 * watched; hosts are the engine's, which are bounded by max_hosts. Engine thread. */
#ifndef WEIR_ENGINE_SIGHT_H
#define WEIR_ENGINE_SIGHT_H

#include "weir/detect/silence.h"
#include "weir/engine/engine.h"

#define SIGHT_SLOT_NS   (10 * NS_PER_S)
#define SIGHT_LOOK_NS   (5 * NS_PER_S) /* looks fall on multiples of it */
#define SIGHT_SILENT_NS (30 * NS_PER_S)
#define SIGHT_GONE_NS   NS_PER_HOUR
#define SIGHT_SLOTS     60
#define SIGHT_SLOTS_MIN 6
#define SIGHT_HOSTS_MIN 10
#define SIGHT_VLANS     4096
#define SIGHT_BINS      6 /* of ten minutes: the longest silences of the last hour */

struct sign {          /* one subject's signs of life; zero: never seen */
    uint32_t slots;    /* watched so far, at most SIGHT_SLOTS */
    int64_t slot;      /* the latest with a sign */
    uint64_t active;   /* bit n: there was a sign in slot − n */
    struct ptime last; /* sign of life */
    int64_t bin;       /* of longest_ns that is filled now */
    int64_t longest_ns[SIGHT_BINS];
    bool usual;              /* as of `last` */
    bool blind;              /* told, and its end is not */
    struct ptime from, back; /* of the blindness; back PTIME_MAX: it lasts */
};

struct sight_host { /* in each host of the engine */
    struct sign sign;
    uint16_t vlan; /* it was last seen in */
    bool listed;
    struct sight_host *next;
};

struct sight {
    struct ptime next;  /* look; PTIME_MIN before the first */
    struct ptime floor; /* the tap came back then: no other silence reaches behind it */
    struct sign tap, direction[2];
    struct sign *vlan; /* SIGHT_VLANS */
    struct sight_host *hosts;
    struct silence hosts_silent; /* while hosts_blind */
    bool hosts_blind;
    struct ptime health[ENGINE_WORKERS_MAX]; /* each worker's last report */
    uint64_t vlans_unwatched;                /* records of a VLAN id beyond the bound */
};

void sight_init(struct sight *sight);
void sight_fini(struct sight *sight);
/* A flow record; `host` NULL: of no host worth watching. */
void sight_flow(struct sight *sight, const struct record_flow *record, enum scope scope,
                struct sight_host *host);
/* A worker's report; `grew`: it read packets since the one before. */
void sight_health(struct sight *sight, uint32_t worker, struct ptime time, bool grew);
/* Nobody watched until then: no silence reaches behind it. */
void sight_skip(struct sight *sight, struct ptime until);
/* The next look that is due by `now`, if there is one. */
bool sight_due(struct sight *sight, struct ptime now, struct ptime *at);
/* Looks at `at` (of sight_due): every silence that begins to be one or ends is told once, in a
 * fixed order. */
void sight_look(struct sight *sight, struct ptime at,
                void (*tell)(void *context, const struct silence *silence), void *context);

#endif
