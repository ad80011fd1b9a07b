/* destination.new: a destination this host has not met before takes more than what was new to the
 * fleet's hosts used to take, in its first week, in one hour of it, in seven days of its first
 * three weeks; or it is come back to day after day. The rarer a destination among the hosts, the
 * fewer precedents it has. Never while the host learns, nor before the fleet has counted what is
 * new for some host-days: without that, everything would be without precedent. What more than a
 * fifth of the hosts use is not asked about: it is no discovery. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

/* In hindsight: there from the beginning. */
static bool is_settled(const struct told_kind *told)
{
    return told->pair.pair && told->pair.pair->settled;
}

static const char *precedents(const struct told_kind *told, char usual[USUAL_TEXT_SIZE])
{
    uint64_t days = survival_exposure_days(told->weighing->fleet);
    const char *what = told->kind == EVIDENCE_YOUNG_HOUR ? "first hours"
                       : is_settled(told)                ? "spans of seven days"
                                                         : "first weeks";
    char largest[BYTES_TEXT_SIZE];
    bytes_text(told->estimate.largest, largest);
    if (told->estimate.samples >= 1)
        snprintf(usual, USUAL_TEXT_SIZE,
                 "the largest of %.0f %s as rare in %" PRIu64 " host-days took about %s",
                 told->estimate.samples, what, days, largest);
    else
        snprintf(usual, USUAL_TEXT_SIZE, "none as rare was seen in %" PRIu64 " host-days", days);
    return usual;
}

static void tell_return(const struct told_kind *told, struct reason *reason)
{
    reason->code = "destination.new.returning";
    reason->observed = told->estimate.samples + 1;
    reason->unit = "day";
    reason->expected[0] = reason->expected[1] = 1;
    snprintf(reason->text, sizeof reason->text,
             "%.50s, new to this host, took 64 KiB or more on %.0f days",
             told->pair.destination->name, told->estimate.samples + 1);
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    const struct destination *destination = told->pair.destination;
    uint32_t others = told_others(told);
    bool of_hour = told->kind == EVIDENCE_YOUNG_HOUR;
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    if (told->kind == EVIDENCE_PERSISTENCE) {
        tell_return(told, reason);
        return;
    }
    reason->code = of_hour ? "destination.new.hour" : "destination.new";
    bytes_text(told->bytes, amount);
    snprintf(reason->text, sizeof reason->text,
             "%s went to %.50s%s, %s used by %" PRIu32 " other%s; %.80s", amount, destination->name,
             !of_hour        ? ""
             : told->earlier ? " in an hour of this day"
                             : " in this hour",
             is_settled(told) ? "there from the beginning and" : "new to this host and", others,
             others == 1 ? "" : "s", precedents(told, usual));
}

const struct detector detector_destination_new = {
    .id = "destination.new",
    .name = "Much went to a destination that is new to the host",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1567",
    .needs_history = true,
    .wakes = true,
    .explains =
        "Bytes a host sent to a destination in its first week there, against all first "
        "weeks of destinations as rare or rarer among the hosts; from 64 KiB on; not of what more "
        "than a fifth of the hosts use. False "
        "alarms: a new supplier or cloud service, a service that moved to another name.",
    .tell = tell,
};
