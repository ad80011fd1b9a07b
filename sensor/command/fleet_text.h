/* How sensors that share a store stand, for people and for programs. Pure, but for the calendar. */
#ifndef WEIR_COMMAND_FLEET_TEXT_H
#define WEIR_COMMAND_FLEET_TEXT_H

#include "weir/base/buffer.h"
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

void fleet_put_status(const struct fleet_view *view, struct buffer *out);
void fleet_put_sensors(const struct fleet_view *view, struct buffer *out);
void fleet_put_lag(const struct fleet_view *view, struct buffer *out);
/* Of the last two a line an element. */
void fleet_json_status(const struct fleet_view *view, struct buffer *out);
void fleet_json_sensors(const struct fleet_view *view, struct buffer *out);
void fleet_json_lag(const struct fleet_view *view, struct buffer *out);

#endif
