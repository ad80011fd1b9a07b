/* What is told when the journal cannot be written, as an alert of sensor.blind: the sight that is
 * lost is "journal". Pure but for the writer it is handed. */
#ifndef WEIR_ALERT_JOURNAL_TROUBLE_H
#define WEIR_ALERT_JOURNAL_TROUBLE_H

#include "weir/alert/alert.h"

struct journal_trouble {
    const char *sensor;
    struct ptime since, time; /* packet time of the records at hand */
    bool over;                /* it can be written again */
    const char *why;          /* one line */
    uint64_t held, given_up;  /* records that wait in memory; that were given up for room there */
};

/* One ECS line without newline; caller frees. event.id is a hash of `since` and `over`. */
char *journal_trouble_line(struct json *json, const struct journal_trouble *trouble);

#endif
