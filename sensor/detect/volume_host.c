/* volume.host: more left this host than its own past and its peers make likely, in the open hour or
 * in the day so far. An hour counts with the share of such hours in which the host sends at all, so
 * a little at night may weigh more than much by day.
 *
 * While its own past is not there (the store has it, and does not give it), a host is judged by its
 * peers alone: by size, among all hosts' hours and days. That begins when the fleet has counted as
 * many host-days as make one false alarm at this row's threshold: less could not tell. What left
 * today in closed hours is not known then, so the day is what is open of it: less than it was. */
#include "rows.h"

#include <stdio.h>

#define HOURS_A_DAY 24

static uint64_t observed(const struct subject *subject)
{
    return subject->day.value;
}

static struct forms forms(const struct subject *subject, uint64_t bytes)
{
    uint64_t in_hour = subject->hour.value < bytes ? subject->hour.value : bytes;
    if (!subject->host)
        return forms_of(survival_absolute_hour(NULL, subject->fleet, &subject->civil, in_hour),
                        HOURS_A_DAY,
                        survival_absolute_day(NULL, subject->fleet, &subject->civil, bytes), 1);
    return forms_of(survival_host_hour(subject->host, subject->fleet, &subject->civil, in_hour),
                    HOURS_A_DAY,
                    survival_host_day(subject->host, subject->fleet, &subject->civil, bytes), 1);
}

static bool peers_can_tell(const struct subject *subject)
{
    double threshold = detector_threshold(&detector_volume_host, subject->config);
    return (double)survival_peer_days(subject->fleet) * threshold >= 1;
}

static bool estimate(const struct subject *subject, uint64_t bytes, struct estimate *estimate)
{
    if (!subject->host && !peers_can_tell(subject))
        return false;
    struct forms both = forms(subject, bytes);
    *estimate = forms_estimate(&both);
    return true;
}

static void describe_by_peers(const struct subject *subject, const struct forms *both,
                              const struct estimate *found, struct finding *finding)
{
    uint64_t bytes = both->by_hour ? subject->hour.value : subject->day.value;
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    struct reason *reason = reason_of(finding, "volume.host.peers", bytes, found);
    snprintf(reason->text, sizeof reason->text,
             "%s left this host in this %s, which is not yet known by its own past; of all hosts%s",
             bytes_text(bytes, amount), both->by_hour ? "hour" : "day",
             usual_text(found, both->by_hour ? "active host-hours" : "active host-days", usual));
}

static void describe(const struct subject *subject, const struct estimate *found,
                     struct finding *finding)
{
    struct forms both = forms(subject, subject->day.value);
    if (!subject->host) {
        describe_by_peers(subject, &both, found, finding);
        return;
    }
    uint64_t bytes = both.by_hour ? subject->hour.value : subject->day.value;
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    struct reason *reason =
        reason_of(finding, both.by_hour ? "volume.host.hour" : "volume.host.day", bytes, found);
    bytes_text(bytes, amount);
    usual_text(found, both.by_hour ? "active host-hours" : "active host-days", usual);
    snprintf(reason->text, sizeof reason->text, "%s left this host in this %s%s", amount,
             both.by_hour ? "hour" : "day", usual);
}

const struct detector detector_volume_host = {
    .id = "volume.host",
    .name = "More left a host than usual",
    .kind = SUBJECT_HOST,
    .tactic = "TA0010",
    .technique = "T1048",
    .share = 0.3,
    .needs_history = true,
    .by_peers = true,
    .explains = "Bytes that left a host in the open hour or the day so far, against its own hours "
                "and days of up to 26 weeks, its peers' spread, and how often it is active at such "
                "an hour; while its past cannot be had, against all hosts' sizes. False alarms: "
                "first full backups, system upgrades, a role that changed.",
    .estimate = estimate,
    .observed = observed,
    .describe = describe,
};
