/* For backtest*.c only. */
#ifndef SENSOR_INVESTIGATE_BACKTEST_LOCAL_H
#define SENSOR_INVESTIGATE_BACKTEST_LOCAL_H

#include "weir/investigate/backtest.h"

#include "weir/base/map.h"

#define BACKTEST_WHY 320

struct backtest_alert {
    char id[ALERT_ID_SIZE], incident[ALERT_ID_SIZE];
    char host[RETOLD_HOST], destination[RETOLD_NAME], rule[64], text[256];
    struct ptime time;
    int64_t day; /* of the site, since 1970 */
    int64_t score;
    enum urgency urgency;
};

/* What becomes of an alert: in neither text nor list when it is the same in both. */
enum backtest_change { BACKTEST_GAINED, BACKTEST_LOST, BACKTEST_CHANGED, BACKTEST_CHANGES };

struct backtest_difference {
    enum backtest_change change;
    const struct backtest_alert *now, *proposed; /* one of them NULL, unless changed */
    char why[BACKTEST_WHY];
};

struct backtest_day {
    int64_t day;
    uint64_t told[BACKTEST_SIDES], budgeted[BACKTEST_SIDES];
    uint64_t changes[BACKTEST_CHANGES];
};

struct backtest_held {
    const struct rule_exception *exception;
};

struct backtest_half {
    const struct rules *rules;
    struct map alerts;    /* id → struct backtest_alert */
    struct map incidents; /* ids, as a set */
    struct map spent;     /* … of those in which a detector of the budget spoke */
    struct map held;      /* incident and detector → struct backtest_held */
    uint64_t told, beyond, held_beyond, damaged;
};

struct backtest {
    struct backtest_half half[BACKTEST_SIDES];
    struct backtest_difference *difference; /* by change, time, id */
    size_t difference_count;
    uint64_t changes[BACKTEST_CHANGES];
    struct backtest_day *day; /* in order, only days on which something is told */
    size_t day_count;
};

/* backtest_why.c */
void backtest_explain(const struct backtest *backtest, struct backtest_difference *difference);

#endif
