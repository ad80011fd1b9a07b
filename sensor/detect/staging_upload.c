/* staging.upload: far more came to a host from inside than comes on its days, and half of that much
 * or more left it from then on, today more than leaves on its days (weir/baseline/staged.h). It
 * leads to where most of today's bytes went. */
#include "rows.h"

#include <stdio.h>

static const char *const came[STAGED_DAYS] = {"in this day", "the day before", "two days before",
                                              "three days before"};

static void tell(const struct told_kind *told, struct reason *reason)
{
    const struct weighing *weighing = told->weighing;
    const struct staged_days days =
        evidence_staged(weighing->host, &weighing->civil, &weighing->amounts, true);
    char amount[BYTES_TEXT_SIZE], left[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    size_t since;
    staged_bytes(&days, &since);
    bytes_text(days.in[since], amount);
    bytes_text(staged_out(&days, since), left);
    usual_text(&told->estimate, "days", usual);
    reason->observed = (double)days.in[since];
    reason->code = "staging.upload";
    snprintf(reason->text, sizeof reason->text, "%s came from inside %s%s; %s left from then on",
             amount, came[since], usual, left);
}

const struct detector detector_staging_upload = {
    .id = "staging.upload",
    .name = "Gathered from inside, then sent out",
    .kind = SUBJECT_HOST,
    .tactic = "TA0009",
    .technique = "T1074",
    .subtechnique = "T1074.002",
    .needs_history = true,
    .explains =
        "Bytes that other inside hosts sent to this one on a day, today or one of the three "
        "before, as far as half of them left since, against such days of its own and of its "
        "peers; and what left today against its own days. Only where a sensor sees the "
        "inside. False alarms: a new proxy, mail relay or backup gateway, until it is "
        "learned (a week).",
    .tell = tell,
};
