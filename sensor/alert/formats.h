/* The rows of the table of formats. */
#ifndef SENSOR_ALERT_FORMATS_H
#define SENSOR_ALERT_FORMATS_H

#include "weir/alert/format.h"

extern const struct line_format format_cef, format_ecs, format_eve, format_ocsf, format_text;

#endif
