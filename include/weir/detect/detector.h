/* A detector is one file and one row of a table: it looks at a subject and may return a finding.
 *
 * Two kinds of row. A fused one (`tell`) is about components of a host's evidence of the day, which
 * are judged together (fusion.h): the row whose component says most is the alert's, and puts its
 * components into words. An absolute one needs no past: it provides `judge` and fills the finding
 * itself. Absolute rows stand outside the budget. Pure: a detector keeps no state; the same subject
 * gives the same finding. Engine thread. */
#ifndef WEIR_DETECT_DETECTOR_H
#define WEIR_DETECT_DETECTOR_H

#include "weir/baseline/seen.h"
#include "weir/baseline/survival.h"
#include "weir/detect/counted.h"
#include "weir/detect/silence.h"
#include "weir/detect/sweep.h"
#include "weir/detect/tunnel.h"
#include "weir/detect/zones.h"
#include "weir/record/record.h"

#include <stdbool.h>

#define FINDING_REASONS 4
#define URGENT_SCORE    85 /* now, of rows that wake; else shift */
#define SHIFT_SCORE     50

enum subject_kind {
    SUBJECT_HOST,        /* a host's running hour and day */
    SUBJECT_DESTINATION, /* a host and a destination it opened to */
    SUBJECT_SERVED,      /* an inside server and an outside client network */
    SUBJECT_CONTENT,     /* what inspection counted for a host and a destination */
    SUBJECT_SENSOR,      /* the sensor's own sight over an interval */
    SUBJECT_ECHOES,      /* ICMP echo payloads of a host and an address: tunnel.h */
    SUBJECT_FLOW,        /* what one flow said of itself: tunnel.h */
    SUBJECT_QUESTIONS,   /* what was asked for under a domain: tunnel.h */
    SUBJECT_SWEEP,       /* what a client network asked of an inside server: sweep.h */
    SUBJECT_RULE,        /* a story, as an operator's rule or list speaks of it */
    SUBJECT_ZONE,        /* a flow at the border of a zone: zones.h */
    SUBJECTS
};

struct detect_config {
    double alerts_per_100_hosts_per_day; /* default 1 */
    double alerts_per_day;               /* in all, instead; 0: not given */
    int learn_days;                      /* default 7 */
};
struct detect_config detect_config_default(void);

struct told_kind;

struct subject {
    enum subject_kind kind;
    const struct detect_config *config;
    struct civil civil; /* the hour being judged */
    /* SUBJECT_HOST, _DESTINATION, _SERVED, _CONTENT: */
    const struct profile *host;            /* NULL: unknown until this hour */
    const struct destination *destination; /* not for SUBJECT_HOST */
    const struct pair *pair;               /* NULL: never met in a closed hour */
    const struct fleet *fleet;
    enum baseline_state state; /* of the host */
    /* SUBJECT_HOST, `host` NULL: its past is in the store and has not come, or cannot be read. Rows
     * that say so (by_peers) judge it by its peers meanwhile. */
    bool awaited;
    struct volume hour, day; /* running totals of host or pair; day includes the open hour */
    struct volume week;      /* pairs in their first 7 days: everything so far */
    /* SUBJECT_CONTENT: */
    const struct counted *counted;       /* distinct, seen leaving in this story */
    uint64_t inspected_bytes, gap_bytes; /* of the content it was counted in */
    /* SUBJECT_SENSOR: a silence or an absence; NULL: what was counted over the interval
     * (differences of health records) */
    const struct silence *silence;
    struct health interval;
    struct ptime interval_start, interval_end;
    /* SUBJECT_QUESTIONS */
    const struct asked_names *asked;
    /* SUBJECT_ECHOES */
    const struct echoes *echoes;
    /* SUBJECT_FLOW, with host, destination and pair */
    const struct spoken *spoken;
    /* SUBJECT_SWEEP */
    const struct sweep *sweep;
    /* SUBJECT_ZONE */
    const struct zoned_flow *zoned;
};

struct reason {
    const char *code; /* static: detector id or a finer name, e.g. "volume.served.new_network" */
    double observed;
    double expected[2]; /* 0, 0: nothing was observed before */
    const char *unit;   /* static: "byte", "address", "share", "packet", "s" */
    double p;           /* the share of host-days with as much; 0: not a probability (absolute) */
    double weight;      /* share of the evidence, the weights of a finding sum to 1 */
    double samples;
    char text[256]; /* one sentence for people, in observed terms ("largest of 340 host-days") */
};

enum urgency { URGENCY_DIGEST, URGENCY_SHIFT, URGENCY_NOW, URGENCIES };
extern const char *const urgency_name[URGENCIES];

/* What was done, where one row finds several things (zone.conduit); ATT&CK for ICS. */
enum finding_as {
    AS_ROW,         /* as the row has it */
    AS_COMMAND,     /* something was written, or ordered */
    AS_MONITORING,  /* something was read */
    AS_APPLICATION, /* what everybody speaks with the outside: DNS, TLS, mail, … */
    AS_EXPOSED,     /* the outside opened */
    AS_REMOTE,      /* another part of the site opened */
    FINDING_AS
};

struct finding {
    const struct detector *detector;
    double p; /* fused: how rare so much evidence is a host and day; absolute: 0 */
    double
        evidence; /* fused: E; or the absolute row's own growing measure; raised again at × 1.3 */
    int score;    /* 0–100 */
    enum urgency urgency; /* by stated criteria (docs/detection.md), apart from the budget */
    bool by_peers;        /* of a host that is awaited: its own past was not there to be asked */
    uint8_t as;           /* enum finding_as */
    struct reason reason[FINDING_REASONS];
    size_t reason_count;
    struct seen_by seen; /* by which sensors (seen_by.h); of none: by this one */
    double needs;        /* would not fire below this */
    const char *needs_unit;
};

struct detector {
    const char *id, *name;
    enum subject_kind kind;
    const char *tactic, *technique, *subtechnique; /* ATT&CK ids; NULL where none is honest */
    bool needs_history;                            /* not asked while the host is learning */
    bool by_peers;        /* … but of one that is awaited: then without a profile */
    bool wakes;           /* from URGENT_SCORE on somebody is woken (URGENCY_NOW) */
    const char *explains; /* what it sees, its units, its known false alarms */
    /* Fused: the reason's code and text (its figures are filled in). */
    void (*tell)(const struct told_kind *told, struct reason *reason);
    /* Absolute: false where it cannot fire, by a glance; NULL: it is asked. */
    bool (*may)(const struct subject *subject);
    /* … true when it fires. */
    bool (*judge)(const struct subject *subject, struct finding *finding);
};

/* NULL-terminated: host, pairs, content, the sensor itself. */
extern const struct detector *const detectors[];

const struct detector *detector_get(const char *id);
/* Asks one absolute row; false: nothing to say. */
bool detector_ask(const struct detector *detector, const struct subject *subject,
                  struct finding *finding);
/* ATT&CK's ids for what was found; NULL where none is honest. */
struct technique {
    const char *tactic, *technique, *subtechnique;
};
struct technique finding_technique(const struct finding *finding);
/* Score = clamp(50 + 17.5·log10(.01/p), 0, 100): 85, which wakes somebody, is one host-day in ten
 * thousand. */
int score_of_p(double p);
enum urgency urgency_of(const struct detector *detector, int score);

#endif
