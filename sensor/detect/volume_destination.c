/* volume.destination: more went to a destination the host knows than it usually sends there. What a
 * host is trusted to send to one service says nothing of another, and this is where theft through a
 * trusted service shows. */
#include "rows.h"

static uint64_t observed(const struct subject *subject)
{
    return subject->day.value;
}

static bool estimate(const struct subject *subject, uint64_t bytes, struct estimate *estimate)
{
    if (!survival_pair_known(subject->pair, subject->civil.hour))
        return false;
    struct forms forms = forms_of_pair(subject, bytes);
    *estimate = forms_estimate(&forms);
    if (bytes < PAIR_FLOOR_BYTES)
        estimate->p = 1;
    return true;
}

static void describe(const struct subject *subject, const struct estimate *found,
                     struct finding *finding)
{
    (void)found;
    describe_pair(subject, finding, "volume.destination.hour", "volume.destination.day", "went to");
}

const struct detector detector_volume_destination = {
    .id = "volume.destination",
    .name = "More went to a known destination than usual",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1567",
    .share = 0.25,
    .needs_history = true,
    .explains = "Bytes a host sent to one known destination in the open hour or the day so far, "
                "against its own past with that destination; from 64 KiB on. False alarms: a large "
                "upload to a service in daily use, a synchronisation that starts over.",
    .estimate = estimate,
    .observed = observed,
    .describe = describe,
};
