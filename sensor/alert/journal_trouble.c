/* See weir/alert/journal_trouble.h. The incident is one of the sensor's own, so its id has the
 * sensor's name for a host, and it begins at `since`: the line that opens it and the one that
 * closes it belong together. Thread: the engine's. */
#include "weir/alert/journal_trouble.h"

#include "ids.h"
#include "weir/detect/detector.h"

#include <inttypes.h>
#include <stdio.h>

#define SIGHT         "journal"
#define JOURNAL_SCORE 90 /* somebody is woken: what is raised from now on may be lost */

static void write_reason(struct finding *finding, const struct journal_trouble *trouble)
{
    struct reason *reason = &finding->reason[0];
    reason->code = "sensor.blind.journal";
    reason->observed = (double)trouble->given_up;
    reason->unit = "record";
    reason->weight = 1;
    reason->samples = (double)(trouble->held + trouble->given_up);
    snprintf(reason->text, sizeof reason->text,
             trouble->over ? "the journal is written again; it was not: %.140s; %" PRIu64
                             " records were given up"
                           : "the journal cannot be written, alerts may be lost: %.140s; %" PRIu64
                             " records given up so far",
             trouble->why, trouble->given_up);
    finding->reason_count = 1;
}

char *journal_trouble_line(struct json *json, const struct journal_trouble *trouble)
{
    struct alert alert = {.raise = trouble->over,
                          .state = trouble->over ? INCIDENT_CLOSE : INCIDENT_OPEN,
                          .time = trouble->time,
                          .mode = "online",
                          .sensor = trouble->sensor};
    alert.finding.detector = detector_get("sensor.blind");
    alert.finding.score = JOURNAL_SCORE;
    alert.finding.urgency = urgency_of(alert.finding.detector, JOURNAL_SCORE);
    write_reason(&alert.finding, trouble);
    alert.story.first = trouble->since;
    alert.story.last = trouble->time;
    snprintf(alert.story.sight, sizeof alert.story.sight, "%s", SIGHT);
    incident_id(&alert.story, trouble->sensor, alert.incident);
    alert_id(alert.incident, alert.finding.detector->id, alert.raise, alert.id);
    return alert_line(json, &alert);
}
