/* What the journal tells, read back for people: its records taken apart, and incidents put together
 * from their alerts. Bounds: RETOLD_MAX incidents; when there are more, the half of them silent
 * longest gives way, and its alerts are counted. Nothing is taken on trust: a record that lacks
 * what it should have is skipped and counted. Thread: any. */
#ifndef WEIR_INVESTIGATE_RETOLD_H
#define WEIR_INVESTIGATE_RETOLD_H

#include "weir/alert/noise.h"

#define RETOLD_MAX   20000u
#define RETOLD_RULES 8
#define RETOLD_HOST  64
#define RETOLD_NAME  260

enum retold_kind_of { RETOLD_ALERT, RETOLD_HEARTBEAT, RETOLD_ACT, RETOLD_OTHER };

/* One record; texts borrowed from `root`, "" where there is none. */
struct retold_record {
    struct json_value *root;
    enum retold_kind_of kind;
    struct ptime time;
    /* RETOLD_ALERT */
    struct ptime start, end; /* what it speaks of */
    const char *incident, *rule, *state, *sight, *text;
    char host[RETOLD_HOST], destination[RETOLD_NAME];
    int64_t score;
    enum urgency urgency;
    bool sensor;             /* of the sensor itself */
    uint64_t out_bytes;      /* of the story so far */
    const char *silence;     /* id of the silence that holds, or "" */
    struct ptime until;      /* … and when that is over */
    uint64_t silenced_bytes; /* newly left, under it */
    bool quiet;
    /* RETOLD_ACT */
    const char *action, *by, *message;
    /* RETOLD_HEARTBEAT */
    int64_t hosts_ready;
};

/* False: it is no record of ours. retold_record_fini either way. */
bool retold_record_read(struct retold_record *record, const char *line, size_t size);
void retold_record_fini(struct retold_record *record);
/* Without taking the line apart: whether it is of `from` or later ("2026-03-02T01:04:07.201Z"). */
bool retold_is_since(const char *line, size_t size, const char *from);

struct retold_incident {
    char id[ALERT_ID_SIZE], host[RETOLD_HOST], destination[RETOLD_NAME], sight[SILENCE_NAME_SIZE];
    char rule[RETOLD_RULES][64]; /* that spoke, the first RETOLD_RULES */
    size_t rule_count;
    char text[256]; /* the first reason of its gravest alert, of equals the latest */
    int64_t score;
    enum urgency urgency;
    bool sensor, active;      /* active: its last alert did not close it */
    bool budgeted;            /* a detector spoke that the budget is for */
    struct ptime first, last; /* of its alerts */
    struct ptime start, end;  /* of what they speak of */
    struct ptime spoke;       /* its last one that did not close it */
    uint64_t alerts, silenced, out_bytes;
    char silence[NOISE_ID]; /* what held back the latest of those, and until when */
    struct ptime until;
};

struct retold {
    struct map incidents;    /* id → struct retold_incident */
    uint64_t alerts, beyond; /* beyond: of incidents that gave way */
};

/* Fused rows (detector.h) are what the alert budget is for. */
bool retold_is_budgeted(const char *rule);

void retold_init(struct retold *told);
void retold_fini(struct retold *told);
void retold_add(struct retold *told,
                const struct retold_record *record); /* alerts; others are ignored */
/* By urgency, score (both falling), first alert, id. Caller frees the array. */
const struct retold_incident **retold_sorted(const struct retold *told, size_t *count);
bool retold_is_named(const char *id, const char *name); /* as retold_find would */
/* The incident of "inc-012345", or of its id's first letters. NULL: none, or several (`several`).
 */
const struct retold_incident *retold_find(const struct retold *told, const char *name,
                                          bool *several);

/* Into the object that is open: urgency, score, whom it is about, the rules that spoke. */
void retold_put(struct json *json, const struct retold_incident *incident);

/* What people made of it. RETOLD_OPEN: nobody looked; RETOLD_AGAIN: it spoke after its verdict. */
enum retold_standing { RETOLD_OPEN, RETOLD_AGAIN, RETOLD_ACKNOWLEDGED, RETOLD_CLOSED };
enum retold_standing retold_standing_of(const struct retold_incident *incident,
                                        const struct noise_mark *mark);

#endif
