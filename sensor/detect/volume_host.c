/* volume.host: more left this host than its own past and its peers make likely, in the open hour or
 * in the day so far; or more than hosts like it ever send, whatever its own past (the absolute
 * kinds). An hour counts with the share of such hours in which the host sends at all, so a little
 * at night may weigh more than much by day. A host whose own past is not there is judged by its
 * peers (volume_peers.c). */
#include "rows.h"

static void tell(const struct told_kind *told, struct reason *reason)
{
    bool of_hour = told->kind == EVIDENCE_HOST_HOUR || told->kind == EVIDENCE_ABSOLUTE_HOUR;
    if (told->kind == EVIDENCE_HOST_HOUR || told->kind == EVIDENCE_HOST_DAY) {
        reason->code = of_hour ? "volume.host.hour" : "volume.host.day";
        sent_text(told, of_hour, of_hour ? "active host-hours" : "active host-days", reason);
    } else {
        reason->code = of_hour ? "volume.host.absolute_hour" : "volume.host.absolute_day";
        sent_text(told, of_hour, of_hour ? "peers' host-hours" : "peers' host-days", reason);
    }
}

const struct detector detector_volume_host = {
    .id = "volume.host",
    .name = "More left a host than usual",
    .kind = SUBJECT_HOST,
    .tactic = "TA0010",
    .technique = "T1048",
    .needs_history = true,
    .by_peers = true,
    .explains = "Bytes that left a host in the open hour or the day so far, against its own hours "
                "and days of up to 26 weeks, its peers' spread, and how often it is active at such "
                "an hour; while its past cannot be had, against all hosts' sizes. False alarms: "
                "first full backups, system upgrades, a role that changed.",
    .tell = tell,
    .judge = volume_peers_judge,
};
