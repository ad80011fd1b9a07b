/* content.archive: encrypted archives and documents seen leaving. Plain ones are counted and shown,
 * but everybody sends them. */
#include "rows.h"

#define NEEDS 1

static bool judge_content(const struct subject *subject, struct finding *finding)
{
    uint64_t items = content_grave(subject->counted, CONTENT_ARCHIVE);
    if (items < NEEDS)
        return false;
    finding->evidence = (double)items;
    finding->score = content_score(items, NEEDS, 55, 15);
    finding->needs = NEEDS;
    finding->needs_unit = counted_unit[CONTENT_ARCHIVE];
    content_reason(subject, CONTENT_ARCHIVE, "content.archive", finding);
    return true;
}

const struct detector detector_content_archive = {
    .id = "content.archive",
    .name = "Encrypted archives left",
    .kind = SUBJECT_CONTENT,
    .tactic = "TA0010",
    .technique = "T1560",
    .subtechnique = "T1560.001",
    .explains = "Archives and documents that a password protects, in what a host sent to one "
                "destination, known by their headers. Known false alarms: people who send "
                "protected attachments, backups. Blind to what is sent through TLS, and to "
                "encryption that a header does not tell.",
    .judge = judge_content,
};
