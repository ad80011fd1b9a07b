/* content.personal: distinct e-mail addresses, telephone numbers, payment cards and bank accounts
 * seen leaving in clear text. It needs no past and no size: 76,000 addresses are under two
 * megabytes, below every threshold on volume. */
#include "rows.h"

/* A card or an account does more harm than an address, and stands in text by chance less often. */
static const struct {
    enum content_class class;
    const char *code;
    uint64_t needs;
} rows[] = {
    {CONTENT_EMAIL, "content.personal", 100},
    {CONTENT_PHONE, "content.personal.phone", 100},
    {CONTENT_CARD, "content.personal.card", 10},
    {CONTENT_IBAN, "content.personal.iban", 10},
};
#define ROWS (sizeof rows / sizeof *rows)

_Static_assert(ROWS <= FINDING_REASONS, "a reason for each");

/* As many times what it needs; 0: not enough. */
static double times(const struct counted *counted, size_t row)
{
    uint64_t items = counted->of[rows[row].class].items;
    return items < rows[row].needs ? 0 : (double)items / (double)rows[row].needs;
}

/* The class that exceeds its floor most gives evidence and score: 1 → 60, 10 → 85, 100 → 100. */
static bool judge_content(const struct subject *subject, struct finding *finding)
{
    size_t most = 0;
    for (size_t row = 1; row < ROWS; row++)
        if (times(subject->counted, row) > times(subject->counted, most))
            most = row;
    uint64_t items = subject->counted->of[rows[most].class].items;
    if (items < rows[most].needs)
        return false;
    uint64_t tenfold = 10 * rows[most].needs;
    finding->evidence = 100 * times(subject->counted, most);
    finding->score = items < tenfold ? content_score(items, rows[most].needs, 60, 25)
                                     : content_score(items, tenfold, 85, 15);
    finding->needs = (double)rows[most].needs;
    finding->needs_unit = counted_unit[rows[most].class];
    content_reason(subject, rows[most].class, rows[most].code, finding);
    for (size_t row = 0; row < ROWS; row++)
        if (row != most && times(subject->counted, row) > 0)
            content_reason(subject, rows[row].class, rows[row].code, finding);
    for (size_t i = 0; i < finding->reason_count; i++)
        finding->reason[i].weight = 1.0 / (double)finding->reason_count;
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
    .explains = "Distinct e-mail addresses, telephone numbers, payment cards and bank accounts in "
                "what a host sent to one destination, unencrypted. Known false alarms: mail "
                "servers and mailing lists, directory synchronisation, software repositories "
                "(authors' addresses), web shops and their payment service. Blind to anything "
                "encrypted.",
    .judge = judge_content,
};
