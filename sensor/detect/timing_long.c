/* timing.long: one connection to a destination that few others use, or that is new to the host, is
 * held open for an hour or more: an interactive session, a tunnel, a slow upload. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

static void tell(const struct told_kind *told, struct reason *reason)
{
    char age[DURATION_TEXT_SIZE], sent[BYTES_TEXT_SIZE];
    uint32_t others = told_others(told);
    reason->code = "timing.long";
    reason->unit = "s";
    snprintf(reason->text, sizeof reason->text,
             "A connection to %.50s, used by %" PRIu32
             " other%s, was open for %s; %s went there in "
             "this day",
             told->pair.destination->name, others, others == 1 ? "" : "s",
             duration_text(told->bytes, age), bytes_text(told->pair.amounts.day, sent));
}

const struct detector detector_timing_long = {
    .id = "timing.long",
    .name = "A connection is held open for long",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0011",
    .needs_history = true,
    .explains = "How old the oldest connection of a host to a destination is, from an hour on, "
                "where few hosts use it or it is new to the host. Several techniques look like "
                "that, so none is named. False alarms: remote desktops, VPNs, chat and push "
                "services of few users.",
    .tell = tell,
};
