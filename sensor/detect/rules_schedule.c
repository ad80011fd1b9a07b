/* When a rule holds, by the site's clock. A span that ends at or before its start ends on the next
 * day: "fri 20:00-06:00" is Friday evening and Saturday morning. Thread: any (pure). */
#include "rules_local.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_MINUTES 1440

static int day_of(const char *text)
{
    static const char *const name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++)
        if (strncasecmp(text, name[i], 3) == 0)
            return i;
    return -1;
}

/* "mon" or "mon-fri", over the week's end too. Returns what follows, or NULL. */
static const char *read_days(const char *text, uint8_t *days)
{
    int first = day_of(text), last = first;
    if (first < 0)
        return NULL;
    text += 3;
    if (*text == '-') {
        last = day_of(text + 1);
        if (last < 0)
            return NULL;
        text += 4;
    }
    for (int day = first;; day = (day + 1) % 7) {
        *days |= (uint8_t)(1u << day);
        if (day == last)
            return text;
    }
}

/* "08:30"; returns what follows, or NULL. */
static const char *read_minute(const char *text, uint16_t *minute)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return NULL;
    int hours = 10 * (text[0] - '0') + text[1] - '0';
    int minutes = 10 * (text[3] - '0') + text[4] - '0';
    if (minutes > 59 || hours * 60 + minutes > DAY_MINUTES)
        return NULL;
    *minute = (uint16_t)(hours * 60 + minutes);
    return text + 5;
}

/* "mon-fri 20:00-06:00", "sat", "20:00-06:00". */
static const char *read_span(const char *text, struct rule_span *span)
{
    *span = (struct rule_span){.days = 0, .end_minute = DAY_MINUTES};
    const char *at = read_days(text, &span->days);
    if (!at) {
        span->days = 0x7f;
        at = text;
    } else {
        while (*at == ' ')
            at++;
    }
    if (*at < '0' || *at > '9')
        return at == text ? NULL : at;
    at = read_minute(at, &span->start_minute);
    if (!at || *at != '-')
        return NULL;
    return read_minute(at + 1, &span->end_minute);
}

int rule_read_schedule(const char *text, struct rule_schedule *schedule)
{
    static const char *const word[] = {"always", "work_hours", "off_hours"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, word[i]) == 0) {
            schedule->when = (enum rule_when)i;
            return 0;
        }
    schedule->when = RULE_SPANNED;
    for (schedule->span_count = 0; schedule->span_count < RULE_SPANS;) {
        text = read_span(text + strspn(text, " "), &schedule->span[schedule->span_count++]);
        if (!text)
            return -1;
        text += strspn(text, " ");
        if (!*text)
            return 0;
        if (*text++ != ',')
            return -1;
    }
    return -1;
}

static bool is_in(const struct rule_span *span, int weekday, int minute)
{
    bool today = (span->days >> weekday) & 1;
    bool yesterday = (span->days >> ((weekday + 6) % 7)) & 1;
    if (span->start_minute < span->end_minute)
        return today && minute >= span->start_minute && minute < span->end_minute;
    return (today && minute >= span->start_minute) || (yesterday && minute < span->end_minute);
}

bool rule_schedule_holds(const struct rule_schedule *schedule, const struct rule_facts *facts)
{
    const struct rule_fact *work = &facts->fact[FIELD_WORK_HOURS];
    switch (schedule->when) {
    case RULE_ALWAYS:
        return true;
    case RULE_WORK_HOURS:
        return work->known && work->number;
    case RULE_OFF_HOURS:
        return work->known && !work->number;
    case RULE_SPANNED:
        break;
    }
    for (size_t i = 0; i < schedule->span_count; i++)
        if (is_in(&schedule->span[i], facts->weekday, facts->minute))
            return true;
    return false;
}
