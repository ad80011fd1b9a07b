/* A score in five steps, by the names that OCSF gives them. Pure. Any thread. */
#ifndef WEIR_ALERT_SEVERITY_H
#define WEIR_ALERT_SEVERITY_H

#include <stdint.h>

enum severity {
    SEVERITY_INFORMATIONAL, /* 0 to 19 */
    SEVERITY_LOW,           /* to 49 */
    SEVERITY_MEDIUM,        /* to 69 */
    SEVERITY_HIGH,          /* to 84 */
    SEVERITY_CRITICAL,
    SEVERITIES
};

extern const char *const severity_name[SEVERITIES]; /* "informational", … */
enum severity alert_severity(int64_t score);

#endif
