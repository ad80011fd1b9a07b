/* timing.beacon: a host calls a destination by the clock that few others use, or that it has not
 * known for long: RITA's beacon score (weir/baseline/rhythm.h, evidence.h) of the day's closed
 * hours. What a beacon sends does not matter, so fewer bytes would not undo it. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

#define SINCE_SIZE 48

static const char *since_of(const struct told_kind *told, char since[SINCE_SIZE])
{
    int64_t hours = told->weighing->civil.hour - told->pair.pair->first_hour;
    if (hours < 48)
        snprintf(since, SINCE_SIZE, "%" PRId64 " hour%s ago", hours, hours == 1 ? "" : "s");
    else
        snprintf(since, SINCE_SIZE, "%" PRId64 " days ago", hours / 24);
    return since;
}

/* Today's clock may have been let go for room since. */
static const char *habit_of(const struct told_kind *told, char text[96])
{
    struct rhythm_habit habit;
    char interval[DURATION_TEXT_SIZE], spread[DURATION_TEXT_SIZE], size[BYTES_TEXT_SIZE];
    text[0] = '\0';
    if (rhythm_habit(&told->pair.pair->rhythm, &habit))
        snprintf(text, 96, ", typically every %s (half within %s of it) with %s",
                 duration_text((uint64_t)(habit.interval_s + 0.5), interval),
                 duration_text((uint64_t)(habit.spread_s + 0.5), spread),
                 bytes_text((uint64_t)(habit.size_bytes + 0.5), size));
    return text;
}

static void tell(const struct told_kind *told, struct reason *reason)
{
    char count[COUNT_TEXT_SIZE], habit[96], since[SINCE_SIZE];
    uint32_t others = told_others(told);
    reason->code = "timing.beacon";
    reason->unit = "connection";
    snprintf(
        reason->text, sizeof reason->text,
        "%.50s was called by the clock: %.10s times in this day%.90s; first met %.16s, used by "
        "%" PRIu32 " other%s",
        told->pair.destination->name, count_text(told->bytes, count), habit_of(told, habit),
        since_of(told, since), others, others == 1 ? "" : "s");
}

const struct detector detector_timing_beacon = {
    .id = "timing.beacon",
    .name = "A destination is called by the clock",
    .kind = SUBJECT_DESTINATION,
    .tactic = "TA0011",
    .technique = "T1071",
    .subtechnique = "T1071.001",
    .needs_history = true,
    .explains = "How regular the starts and sizes of a day's connections to one destination are, "
                "and how evenly they cover the day (RITA's beacon score, above .5), where few "
                "hosts use it or it is new to the host; of whole hours only. However few bytes. "
                "False alarms: software that asks its own maker for news, monitoring of a rented "
                "server, time servers.",
    .tell = tell,
};
