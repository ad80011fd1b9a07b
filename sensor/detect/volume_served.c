/* volume.served: an inside server gave an outside client's network more than it usually does. A
 * known network is judged by its own past there; one that is new, by how often networks new to this
 * server come and how much they take in their first week. So a server with a few customers says
 * something at once, and a public one, where the new is ordinary, only at sizes that are not. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_new(const struct subject *subject)
{
    return profile_is_new(subject->host, subject->pair, subject->civil.hour);
}

static uint64_t observed(const struct subject *subject)
{
    return is_new(subject) ? new_pair_bytes(subject) : subject->day.value;
}

static bool estimate(const struct subject *subject, uint64_t bytes, struct estimate *estimate)
{
    if (is_new(subject)) {
        *estimate = survival_new_network(subject->host, subject->fleet, &subject->civil, bytes);
    } else if (survival_pair_known(subject->pair, subject->civil.hour)) {
        struct forms forms = forms_of_pair(subject, bytes);
        *estimate = forms_estimate(&forms);
    } else {
        return false;
    }
    if (bytes < PAIR_FLOOR_BYTES)
        estimate->p = 1;
    return true;
}

static void describe_new(const struct subject *subject, const struct estimate *found,
                         struct finding *finding)
{
    uint64_t bytes = observed(subject), days = histogram_samples(&subject->host->new_network_days);
    int64_t day = subject->pair ? subject->civil.day - subject->pair->first_day + 1 : 1;
    char amount[BYTES_TEXT_SIZE], largest[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE], when[48];
    struct reason *reason = reason_of(finding, "volume.served.new_network", bytes, found);
    bytes_text(bytes, amount);
    bytes_text(found->largest, largest);
    if (day <= 1)
        snprintf(when, sizeof when, "on its first day");
    else if (day <= 8)
        snprintf(when, sizeof when, "in its first %" PRId64 " days", day);
    else
        snprintf(when, sizeof when, "in a day, met rarely before");
    if (found->samples >= 1)
        snprintf(usual, sizeof usual,
                 "the largest first week of %.0f new networks in %" PRIu64 " days took about %s",
                 found->samples, days, largest);
    else if (days > 0)
        snprintf(usual, sizeof usual, "no other network was new in %" PRIu64 " days", days);
    else
        snprintf(usual, sizeof usual, "nothing to compare it with yet");
    snprintf(reason->text, sizeof reason->text, "%s served to %.50s %s; %.120s", amount,
             subject->destination->name, when, usual);
}

static void describe(const struct subject *subject, const struct estimate *found,
                     struct finding *finding)
{
    if (is_new(subject))
        describe_new(subject, found, finding);
    else
        describe_pair(subject, finding, "volume.served.hour", "volume.served.day", "served to");
}

const struct detector detector_volume_served = {
    .id = "volume.served",
    .name = "More was served to a network outside than usual",
    .kind = SUBJECT_SERVED,
    .tactic = "TA0009",
    .technique = "T1213",
    .share = 0.2,
    .needs_history = true,
    .wakes = true,
    .explains = "Bytes an inside server sent on connections opened from outside, by client network "
                "(/24, /48): a known one against its own past, a new one against the server's own "
                "new ones; from 64 KiB on. The pattern of stolen accounts on a shared service. "
                "False alarms: a customer who moved offices, a crawler, a published large file.",
    .estimate = estimate,
    .observed = observed,
    .describe = describe,
};
