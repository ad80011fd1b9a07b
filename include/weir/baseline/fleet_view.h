/* What the store says of the sensors that share it, as people read it: who is at work, behind,
 * stuck or silent, and who is waited for. Pure, but for the calendar. */
#ifndef WEIR_BASELINE_FLEET_VIEW_H
#define WEIR_BASELINE_FLEET_VIEW_H

#include "weir/base/calendar.h"
#include "weir/base/json.h"
#include "weir/baseline/store_overview.h"

enum fleet_state {
    FLEET_WORKS,  /* complete through the last hour that is due */
    FLEET_BEHIND, /* not yet */
    FLEET_STUCK,  /* it gives signs of life and does not get on */
    FLEET_SILENT, /* no sign of life */
    FLEET_STATES
};
extern const char *const fleet_state_name[FLEET_STATES];

struct fleet_view {
    struct calendar *calendar;
    const struct store_overview *overview;
    int64_t due;    /* the last hour that is over, and may be closed when all are complete */
    int64_t waited; /* up to it others were waited for long enough; STORE_NO_HOUR: none */
};

struct fleet_view fleet_view_of(struct calendar *calendar, const struct store_overview *overview);
enum fleet_state fleet_state_of(const struct fleet_view *view, const struct store_sensor *sensor);
/* Hours that are due and of which it said nothing final; 0 where it never said any. */
uint64_t fleet_hours_behind(const struct fleet_view *view, const struct store_sensor *sensor);
bool fleet_is_alive(const struct store_sensor *sensor);
bool fleet_is_complete(const struct store_sensor *sensor, int64_t hour);
/* Its state, signs of life, lag and clock, into an open object. */
void fleet_json_sensor(struct json *json, const struct fleet_view *view,
                       const struct store_sensor *sensor);

#endif
