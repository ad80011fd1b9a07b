/* What the journal tells, read back for people: its records taken apart, and incidents put together
 * from their alerts. Bounds: TOLD_MAX incidents; alerts of further ones are counted. Nothing is
 * taken on trust: a record that lacks what it should have is skipped and counted. Thread: any. */
#ifndef WEIR_INVESTIGATE_TOLD_H
#define WEIR_INVESTIGATE_TOLD_H

#include "weir/alert/noise.h"

#define TOLD_MAX   20000u
#define TOLD_RULES 8
#define TOLD_HOST  64
#define TOLD_NAME  260

enum told_kind_of { TOLD_ALERT, TOLD_HEARTBEAT, TOLD_ACT, TOLD_OTHER };

/* One record; texts borrowed from `root`, "" where there is none. */
struct told_record {
    struct json_value *root;
    enum told_kind_of kind;
    struct ptime time;
    /* TOLD_ALERT */
    struct ptime start, end; /* what it speaks of */
    const char *incident, *rule, *state, *sight, *text;
    char host[TOLD_HOST], destination[TOLD_NAME];
    int64_t score;
    enum urgency urgency;
    bool sensor;             /* of the sensor itself */
    uint64_t out_bytes;      /* of the story so far */
    const char *silence;     /* id of the silence that holds, or "" */
    uint64_t silenced_bytes; /* newly left, under it */
    bool quiet;
    /* TOLD_ACT */
    const char *action, *by, *message;
    /* TOLD_HEARTBEAT */
    int64_t hosts, hosts_ready;
};

/* False: it is no record of ours. told_record_fini either way. */
bool told_record_read(struct told_record *record, const char *line, size_t size);
void told_record_fini(struct told_record *record);
/* Without taking the line apart: whether it is of `from` or later ("2026-03-02T01:04:07.201Z"). */
bool told_is_since(const char *line, size_t size, const char *from);

struct told_incident {
    char id[ALERT_ID_SIZE], host[TOLD_HOST], destination[TOLD_NAME], sight[SILENCE_NAME_SIZE];
    char rule[TOLD_RULES][64]; /* that spoke, the first TOLD_RULES */
    size_t rule_count;
    char text[256]; /* the first reason of its gravest alert, of equals the latest */
    int64_t score;
    enum urgency urgency;
    bool sensor, active;      /* active: its last alert did not close it */
    bool budgeted;            /* a detector spoke that the budget is for */
    struct ptime first, last; /* of its alerts */
    struct ptime start, end;  /* of what they speak of */
    struct ptime spoke;       /* its last one that did not close it */
    uint64_t alerts, silenced, quiet, out_bytes, silenced_bytes;
};

struct told {
    struct map incidents;            /* id → struct told_incident */
    uint64_t alerts, beyond, unread; /* beyond: of incidents that found no room */
};

void told_init(struct told *told);
void told_fini(struct told *told);
void told_add(struct told *told, const struct told_record *record); /* alerts; others are ignored */
/* By urgency, score (both falling), first alert, id. Caller frees the array. */
const struct told_incident **told_sorted(const struct told *told, size_t *count);
/* The incident of "inc-012345", or of its id's first letters. NULL: none, or several (`several`).
 */
const struct told_incident *told_find(const struct told *told, const char *name, bool *several);

/* What people made of it. TOLD_OPEN: nobody looked; TOLD_AGAIN: it spoke after its verdict. */
enum told_standing { TOLD_OPEN, TOLD_AGAIN, TOLD_ACKNOWLEDGED, TOLD_CLOSED };
enum told_standing told_standing_of(const struct told_incident *incident,
                                    const struct noise_mark *mark);

#endif
