/* destination.new: a destination this host has not met before takes more than what was new to the
 * fleet's hosts used to take. The rarer a destination among the hosts, the fewer precedents it has.
 * Never while the host learns, nor before the fleet has counted what is new for as many host-days
 * as a host learns: without that, everything would be without precedent. What more than a fifth of
 * the hosts use is not asked about: it is no discovery, and much of it is volume.host's question.
 */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t observed(const struct subject *subject)
{
    return new_pair_bytes(subject);
}

static bool estimate(const struct subject *subject, uint64_t bytes, struct estimate *estimate)
{
    if (!profile_is_new(subject->host, subject->pair, subject->civil.hour) ||
        survival_exposure_days(subject->fleet) < (uint64_t)subject->config->learn_days ||
        fleet_bucket(subject->fleet, subject->destination, 0) == PREVALENCE_REST)
        return false;
    *estimate =
        survival_young(subject->host, subject->destination, subject->fleet, &subject->civil, bytes);
    if (bytes < PAIR_FLOOR_BYTES)
        estimate->p = 1;
    return true;
}

static void describe(const struct subject *subject, const struct estimate *found,
                     struct finding *finding)
{
    uint64_t bytes = observed(subject), days = survival_exposure_days(subject->fleet);
    uint32_t users = fleet_prevalence(subject->fleet, subject->destination);
    uint32_t others = subject->pair && users > 0 ? users - 1 : users;
    char amount[BYTES_TEXT_SIZE], largest[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    struct reason *reason = reason_of(finding, "destination.new", bytes, found);
    bytes_text(bytes, amount);
    bytes_text(found->largest, largest);
    if (found->samples >= 1)
        snprintf(usual, sizeof usual,
                 "the largest of %.0f first weeks as rare in %" PRIu64 " host-days took about %s",
                 found->samples, days, largest);
    else
        snprintf(usual, sizeof usual, "none as rare was seen in %" PRIu64 " host-days", days);
    snprintf(reason->text, sizeof reason->text,
             "%s went to %.50s, new to this host and used by %" PRIu32 " other%s; %.120s", amount,
             subject->destination->name, others, others == 1 ? "" : "s", usual);
}

const struct detector detector_destination_new = {
    .id = "destination.new",
    .name = "Much went to a destination that is new to the host",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1567",
    .share = 0.25,
    .needs_history = true,
    .wakes = true,
    .explains =
        "Bytes a host sent to a destination in its first week there, against all first "
        "weeks of destinations as rare or rarer among the hosts; from 64 KiB on; not of what more "
        "than a fifth of the hosts use. False "
        "alarms: a new supplier or cloud service, a service that moved to another name.",
    .estimate = estimate,
    .observed = observed,
    .describe = describe,
};
