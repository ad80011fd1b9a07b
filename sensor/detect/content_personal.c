/* content.personal: distinct e-mail addresses seen leaving in clear text. It needs no past and no
 * size: 76,000 addresses are under two megabytes, below every threshold on volume. */
#include "rows.h"

#include <math.h>
#include <stdio.h>

#define NEEDS 100

/* 100 → 60, 1,000 → 85, 10,000 → 100, straight lines over log10 between. */
static int score_of(uint64_t count)
{
    double digits = log10((double)count);
    double score = digits < 3 ? 60 + 25 * (digits - 2) : 85 + 15 * (digits - 3);
    return (int)fmin(100.0, floor(score + 1e-9));
}

static void describe(const struct subject *subject, struct reason *reason)
{
    char count[COUNT_TEXT_SIZE], error[24] = "exact", gap[BYTES_TEXT_SIZE];
    char missed[72] = "";
    count_text(subject->emails, count);
    if (subject->emails_error > 0)
        snprintf(error, sizeof error, "\302\261%.1f %%", 100 * subject->emails_error);
    if (subject->gap_bytes > 0)
        snprintf(missed, sizeof missed, "; %s of it were not seen",
                 bytes_text(subject->gap_bytes, gap));
    snprintf(reason->text, sizeof reason->text, "%s e-mail addresses (%s) left for %.60s%s", count,
             error, subject->destination->name, missed);
}

static bool judge_content(const struct subject *subject, struct finding *finding)
{
    if (subject->emails < NEEDS)
        return false;
    finding->evidence = (double)subject->emails;
    finding->score = score_of(subject->emails);
    finding->needs = NEEDS;
    finding->needs_unit = "address";
    finding->reason_count = 1;
    finding->reason[0] = (struct reason){.code = "content.personal",
                                         .observed = (double)subject->emails,
                                         .unit = "address",
                                         .weight = 1};
    describe(subject, &finding->reason[0]);
    return true;
}

const struct detector detector_content_personal = {
    .id = "content.personal",
    .name = "Personal data left in clear text",
    .kind = SUBJECT_CONTENT,
    .tactic = "TA0010",
    .technique = "T1048",
    .subtechnique = "T1048.003",
    .wakes = true,
    .explains = "Distinct e-mail addresses in what a host sent to one destination, unencrypted. "
                "Known false alarms: mail servers and mailing lists, directory synchronisation, "
                "software repositories (authors' addresses). Blind to anything encrypted.",
    .judge = judge_content,
};
