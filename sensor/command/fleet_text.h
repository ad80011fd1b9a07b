/* How sensors that share a store stand, for people and for programs. Pure, but for the calendar. */
#ifndef WEIR_COMMAND_FLEET_TEXT_H
#define WEIR_COMMAND_FLEET_TEXT_H

#include "weir/base/buffer.h"
#include "weir/baseline/fleet_view.h"

void fleet_put_status(const struct fleet_view *view, struct buffer *out);
void fleet_put_sensors(const struct fleet_view *view, struct buffer *out);
void fleet_put_lag(const struct fleet_view *view, struct buffer *out);
/* Of the last two a line an element. */
void fleet_json_status(const struct fleet_view *view, struct buffer *out);
void fleet_json_sensors(const struct fleet_view *view, struct buffer *out);
void fleet_json_lag(const struct fleet_view *view, struct buffer *out);

#endif
