/* served.sweep: one outside client network logs in as many accounts of an inside server, or goes
 * through many of its projects, each in an ordinary way. Stolen credentials are valid, and what is
 * taken with each of them is what its owner takes: that they all come from one place is what is
 * odd. Whoever always did so (a branch office, a proxy) is known by his own past. Pure. */
#include "rows.h"

#include <math.h>
#include <stdio.h>

#define PEERS        5u  /* other networks that make a measure */
#define ACCOUNTS     5u  /* beside such a measure … */
#define ACCOUNTS_BY  20u /* … and without */
#define PROJECTS     20u
#define TIMES        3u /* the most that anybody else did, or it did itself before */
#define SCORE_FIRST  65
#define SCORE_DECADE 15

/* From how many on this is a sweep. */
static uint64_t bar_of(const struct sweep_count *count, uint64_t least)
{
    uint64_t most = count->own_most > count->other_most ? count->own_most : count->other_most;
    return TIMES * most > least ? TIMES * most : least;
}

static double times(const struct sweep_count *count, uint64_t bar)
{
    return count->today >= bar ? (double)count->today / (double)bar : 0;
}

static struct reason *add_reason(struct finding *finding, const struct sweep_count *count,
                                 const char *code, const char *unit)
{
    struct reason *reason = &finding->reason[finding->reason_count++];
    *reason = (struct reason){.code = code,
                              .observed = (double)count->today,
                              .unit = unit,
                              .samples = (double)count->others};
    reason->expected[0] = count->other_most > 0;
    reason->expected[1] = (double)count->other_most;
    return reason;
}

/* ", at most 2 by any of 20 other client networks" */
static void others_text(const struct sweep_count *count, char *text, size_t room)
{
    char most[COUNT_TEXT_SIZE], others[COUNT_TEXT_SIZE];
    text[0] = '\0';
    if (count->others > 0)
        snprintf(text, room, ", at most %s by any of %s other client networks",
                 count_text(count->other_most, most), count_text(count->others, others));
}

static void say_accounts(const struct subject *subject, struct finding *finding)
{
    const struct sweep *sweep = subject->sweep;
    char count[COUNT_TEXT_SIZE], refused[COUNT_TEXT_SIZE], others[100], more[48] = "";
    struct reason *reason =
        add_reason(finding, &sweep->accounts, "served.sweep.accounts", "account");
    others_text(&sweep->accounts, others, sizeof others);
    if (sweep->refused > 0)
        snprintf(more, sizeof more, "; %s were refused", count_text(sweep->refused, refused));
    snprintf(reason->text, sizeof reason->text,
             "%s accounts were named and let in from %.43s in a day%s%s",
             count_text(sweep->accounts.today, count), subject->destination->name, others, more);
}

static void say_projects(const struct subject *subject, struct finding *finding)
{
    const struct sweep *sweep = subject->sweep;
    char count[COUNT_TEXT_SIZE], others[100];
    struct reason *reason =
        add_reason(finding, &sweep->projects, "served.sweep.projects", "project");
    others_text(&sweep->projects, others, sizeof others);
    snprintf(reason->text, sizeof reason->text,
             "%s projects (first two parts of a path) were read from %.43s in a day%s",
             count_text(sweep->projects.today, count), subject->destination->name, others);
}

/* The kind that exceeds its bar most gives the score; the other one is told beside it where it is
 * many too. */
static bool judge_sweep(const struct subject *subject, struct finding *finding)
{
    const struct sweep *sweep = subject->sweep;
    bool measured = sweep->accounts.others >= PEERS;
    uint64_t accounts = bar_of(&sweep->accounts, measured ? ACCOUNTS : ACCOUNTS_BY);
    uint64_t projects = bar_of(&sweep->projects, PROJECTS);
    double by_accounts = times(&sweep->accounts, accounts), by_projects = 0;
    if (sweep->projects.others >= PEERS)
        by_projects = times(&sweep->projects, projects);
    if (by_accounts <= 0 && by_projects <= 0)
        return false;
    bool first = by_accounts >= by_projects;
    finding->evidence = first ? by_accounts : by_projects;
    finding->score =
        (int)fmin(100.0, floor(SCORE_FIRST + SCORE_DECADE * log10(finding->evidence) + 1e-9));
    finding->needs = (double)(first ? accounts : projects);
    finding->needs_unit = first ? "account" : "project";
    (first ? say_accounts : say_projects)(subject, finding);
    if (first && sweep->projects.today >= PROJECTS)
        say_projects(subject, finding);
    if (!first && sweep->accounts.today > 0)
        say_accounts(subject, finding);
    for (size_t i = 0; i < finding->reason_count; i++)
        finding->reason[i].weight = 1.0 / (double)finding->reason_count;
    return true;
}

const struct detector detector_served_sweep = {
    .id = "served.sweep",
    .name = "One client goes through many accounts or projects of a server",
    .kind = SUBJECT_SWEEP,
    .tactic = "TA0009",
    .technique = "T1213",
    .wakes = true,
    .explains =
        "Distinct accounts that an outside network logged in as at an inside server in a day, and "
        "distinct projects it read there, in clear HTTP, FTP, POP3, IMAP and SMTP, beside what any "
        "other network did and it did before. Known false alarms: the first day of a large office, "
        "a proxy or a crawler behind one network; a web server that gives everybody everything, "
        "whatever name is sent along. Blind to anything encrypted, and to accounts "
        "that a form or a cookie names.",
    .judge = judge_sweep,
};
