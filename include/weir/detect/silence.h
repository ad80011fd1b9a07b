/* What the sensor did not see because nothing came, or because a part of it was away: the subject
 * of sensor.blind when it is not counted losses. Whether a silence is unusual is decided by who
 * keeps the past (engine/sight.h); here it is named and put into words. Plain data. Thread: any. */
#ifndef WEIR_DETECT_SILENCE_H
#define WEIR_DETECT_SILENCE_H

#include "weir/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum silence_kind {
    SILENT_TAP,    /* no packets at all */
    SILENT_OUT,    /* none from inside to outside, while others come */
    SILENT_IN,     /* none from outside to inside */
    SILENT_VLAN,   /* none of one VLAN */
    SILENT_HOSTS,  /* half of the usual hosts at once */
    ABSENT_WORKER, /* a capture process died or hung */
    ABSENT_SENSOR, /* the sensor was not running */
    SILENCES
};

struct silence {
    enum silence_kind kind;
    struct ptime from;  /* last sign of life */
    struct ptime until; /* over: the next one; gone or lasting: so far */
    bool over;
    bool lasting;        /* ABSENT_WORKER: it is still away */
    bool gone;           /* so long that it is no longer expected: the end of the story too */
    int64_t longest_ns;  /* SILENT_TAP to _VLAN: of the last hour before */
    int64_t needs_ns;    /* a silence is told from here on */
    uint16_t vlan;       /* SILENT_VLAN; 0: untagged */
    uint32_t hosts, of;  /* SILENT_HOSTS: silent ones, usual ones */
    uint32_t worker;     /* ABSENT_WORKER */
    const char *why;     /* ABSENT_WORKER: "died (signal 9)"; borrowed */
    uint64_t flows_lost; /* ABSENT_WORKER: open flows that were closed as lost */
};

#define SILENCE_NAME_SIZE 32
/* "tap", "direction out", "vlan 20", "hosts", "worker 0 1772413447201000000", "engine …": one
 * absence is one story, so its start is part of the name. Returns `name`. */
char *silence_name(const struct silence *silence, char name[SILENCE_NAME_SIZE]);

#endif
