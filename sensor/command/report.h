/* What `weir report` and `weir replay -o` share. Thread: the main thread. */
#ifndef SENSOR_COMMAND_REPORT_H
#define SENSOR_COMMAND_REPORT_H

#include "weir/investigate/report.h"

/* report.html and report.json of all that a replay left in `folder`. */
int report_write_case(const char *folder, struct calendar *calendar, const char *timezone,
                      enum report_language language, struct error *error);
/* "en", "ja"; NULL: English. */
int report_read_language(const char *text, enum report_language *language, struct error *error);
/* A list of addresses, one a line, "#" before remarks; hashed as a replay hashes what it finds. */
int report_read_list(const char *path, struct contains *contains, struct error *error);

#endif
