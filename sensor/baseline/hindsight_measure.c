/* How rare is what a host's day came to? By the days of all other hosts: one's own would hide a
 * theft that goes on for weeks. Each component's days are counted first, then, fused by them, what
 * they add up to; each as calibration.h has it, but that no count fades and that a day beyond
 * belief (10⁻⁴) is counted where belief is 10⁻⁴, whatever the tables say. Engine thread. */
#include "hindsight_local.h"

#include <stdlib.h>

static unsigned bin_of(unsigned which, bool off, double l)
{
    static const struct measures belief;
    return calibration_guarded(&belief, which, off, l);
}

/* A state that lasts is one event, as calibration_count has it. */
static void count_days(struct calibrations *all, const struct past *past, unsigned from,
                       unsigned to, double sign)
{
    for (unsigned which = from; which < to; which++) {
        struct counted_at last = {0};
        for (size_t i = 0; i < past->days; i++) {
            const struct host_day *day = &past->day[i];
            double *count = all->of[which][day->off].count;
            if (!(day->known >> which & 1u))
                continue;
            unsigned bin = bin_of(which, day->off, (double)day->l[which]);
            unsigned before = day->day - last.day < CALIBRATION_RUN ? last.bin : 0;
            count[0] += sign;
            if (bin <= before)
                continue;
            count[before] -= sign;
            count[bin] += sign;
            last = (struct counted_at){day->day, (uint8_t)bin};
        }
    }
}

static void fit(struct calibrations *all, unsigned from, unsigned to)
{
    for (unsigned which = from; which < to; which++)
        for (int off = 0; off < 2; off++)
            calibration_fit(&all->of[which][off], which);
}

/* --- what days come to ------------------------------------------------------------------------ */

struct hours { /* of a host, one behind the other; NULL: there is none */
    struct closed_hour *before, *at, *next;
    struct closed_hour room[3];
};

static bool follows(const struct closed_hour *hour, const struct closed_hour *before)
{
    return hour && before && before->hour == hour->hour - 1;
}

static struct closed_hour *free_room(struct hours *hours)
{
    size_t i = 0;
    while (&hours->room[i] == hours->before || &hours->room[i] == hours->at)
        i++;
    return &hours->room[i];
}

/* The host's hour i, if it has so many. */
static void read_next(struct hindsight *hindsight, const struct past *past, size_t i,
                      struct hours *hours)
{
    hours->next = i < past->from->count ? free_room(hours) : NULL;
    if (hours->next)
        past_read(hindsight, past, i, hours->next);
}

static void go_on(struct hours *hours)
{
    hours->before = hours->at;
    hours->at = hours->next;
    hours->next = NULL;
}

/* The first of a day is not closed yet when the next begins. `open`: of the day, and the next. */
static void mark_open(struct hindsight *hindsight, struct past *past, const struct hours *hours,
                      struct open_day open[2])
{
    struct open_hours now = {.past = past,
                             .before = follows(hours->at, hours->before) ? hours->before : NULL,
                             .now = hours->at,
                             .civil = hindsight_civil(hindsight, hours->at->hour),
                             .fleet = hindsight->fleet,
                             .among = hindsight->among};
    open_mark(&now, &open[0]);
    if (past->profile->today == now.civil->day || !follows(hours->next, hours->at))
        return;
    struct open_hours then = {.past = past,
                              .before = hours->at,
                              .now = hours->next,
                              .both = true,
                              .civil = hindsight_civil(hindsight, hours->next->hour),
                              .fleet = hindsight->fleet,
                              .among = hindsight->among};
    past_leave_out(hindsight, past, then.civil->day);
    open_mark(&then, &open[then.civil->day != now.civil->day]);
    past_leave_out(hindsight, past, now.civil->day);
}

static void go_through_day(struct hindsight *hindsight, struct past *past, struct host_day *day,
                           struct hours *hours, struct open_day open[2])
{
    const struct civil *civil = hindsight_civil(hindsight, past->from->hour[day->from].hour);
    past_leave_out(hindsight, past, day->day);
    for (size_t i = day->from; i < day->to && hours->at; i++) {
        civil = hindsight_civil(hindsight, hours->at->hour);
        read_next(hindsight, past, i + 1, hours);
        mark_open(hindsight, past, hours, open);
        past_hour(past, hours->at, civil, hindsight->fleet, true);
        go_on(hours);
    }
    open_end(past, civil, hindsight->fleet, &open[0], day);
    past_keep(past, day);
    open[0] = open[1];
    open[1] = (struct open_day){.unbounded = false};
}

static void go_through(struct hindsight *hindsight, struct past *past, struct hours *hours)
{
    struct open_day open[2] = {{.unbounded = false}};
    ledger_hold(hindsight->ledger, past->from);
    hours->before = hours->at = NULL;
    read_next(hindsight, past, 0, hours);
    go_on(hours);
    past_begin(past);
    peers_without(hindsight, past);
    for (size_t d = 0; d < past->days; d++)
        go_through_day(hindsight, past, &past->day[d], hours, open);
    past_leave_out(hindsight, past, NO_DAY);
    past_begin(past);
}

/* Rarity of what days come to, once that is counted. */
static void rate_days(struct past *past)
{
    for (size_t i = 0; i < past->days; i++) {
        struct host_day *day = &past->day[i];
        for (unsigned side = 0; side < EVIDENCE_SIDES; side++)
            day->p[side] = (float)calibrated(&past->measures, EVIDENCES + side, day->off,
                                             (double)day->l[EVIDENCES + side]);
        day->p_absolute = (float)calibrated(&past->measures, EVIDENCE_ABSOLUTE_DAY, day->off,
                                            (double)day->l[EVIDENCE_ABSOLUTE_DAY]);
        open_rate(past, day);
    }
}

static void fuse_days(struct past *past)
{
    for (size_t i = 0; i < past->days; i++) {
        struct host_day *day = &past->day[i];
        struct day_evidence evidence = {.known = day->known};
        for (int kind = 0; kind < EVIDENCES; kind++)
            evidence.mark[kind].l = (double)day->l[kind];
        for (int kind = 0; kind < EVIDENCES; kind++)
            if (day->known >> kind & 1u)
                day->known |= 1u << (EVIDENCES + evidence_side((enum evidence_kind)kind));
        for (int side = 0; side < EVIDENCE_SIDES; side++)
            day->l[EVIDENCES + side] =
                (float)evidence_fuse(&evidence, (enum evidence_side)side, day->off, &past->measures)
                    .e;
    }
}

/* The fleet has them too, for how its budget is shared. */
static void show(struct hindsight *hindsight, const struct calibrations *all)
{
    peers_forget(hindsight); /* what is applied is of all */
    hindsight->fleet->all.next.calibrations = *all;
    hindsight->fleet->all.changed = true;
    fleet_apply(hindsight->fleet);
}

void measure_days(struct hindsight *hindsight)
{
    struct calibrations *all = xcalloc(1, sizeof *all);
    struct hours hours = {.at = NULL};
    for (size_t i = 0; i < hindsight->pasts; i++)
        go_through(hindsight, hindsight->past[i], &hours);
    for (size_t i = 0; i < sizeof hours.room / sizeof *hours.room; i++)
        closed_hour_fini(&hours.room[i]);
    for (size_t i = 0; i < hindsight->pasts; i++)
        count_days(all, hindsight->past[i], 0, EVIDENCES, 1);
    show(hindsight, all);
    hindsight->measured = true;
    for (size_t i = 0; i < hindsight->pasts; i++) {
        measure_without(hindsight, hindsight->past[i]);
        fuse_days(hindsight->past[i]);
    }
    for (size_t i = 0; i < hindsight->pasts; i++)
        count_days(all, hindsight->past[i], EVIDENCES, CALIBRATIONS, 1);
    show(hindsight, all);
    measure_fini(hindsight); /* they lack what days come to */
    for (size_t i = 0; i < hindsight->pasts; i++) {
        measure_without(hindsight, hindsight->past[i]);
        rate_days(hindsight->past[i]);
    }
    free(all);
}

/* --- without a host --------------------------------------------------------------------------- */

void measure_without(struct hindsight *hindsight, struct past *past)
{
    size_t slot = past->number % HINDSIGHT_MEASURES;
    if (!hindsight->measured || hindsight->measure[slot].past == past)
        return;
    struct calibrations *others = hindsight->measure[slot].calibrations;
    if (hindsight->measure[slot].past)
        hindsight->measure[slot].past->profile->measures = NULL;
    if (!others)
        others = hindsight->measure[slot].calibrations = xcalloc(1, sizeof *others);
    *others = hindsight->fleet->all.now.calibrations;
    count_days(others, past, 0, CALIBRATIONS, -1);
    fit(others, 0, CALIBRATIONS);
    hindsight->measure[slot].past = past;
    past->measures = (struct measures){.fleet = others};
    past->profile->measures = &past->measures;
}

void measure_fini(struct hindsight *hindsight)
{
    for (size_t i = 0; i < HINDSIGHT_MEASURES; i++) {
        if (hindsight->measure[i].past)
            hindsight->measure[i].past->profile->measures = NULL;
        free(hindsight->measure[i].calibrations);
        hindsight->measure[i].calibrations = NULL;
        hindsight->measure[i].past = NULL;
    }
}
