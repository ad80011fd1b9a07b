/* volume.served: an inside server gave an outside client's network more than it usually does. A
 * known network is judged by its own past there; one that is new, by how often networks new to this
 * server come and how much they take in their first week. Which are known does not depend on
 * whether there is room for a pair (networks.h): of 200 customers none is a stranger. So a server
 * with a few customers says something at once, and a public one, where the new is ordinary, only at
 * sizes that are not. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

static const char *when_of(const struct told_kind *told, char when[48])
{
    const struct civil *civil = &told->weighing->civil;
    const struct network *network =
        networks_find(&told->weighing->host->networks, evidence_name(told->pair.destination));
    int64_t first = told->pair.pair ? told->pair.pair->first_day
                    : network       ? network->first_day
                                    : civil->day;
    int64_t day = civil->day - first + 1;
    if (told->kind == EVIDENCE_NETWORK_HOUR)
        snprintf(when, 48, told->earlier ? "in an hour of this day" : "in this hour");
    else if (day <= 1)
        snprintf(when, 48, "on its first day");
    else if (day <= 8)
        snprintf(when, 48, "in its first %" PRId64 " days", day);
    else
        snprintf(when, 48, "in seven days, met %" PRId64 " days ago", day - 1);
    return when;
}

static void tell_new(const struct told_kind *told, struct reason *reason)
{
    uint64_t days = histogram_samples(&told->weighing->host->new_network_days);
    bool of_hour = told->kind == EVIDENCE_NETWORK_HOUR;
    char amount[BYTES_TEXT_SIZE], largest[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE], when[48];
    bytes_text(told->bytes, amount);
    bytes_text(told->estimate.largest, largest);
    if (told->estimate.samples >= 1)
        snprintf(usual, sizeof usual,
                 of_hour ? "the largest of %.0f first hours of new networks in %" PRIu64
                           " days took about %s"
                         : "the largest first week of %.0f new networks in %" PRIu64
                           " days took about %s",
                 told->estimate.samples, days, largest);
    else if (days > 0)
        snprintf(usual, sizeof usual, "no other network was new in %" PRIu64 " days", days);
    else
        snprintf(usual, sizeof usual, "nothing to compare it with yet");
    snprintf(reason->text, sizeof reason->text, "%s served to %.50s %s; %.120s", amount,
             told->pair.destination->name, when_of(told, when), usual);
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    if (told->kind == EVIDENCE_NETWORK_WEEK || told->kind == EVIDENCE_NETWORK_HOUR) {
        bool of_hour = told->kind == EVIDENCE_NETWORK_HOUR;
        reason->code = of_hour ? "volume.served.new_network_hour" : "volume.served.new_network";
        tell_new(told, reason);
    } else {
        bool of_hour = told->kind == EVIDENCE_SERVED_HOUR;
        reason->code = of_hour ? "volume.served.hour" : "volume.served.day";
        pair_text(told, of_hour, "served to", reason);
    }
}

const struct detector detector_volume_served = {
    .id = "volume.served",
    .name = "More was served to a network outside than usual",
    .kind = SUBJECT_SERVED,
    .tactic = "TA0009",
    .technique = "T1213",
    .needs_history = true,
    .wakes = true,
    .explains = "Bytes an inside server sent on connections opened from outside, by client network "
                "(/24, /48): a known one against its own past, a new one against the server's own "
                "new ones; from 64 KiB on. The pattern of stolen accounts on a shared service. "
                "False alarms: a customer who moved offices, a crawler, a published large file.",
    .tell = tell,
};
