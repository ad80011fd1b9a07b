/* weir explain's own layout. */
#ifndef SENSOR_INVESTIGATE_EXPLAIN_H
#define SENSOR_INVESTIGATE_EXPLAIN_H

#include "weir/investigate/explain.h"

#include "weir/alert/alert.h"
#include "weir/alert/line.h"

#define EXPLAIN_FIRST   8 /* of EXPLAIN_RAISES */
#define EXPLAIN_OTHERS  8 /* incidents that a short id may mean as well: so many are named */
#define EXPLAIN_TEXT    96
#define EXPLAIN_MESSAGE 512

struct explain_raise {
    char id[ALERT_ID_SIZE], time[32], rule[EXPLAIN_TEXT], state[16], urgency[16];
    int64_t score, out_bytes; /* −1: none */
};

struct explain_person {
    char time[32], user[EXPLAIN_TEXT], action[EXPLAIN_TEXT], message[EXPLAIN_MESSAGE];
};

struct explain {
    char wanted[ALERT_ID_SIZE]; /* an id, or the beginning of an incident's */
    bool shortened;             /* "inc-…" */
    bool is_alert;              /* one alert is meant, not all of its incident */
    enum line_kind other;       /* a record of this kind has the id: no alert; LINE_OTHER: none */
    char incident[EXPLAIN_OTHERS][ALERT_ID_SIZE];
    size_t incidents;                     /* 1: found */
    struct json_value *row[EXPLAIN_ROWS]; /* records, in the order in which their detectors spoke */
    size_t rows;
    uint64_t rows_more; /* alerts of further detectors */
    struct explain_raise raise[EXPLAIN_RAISES];
    uint64_t raises; /* in all; those beyond EXPLAIN_FIRST stand in a ring */
    struct explain_person person[EXPLAIN_PEOPLE];
    uint64_t people; /* in all; a ring */
};

/* The n-th of `raises` or `people`; NULL: it was let go. */
const struct explain_raise *explain_raise_at(const struct explain *explain, uint64_t n);
const struct explain_person *explain_person_at(const struct explain *explain, uint64_t n);
/* What the row of this id sees and its usual false alarms; NULL: no such row here. */
const char *explain_detector(const char *id, const struct rules *rules);

#endif
