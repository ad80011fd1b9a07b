/* content.flight: flight plans, AFTN messages and schedules seen leaving in clear text. */
#include "rows.h"

#define NEEDS 20

static bool judge_content(const struct subject *subject, struct finding *finding)
{
    uint64_t items = subject->counted->of[CONTENT_FLIGHT].items;
    if (items < NEEDS)
        return false;
    finding->evidence = (double)items;
    finding->score = content_score(items, NEEDS, 60, 15);
    finding->needs = NEEDS;
    finding->needs_unit = counted_unit[CONTENT_FLIGHT];
    content_reason(subject, CONTENT_FLIGHT, "content.flight", finding);
    return true;
}

const struct detector detector_content_flight = {
    .id = "content.flight",
    .name = "Flight data left in clear text",
    .kind = SUBJECT_CONTENT,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .wakes = true,
    .explains = "Distinct ICAO flight plans and messages, AFTN telegrams and schedule legs (SSIM, "
                "SSM, ASM) in what a host sent to one destination, unencrypted. Known false "
                "alarms: the exchanges with partners that carry them every day and are not "
                "inside.",
    .judge = judge_content,
};
