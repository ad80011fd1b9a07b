/* backtest_compare, for people and for programs. */
#include "backtest_local.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static const char *const change_name[BACKTEST_CHANGES] = {"gained", "lost", "changed"};
static const char *const side_name[BACKTEST_SIDES] = {"now", "proposed"};

static const char *date_of(int64_t day, char date[16])
{
    time_t seconds = day * (NS_PER_DAY / NS_PER_S);
    struct tm tm;
    strftime(date, 16, "%Y-%m-%d", gmtime_r(&seconds, &tm));
    return date;
}

static void put_totals(struct buffer *out, const struct backtest *b)
{
    const struct backtest_half *now = &b->half[BACKTEST_NOW],
                               *proposed = &b->half[BACKTEST_PROPOSED];
    buffer_text(out, "judged as a live sensor would, hour by hour\n"
                     "                              now    proposed\n");
    buffer_text(out, "alerts                 %10" PRIu64 "  %10" PRIu64 "\n", now->told,
                proposed->told);
    buffer_text(out, "incidents              %10zu  %10zu\n", now->incidents.count,
                proposed->incidents.count);
    buffer_text(out, "  of the alert budget  %10zu  %10zu\n", now->spent.count,
                proposed->spent.count);
    buffer_text(out, "gained %" PRIu64 ", lost %" PRIu64 ", changed %" PRIu64 "\n",
                b->changes[BACKTEST_GAINED], b->changes[BACKTEST_LOST],
                b->changes[BACKTEST_CHANGED]);
}

static void put_beyond(struct buffer *out, const struct backtest *b)
{
    for (int side = 0; side < BACKTEST_SIDES; side++) {
        const struct backtest_half *half = &b->half[side];
        if (half->beyond > 0)
            buffer_text(out,
                        "%s: %" PRIu64 " alerts more than the %u that are compared; what only the "
                        "other side tells is not listed\n",
                        side_name[side], half->beyond, BACKTEST_ALERTS);
        if (half->held_beyond > 0)
            buffer_text(out, "%s: exceptions held back more than is remembered (%u)\n",
                        side_name[side], BACKTEST_HELD);
        if (half->damaged > 0)
            buffer_text(out, "%s: %" PRIu64 " records could not be read\n", side_name[side],
                        half->damaged);
    }
}

static void put_days(struct buffer *out, const struct backtest *b)
{
    char date[16];
    if (b->day_count == 0)
        return;
    buffer_text(out, "\nalerts a day (of the budget)\n"
                     "                   now    gained      lost   changed       proposed\n");
    for (size_t i = 0; i < b->day_count; i++) {
        const struct backtest_day *day = &b->day[i];
        buffer_text(out,
                    "%s  %4" PRIu64 " (%" PRIu64 ")  %8" PRIu64 "  %8" PRIu64 "  %8" PRIu64
                    "  %8" PRIu64 " (%" PRIu64 ")\n",
                    date_of(day->day, date), day->told[BACKTEST_NOW], day->budgeted[BACKTEST_NOW],
                    day->changes[BACKTEST_GAINED], day->changes[BACKTEST_LOST],
                    day->changes[BACKTEST_CHANGED], day->told[BACKTEST_PROPOSED],
                    day->budgeted[BACKTEST_PROPOSED]);
    }
}

static const struct backtest_alert *alert_of(const struct backtest_difference *d)
{
    return d->proposed ? d->proposed : d->now;
}

static void put_difference(struct buffer *out, const struct backtest_difference *d)
{
    const struct backtest_alert *alert = alert_of(d);
    char time[32], name[16];
    buffer_text(out, "  %s  %s  %s%s%s  %s  score %" PRId64 "\n",
                ptime_iso(alert->time, time, sizeof time), incident_short(alert->incident, name),
                alert->host, *alert->destination ? " → " : "", alert->destination, alert->rule,
                alert->score);
    if (*alert->text)
        buffer_text(out, "      %s\n", alert->text);
    buffer_text(out, "      why: %s\n", d->why);
}

static void put_differences(struct buffer *out, const struct backtest *b)
{
    size_t at = 0;
    for (int change = 0; change < BACKTEST_CHANGES; change++) {
        size_t count = b->changes[change];
        if (count > 0)
            buffer_text(out, "\n%s (%zu)\n", change_name[change], count);
        for (size_t i = 0; i < count && i < BACKTEST_LISTED; i++)
            put_difference(out, &b->difference[at + i]);
        if (count > BACKTEST_LISTED)
            buffer_text(out, "  and %zu more (--json lists all)\n", count - BACKTEST_LISTED);
        at += count;
    }
}

char *backtest_text(const struct backtest *b)
{
    struct buffer out = {0};
    put_totals(&out, b);
    put_beyond(&out, b);
    put_days(&out, b);
    put_differences(&out, b);
    buffer_u8(&out, 0);
    return (char *)out.data;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_half(struct json *json, const char *key, const struct backtest_half *half)
{
    json_open(json, key);
    json_uint(json, "alerts", half->told);
    json_uint(json, "incidents", half->incidents.count);
    json_uint(json, "budgeted_incidents", half->spent.count);
    json_uint(json, "alerts_not_compared", half->beyond);
    json_uint(json, "records_unread", half->damaged);
    json_uint(json, "held_beyond", half->held_beyond);
    json_close(json);
}

static void put_day(struct json *json, const struct backtest_day *day)
{
    char date[16];
    json_open(json, NULL);
    json_str(json, "date", date_of(day->day, date));
    for (int side = 0; side < BACKTEST_SIDES; side++)
        json_uint(json, side_name[side], day->told[side]);
    json_uint(json, "budgeted_now", day->budgeted[BACKTEST_NOW]);
    json_uint(json, "budgeted_proposed", day->budgeted[BACKTEST_PROPOSED]);
    for (int change = 0; change < BACKTEST_CHANGES; change++)
        json_uint(json, change_name[change], day->changes[change]);
    json_close(json);
}

static void put_json(struct json *json, const struct backtest_difference *d)
{
    const struct backtest_alert *alert = alert_of(d);
    char time[32];
    json_open(json, NULL);
    json_str(json, "change", change_name[d->change]);
    json_str(json, "id", alert->id);
    json_str(json, "incident", alert->incident);
    json_str(json, "time", ptime_iso(alert->time, time, sizeof time));
    json_str(json, "rule", alert->rule);
    json_str(json, "host", alert->host);
    json_str(json, "destination", alert->destination);
    json_int(json, "score", alert->score);
    json_str(json, "text", alert->text);
    json_str(json, "why", d->why);
    json_close(json);
}

char *backtest_json(const struct backtest *b)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "mode", "online");
    for (int side = 0; side < BACKTEST_SIDES; side++)
        put_half(json, side_name[side], &b->half[side]);
    json_list(json, "days");
    for (size_t i = 0; i < b->day_count; i++)
        put_day(json, &b->day[i]);
    json_close(json);
    json_list(json, "differences");
    for (size_t i = 0; i < b->difference_count; i++)
        put_json(json, &b->difference[i]);
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 2);
    json_free(json);
    return text;
}
