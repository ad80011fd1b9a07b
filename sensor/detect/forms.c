/* Looking at a volume by the hour and by the day, and how often a day that is done.
 *
 * A threshold is a rate of alerts a host and day, so a p must be one for a day of looks: an hour's
 * p is multiplied by the hours looked at, a pair's by the pairs looked at (the union bound: the
 * expected number of false alarms is at most the sum of what each look may do), and the less likely
 * of the two forms by two. Thread: any (pure). */
#include "rows.h"

#include <math.h>
#include <stdio.h>

struct forms forms_of(struct estimate hour, double hour_looks, struct estimate day,
                      double day_looks)
{
    struct forms forms = {hour, day, false, 1};
    forms.hour.p = fmin(1.0, hour.p * hour_looks);
    forms.day.p = fmin(1.0, day.p * day_looks);
    forms.by_hour = forms.hour.p < forms.day.p;
    forms.p = fmin(1.0, 2 * fmin(forms.hour.p, forms.day.p));
    return forms;
}

struct estimate forms_estimate(const struct forms *forms)
{
    struct estimate estimate = forms->by_hour ? forms->hour : forms->day;
    estimate.p = forms->p;
    return estimate;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct forms forms_of_pair(const struct subject *subject, uint64_t bytes)
{
    const struct profile *host = subject->host;
    const struct pair *pair = subject->pair;
    struct estimate hour = survival_pair_hour(host, pair, subject->fleet, &subject->civil,
                                              at_most(subject->hour.value, bytes));
    struct estimate day = survival_pair_day(host, pair, subject->fleet, &subject->civil, bytes);
    double pairs =
        survival_pairs_a_day(host, pair->destination.role, &subject->civil, PAIR_FLOOR_BYTES);
    return forms_of(hour, pairs * survival_pair_hours_a_day(pair), day, pairs);
}

void describe_pair(const struct subject *subject, struct finding *finding, const char *hour_code,
                   const char *day_code, const char *verb)
{
    struct forms forms = forms_of_pair(subject, subject->day.value);
    struct estimate estimate = forms_estimate(&forms);
    uint64_t bytes =
        forms.by_hour ? at_most(subject->hour.value, subject->day.value) : subject->day.value;
    char amount[BYTES_TEXT_SIZE], usual[USUAL_TEXT_SIZE];
    struct reason *reason =
        reason_of(finding, forms.by_hour ? hour_code : day_code, bytes, &estimate);
    bytes_text(bytes, amount);
    usual_text(&estimate, forms.by_hour ? "earlier hours" : "earlier days", usual);
    snprintf(reason->text, sizeof reason->text, "%s %.9s %.50s in this %s%s", amount, verb,
             subject->destination->name, forms.by_hour ? "hour" : "day", usual);
}

uint64_t new_pair_bytes(const struct subject *subject)
{
    const struct pair *pair = subject->pair;
    bool first_week = !pair || subject->civil.hour - pair->first_hour < PAIR_YOUNG_HOURS;
    return first_week && subject->week.value > subject->day.value ? subject->week.value
                                                                  : subject->day.value;
}
