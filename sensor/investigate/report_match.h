/* Whether a host or a destination is the one that was asked for. Pure. */
#ifndef SENSOR_INVESTIGATE_REPORT_MATCH_H
#define SENSOR_INVESTIGATE_REPORT_MATCH_H

#include <stdbool.h>

/* The same address however it is written, an address of the prefix that is asked for, or the same
 * device. */
bool match_host(const char *asked, const char *host);
/* The same name or a name under it; addresses and prefixes where either lies in the other. "" is
 * none. */
bool match_destination(const char *asked, const char *destination);

#endif
