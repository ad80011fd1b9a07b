/* ratio.shift: of what a host exchanged in an hour, more was sent than it ever used to
 * (weir/baseline/ratio.h): a workstation that begins to produce. By shares, so it needs no size
 * that is unusual. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>

static void tell(const struct told_kind *told, struct reason *reason)
{
    const struct estimate *estimate = &told->estimate;
    char hours[COUNT_TEXT_SIZE];
    reason->code = "ratio.shift";
    reason->unit = "share";
    reason->observed = (double)told->bytes / (RATIO_BINS - 1);
    reason->expected[0] = (double)estimate->expected[0] / 1000;
    reason->expected[1] = (double)estimate->expected[1] / 1000;
    snprintf(reason->text, sizeof reason->text,
             "%.0f %% of what this host exchanged in an hour of this day was sent, 1 MiB or "
             "more; "
             "usually %.0f to %.0f %%, the most of %.17s hours %.0f %%",
             100 * reason->observed, 100 * reason->expected[0], 100 * reason->expected[1],
             count_text((uint64_t)estimate->samples, hours), (double)estimate->largest / 10);
}

const struct detector detector_ratio_shift = {
    .id = "ratio.shift",
    .name = "A host sends more of what it exchanges than it used to",
    .kind = SUBJECT_HOST,
    .tactic = "TA0010",
    .needs_history = true,
    .explains = "The share of a host's application bytes in an hour that were sent, against its "
                "own hours of up to 26 weeks; hours of 1 MiB out and more, when they are over. No "
                "technique: it says nothing of how. False alarms: a first backup or upload by a "
                "host that only read, a server put on a workstation.",
    .tell = tell,
};
