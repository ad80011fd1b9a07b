/* sensor.heartbeat: one line now and then that says "I am here, this is what I see". A sink whose
 * heartbeat stops knows that silence is not peace. Not an alert: event.kind is "metric". Engine
 * thread. */
#ifndef WEIR_ALERT_HEARTBEAT_H
#define WEIR_ALERT_HEARTBEAT_H

#include "weir/alert/incident.h"

#include <stddef.h>

struct heartbeat {
    struct ptime time; /* packet time */
    const char *sensor;
    uint64_t packets, wire_bytes; /* since the workers' start, as all counts here */
    uint64_t drops;               /* packets, of kernel and interface */
    uint64_t gap_bytes;           /* TCP payload not seen */
    uint32_t hosts, hosts_ready;  /* met; of these, with a baseline that is ready */
    uint64_t incidents_open, alerts, records;
    uint32_t workers;
    struct heartbeat_store {
        const char *state;  /* "ready", "reads only", "away" */
        bool learning;      /* ready, and nothing is left to be learned of while it was not */
        struct ptime since; /* not learning: packet time it went; PTIME_MIN: not known */
        const char *why;    /* one line, "" */
        uint64_t hours, unlearned; /* that are open; that waited too long and are not learned */
    } store;
};

/* One ECS line without newline; caller frees. event.id is a hash of sensor and time. What the open
 * incidents of the sensor say is not seen now is listed as weir.blind, by name. */
char *heartbeat_line(struct json *json, const struct heartbeat *beat,
                     const struct incidents *incidents);

#endif
