/* Of the metrics, what was told: alerts by who spoke, how urgently and how severe, and the budget.
 * Thread: any (pure). */
#include "metrics_put.h"

#include <math.h>

static void put_alerts(struct buffer *out, const struct status *status)
{
    static const char *const urgency[STATUS_URGENCIES] = {"digest", "shift", "now"};
    metrics_family(out, "weir_alerts_total", metrics_counter,
                   "Alerts since the engine's process began, by detector or rule and by urgency.");
    for (size_t i = 0; i < status->alert_count; i++)
        for (size_t k = 0; k < STATUS_URGENCIES; k++) {
            metrics_label(out, "weir_alerts_total{", "detector", status->alerts[i].detector);
            metrics_label(out, ",", "urgency", urgency[k]);
            buffer_u8(out, '}');
            metrics_whole(out, status->alerts[i].alerts[k]);
        }
    metrics_family(out, "weir_alerts_by_severity_total", metrics_counter,
                   "The same alerts, by detector or rule and by severity.");
    for (size_t i = 0; i < status->alert_count; i++)
        for (int k = 0; k < SEVERITIES; k++) {
            metrics_label(out, "weir_alerts_by_severity_total{", "detector",
                          status->alerts[i].detector);
            metrics_label(out, ",", "severity", severity_name[k]);
            buffer_u8(out, '}');
            metrics_whole(out, status->alerts[i].severity[k]);
        }
}

static void put_budget(struct buffer *out, const struct status_budget *budget)
{
    if (isnan(budget->per_host_day))
        return;
    metrics_gauge(out, "weir_budget_alerts_per_host_day",
                  "Alerts a host and day: as asked for, and trimmed by what was told.",
                  budget->per_host_day);
    metrics_gauge(out, "weir_budget_trim_ratio", "The factor it is trimmed by.", budget->trim);
    metrics_gauge(out, "weir_budget_day_alerts", "Alerts asked for in the day under way, so far.",
                  budget->expected);
    metrics_gauge(out, "weir_budget_day_spent_alerts", "Alerts of it that were told.",
                  budget->told);
}

void metrics_alerts(struct buffer *out, const struct status *status)
{
    put_alerts(out, status);
    put_budget(out, &status->budget);
}
