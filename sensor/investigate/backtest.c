/* See weir/investigate/backtest.h. */
#include "backtest_local.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct backtest *backtest_new(const struct rules *now, const struct rules *proposed)
{
    struct backtest *b = xcalloc(1, sizeof *b);
    b->half[BACKTEST_NOW].rules = now;
    b->half[BACKTEST_PROPOSED].rules = proposed;
    for (int side = 0; side < BACKTEST_SIDES; side++) {
        map_init(&b->half[side].alerts);
        map_init(&b->half[side].incidents);
        map_init(&b->half[side].spent);
        map_init(&b->half[side].held);
    }
    return b;
}

void backtest_free(struct backtest *b)
{
    if (!b)
        return;
    for (int side = 0; side < BACKTEST_SIDES; side++) {
        map_fini(&b->half[side].alerts, free);
        map_fini(&b->half[side].incidents, NULL);
        map_fini(&b->half[side].spent, NULL);
        map_fini(&b->half[side].held, free);
    }
    free(b->difference);
    free(b->day);
    free(b);
}

/* --- what a run told -------------------------------------------------------------------------- */

static struct backtest_alert *alert_of(const struct retold_record *r, const char *id,
                                       struct calendar *calendar)
{
    struct backtest_alert *alert = xcalloc(1, sizeof *alert);
    snprintf(alert->id, sizeof alert->id, "%s", id);
    snprintf(alert->incident, sizeof alert->incident, "%s", r->incident);
    snprintf(alert->host, sizeof alert->host, "%s", r->sensor ? "the sensor" : r->host);
    snprintf(alert->destination, sizeof alert->destination, "%s",
             r->sensor ? r->sight : r->destination);
    snprintf(alert->rule, sizeof alert->rule, "%s", r->rule);
    snprintf(alert->text, sizeof alert->text, "%s", r->text);
    alert->time = r->time;
    alert->day = calendar_at(calendar, r->time).day;
    alert->score = r->score;
    alert->urgency = r->urgency;
    return alert;
}

static void keep(struct backtest_half *half, const struct retold_record *r,
                 struct calendar *calendar)
{
    const char *id = json_text(json_find(r->root, "event.id"));
    if (!id || strlen(id) != ALERT_ID_SIZE - 1) {
        half->damaged++;
        return;
    }
    if (half->alerts.count >= BACKTEST_ALERTS) {
        half->beyond++;
        return;
    }
    struct backtest_alert *alert = alert_of(r, id, calendar);
    free(map_put(&half->alerts, id, ALERT_ID_SIZE - 1, alert));
    map_put(&half->incidents, alert->incident, ALERT_ID_SIZE - 1, half);
    if (retold_is_budgeted(alert->rule))
        map_put(&half->spent, alert->incident, ALERT_ID_SIZE - 1, half);
}

void backtest_line(struct backtest *b, enum backtest_side side, struct calendar *calendar,
                   const char *line, size_t size)
{
    struct backtest_half *half = &b->half[side];
    struct retold_record r;
    if (!retold_record_read(&r, line, size)) {
        half->damaged++;
    } else if (r.kind == RETOLD_ALERT && strcmp(r.state, "close") != 0) {
        half->told++;
        keep(half, &r, calendar);
    }
    retold_record_fini(&r);
}

void backtest_unread(struct backtest *b, enum backtest_side side, uint64_t places)
{
    b->half[side].damaged += places;
}

void backtest_withheld(struct backtest *b, enum backtest_side side, const char *incident,
                       const char *detector, const struct rule_exception *exception)
{
    struct map *held = &b->half[side].held;
    char key[ALERT_ID_SIZE + 64];
    int size = snprintf(key, sizeof key, "%s %.60s", incident, detector);
    if (map_get(held, key, (size_t)size))
        return;
    if (held->count >= BACKTEST_HELD) {
        b->half[side].held_beyond++;
        return;
    }
    struct backtest_held *by = xcalloc(1, sizeof *by);
    by->exception = exception;
    map_put(held, key, (size_t)size, by);
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool is_same(const struct backtest_alert *now, const struct backtest_alert *proposed)
{
    return now->score == proposed->score && now->urgency == proposed->urgency &&
           now->time.ns == proposed->time.ns;
}

static void add(struct backtest *b, enum backtest_change change, const struct backtest_alert *now,
                const struct backtest_alert *proposed)
{
    struct backtest_difference *d = &b->difference[b->difference_count++];
    *d = (struct backtest_difference){.change = change, .now = now, .proposed = proposed};
    b->changes[change]++;
    backtest_explain(b, d);
}

static const struct backtest_alert *either(const struct backtest_difference *d)
{
    return d->proposed ? d->proposed : d->now;
}

static int compare_differences(const void *left, const void *right)
{
    const struct backtest_difference *a = left, *b = right;
    if (a->change != b->change)
        return a->change < b->change ? -1 : 1;
    if (either(a)->time.ns != either(b)->time.ns)
        return either(a)->time.ns < either(b)->time.ns ? -1 : 1;
    return strcmp(either(a)->id, either(b)->id);
}

/* An alert that the other side had no room for is not said to be gained or lost. */
static void find_differences(struct backtest *b)
{
    const struct backtest_half *now = &b->half[BACKTEST_NOW],
                               *proposed = &b->half[BACKTEST_PROPOSED];
    const struct map_entry *entry;
    b->difference = xcalloc(now->alerts.count + proposed->alerts.count + 1, sizeof *b->difference);
    for (size_t at = 0; (entry = map_next(&now->alerts, &at)) != NULL;) {
        const struct backtest_alert *other =
            map_get(&proposed->alerts, entry->key, entry->key_size);
        if (!other && proposed->beyond == 0)
            add(b, BACKTEST_LOST, entry->value, NULL);
        else if (other && !is_same(entry->value, other))
            add(b, BACKTEST_CHANGED, entry->value, other);
    }
    for (size_t at = 0; (entry = map_next(&proposed->alerts, &at)) != NULL;)
        if (!map_get(&now->alerts, entry->key, entry->key_size) && now->beyond == 0)
            add(b, BACKTEST_GAINED, NULL, entry->value);
    qsort(b->difference, b->difference_count, sizeof *b->difference, compare_differences);
}

/* --- day by day ------------------------------------------------------------------------------- */

static struct backtest_day *day_of(struct map *days, int64_t day)
{
    struct backtest_day *found = map_get(days, &day, sizeof day);
    if (found)
        return found;
    found = xcalloc(1, sizeof *found);
    found->day = day;
    map_put(days, &day, sizeof day, found);
    return found;
}

static void count_side(struct map *days, const struct backtest_half *half, int side)
{
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&half->alerts, &at)) != NULL;) {
        const struct backtest_alert *alert = entry->value;
        struct backtest_day *day = day_of(days, alert->day);
        day->told[side]++;
        day->budgeted[side] += retold_is_budgeted(alert->rule);
    }
}

static int compare_days(const void *left, const void *right)
{
    const struct backtest_day *a = left, *b = right;
    return (a->day > b->day) - (a->day < b->day);
}

static void count_days(struct backtest *b)
{
    struct map days;
    const struct map_entry *entry;
    map_init(&days);
    for (int side = 0; side < BACKTEST_SIDES; side++)
        count_side(&days, &b->half[side], side);
    for (size_t i = 0; i < b->difference_count; i++) {
        const struct backtest_difference *d = &b->difference[i];
        day_of(&days, either(d)->day)->changes[d->change]++;
    }
    b->day = xcalloc(days.count + 1, sizeof *b->day);
    for (size_t at = 0; (entry = map_next(&days, &at)) != NULL;)
        b->day[b->day_count++] = *(const struct backtest_day *)entry->value;
    qsort(b->day, b->day_count, sizeof *b->day, compare_days);
    map_fini(&days, free);
}

void backtest_compare(struct backtest *b)
{
    find_differences(b);
    count_days(b);
}
