/* content.pattern: what the operator named under content.patterns was seen leaving. */
#include "rows.h"

#define NEEDS 1

static bool judge_content(const struct subject *subject, struct finding *finding)
{
    uint64_t items = subject->counted->of[CONTENT_PATTERN].items;
    if (items < NEEDS)
        return false;
    finding->evidence = (double)items;
    finding->score = content_score(items, NEEDS, 70, 10);
    finding->needs = NEEDS;
    finding->needs_unit = counted_unit[CONTENT_PATTERN];
    content_reason(subject, CONTENT_PATTERN, "content.pattern", finding);
    return true;
}

const struct detector detector_content_pattern = {
    .id = "content.pattern",
    .name = "What the operator looks for left in clear text",
    .kind = SUBJECT_CONTENT,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .wakes = true,
    .explains = "Distinct matches of content.patterns in what a host sent to one destination, "
                "unencrypted. False alarms are the pattern's.",
    .judge = judge_content,
};
