/* volume.destination: more went to a destination the host knows than it usually sends there. What a
 * host is trusted to send to one service says nothing of another, and this is where theft through a
 * trusted service shows. */
#include "rows.h"

static void tell(const struct told_kind *told, struct reason *reason)
{
    bool of_hour = told->kind == EVIDENCE_PAIR_HOUR;
    reason->code = of_hour ? "volume.destination.hour" : "volume.destination.day";
    pair_text(told, of_hour, "went to", reason);
}

const struct detector detector_volume_destination = {
    .id = "volume.destination",
    .name = "More went to a known destination than usual",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1567",
    .needs_history = true,
    .explains = "Bytes a host sent to one known destination in the open hour or the day so far, "
                "against its own past with that destination; from 64 KiB on. False alarms: a large "
                "upload to a service in daily use, a synchronisation that starts over.",
    .tell = tell,
};
