/* See weir/alert/severity.h. */
#include "weir/alert/severity.h"

const char *const severity_name[SEVERITIES] = {"informational", "low", "medium", "high",
                                               "critical"};

enum severity alert_severity(int64_t score)
{
    static const int from[SEVERITIES] = {0, 20, 50, 70, 85};
    enum severity severity = SEVERITY_CRITICAL;
    while (severity > SEVERITY_INFORMATIONAL && score < from[severity])
        severity--;
    return severity;
}
