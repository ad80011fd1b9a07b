/* For noise_order.c: an audit record with what was before and what is now. */
#ifndef SENSOR_ALERT_NOISE_AUDIT_H
#define SENSOR_ALERT_NOISE_AUDIT_H

#include "weir/alert/noise.h"

struct noise_change { /* NULL: none */
    const struct noise_silence *before, *after;
    const struct noise_mark *mark_before, *mark_after;
};

char *noise_audit_change(const struct noise_act *act, const struct noise_change *change);

#endif
