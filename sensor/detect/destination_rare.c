/* destination.rare: several hosts, but only a few, send to one destination that nobody here had met
 * a week ago. What one of them sends may be an ordinary first upload; that they choose the same
 * unknown place within days is what one tool on several hosts looks like, or one thief. Each is
 * judged by itself, with what the others sent as the last closed hour left it: the second one to
 * come is the first that can be told, and their incidents name each other (alert/linked.c). */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DATE_SIZE 24

static const char *date_text(int64_t day, char text[DATE_SIZE])
{
    time_t seconds = (time_t)(day * 86400);
    struct tm date;
    if (!gmtime_r(&seconds, &date) || strftime(text, DATE_SIZE, "%Y-%m-%d", &date) == 0)
        snprintf(text, DATE_SIZE, "day %" PRId64, day);
    return text;
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    const struct destination *destination = told->pair.destination;
    const struct weighing *weighing = told->weighing;
    struct shared shared =
        fleet_shared(weighing->fleet, &weighing->host->host, destination, weighing->civil.day);
    char amount[BYTES_TEXT_SIZE], least[BYTES_TEXT_SIZE], date[DATE_SIZE];
    reason->code = "destination.rare";
    bytes_text(told->bytes, amount);
    if (shared.others == 0) { /* so many use it by now that it is rare no more */
        snprintf(reason->text, sizeof reason->text,
                 "%s went to %.50s, which was new and shared with few earlier this day", amount,
                 destination->name);
        return;
    }
    snprintf(reason->text, sizeof reason->text,
             "%s went to %.50s, which no host had met before %s; %" PRIu32
             " other%s sent %s or more to it since",
             amount, destination->name, date_text(shared.since, date), shared.others,
             shared.others == 1 ? "" : "s each",
             bytes_text(shared.bytes[shared.others - 1], least));
}

const struct detector detector_destination_rare = {
    .id = "destination.rare",
    .name = "Several hosts send to one destination that is new to all",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0010",
    .technique = "T1041",
    .needs_history = true,
    .explains =
        "Bytes of the first week there, at a destination that no host of the fleet had met more "
        "than "
        "7 days ago and that 2 to 5 hosts use, 2 % of them at most (two always): 64 KiB or more "
        "from "
        "each. "
        "False alarms: a new service that a small team begins to use, software that a few hosts "
        "are given.",
    .tell = tell,
};
