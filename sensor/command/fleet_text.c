/* See fleet_text.h. Sensors' names are theirs: nothing in them is an order to a terminal (the
 * caller sees to that, line by line). */
#include "fleet_text.h"

#include "commands.h"
#include "profile_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN 64

/* As the store has it (store_close.c): of an hour that is due and not closed. */
static bool is_waited_for(const struct fleet_view *view, const struct store_sensor *sensor,
                          int64_t hour)
{
    return hour <= view->due && hour > view->overview->closed && hour > view->waited &&
           fleet_is_alive(sensor) && !fleet_is_complete(sensor, hour);
}

static bool is_passed_over(const struct fleet_view *view, const struct store_sensor *sensor,
                           int64_t hour)
{
    return hour <= view->due && !fleet_is_complete(sensor, hour) &&
           !is_waited_for(view, sensor, hour);
}

/* --- for people ------------------------------------------------------------------------------- */

static const char *name_text(const struct store_sensor *sensor, char text[SHOWN])
{
    snprintf(text, SHOWN, "%s", sensor->name);
    command_make_harmless(text);
    return text;
}

static const char *hour_text(const struct fleet_view *view, int64_t hour, char text[40])
{
    if (hour == STORE_NO_HOUR)
        return "none";
    struct ptime starts = profile_text_hour(view->calendar, hour).starts;
    return calendar_text(view->calendar, starts, CALENDAR_MINUTE, text, 40);
}

static const char *span_text(uint64_t ms, char text[24])
{
    uint64_t s = ms / 1000;
    if (s < 120)
        snprintf(text, 24, "%" PRIu64 " s", s);
    else if (s < 7200)
        snprintf(text, 24, "%" PRIu64 " min", s / 60);
    else
        snprintf(text, 24, "%" PRIu64 " h", s / 3600);
    return text;
}

static const char *clock_text(const struct store_sensor *sensor, char text[24])
{
    snprintf(text, 24, "%+.1f s", (double)sensor->ahead_ms / 1e3);
    return sensor->clock_known ? text : "?";
}

static void put_counts(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    size_t count[FLEET_STATES] = {0};
    const char *before = "";
    for (size_t i = 0; i < o->sensors; i++)
        count[fleet_state_of(view, &o->sensor[i])]++;
    buffer_text(out, "sensors    ");
    for (int state = 0; state < FLEET_STATES; state++) {
        if (count[state] > 0)
            buffer_text(out, "%s%zu %s", before, count[state], fleet_state_name[state]);
        before = count[state] > 0 ? ", " : before;
    }
    if (o->sensors == 0)
        buffer_text(out, "none");
    if (o->more > 0)
        buffer_text(out, ", and %" PRIu64 " that are not listed", o->more);
    buffer_text(out, "\n");
}

static uint64_t hours_due(const struct fleet_view *view)
{
    int64_t closed = view->overview->closed;
    return closed == STORE_NO_HOUR || closed >= view->due ? 0 : (uint64_t)(view->due - closed);
}

static void put_hours(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    uint64_t due = hours_due(view);
    char text[40];
    buffer_text(out, "hours      closed through %s", hour_text(view, o->closed, text));
    if (due > 0)
        buffer_text(out, "; %" PRIu64 " more %s over", due, due == 1 ? "is" : "are");
    buffer_text(out, "\n");
}

/* Their names, behind `what`; how many. */
static size_t put_names(const struct fleet_view *view, struct buffer *out, const char *what,
                        bool (*is)(const struct fleet_view *view, const struct store_sensor *sensor,
                                   int64_t hour),
                        int64_t hour)
{
    const struct store_overview *o = view->overview;
    size_t count = 0;
    char name[SHOWN];
    for (size_t i = 0; i < o->sensors; i++)
        if (is(view, &o->sensor[i], hour))
            buffer_text(out, "%s%s", count++ ? ", " : what, name_text(&o->sensor[i], name));
    return count;
}

void fleet_put_status(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    char now[40], zone[40], closer[SHOWN];
    buffer_text(out, "clock      %s %s, the server's\n",
                calendar_text(view->calendar, o->now, CALENDAR_LONG, now, sizeof now),
                calendar_text(view->calendar, o->now, CALENDAR_ZONE, zone, sizeof zone));
    put_counts(view, out);
    put_hours(view, out);
    if (put_names(view, out, "waits for  ", is_waited_for, view->due) > 0)
        buffer_text(out, "\n");
    if (put_names(view, out, "without    ", is_passed_over, view->due) > 0)
        buffer_text(out, "\n");
    snprintf(closer, sizeof closer, "%s", o->closer ? o->closer : "nobody at the moment");
    command_make_harmless(closer);
    buffer_text(out, "closing    %s\n", closer);
    if (o->edits > 0)
        buffer_text(out, "tables     changed by hand %" PRIu64 " time%s\n", o->edits,
                    o->edits == 1 ? "" : "s");
    if (o->forgotten > 0)
        buffer_text(out, "forgotten  %" PRIu64 " host%s that not all sensors have dropped yet\n",
                    o->forgotten, o->forgotten == 1 ? "" : "s");
}

void fleet_put_sensors(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    buffer_text(out, "%-24s %-8s %-10s %-18s %-10s %s\n", "SENSOR", "STATE", "SIGN",
                "COMPLETE THROUGH", "SINCE", "CLOCK");
    for (size_t i = 0; i < o->sensors; i++) {
        const struct store_sensor *sensor = &o->sensor[i];
        char name[SHOWN], hour[40], silent[24], since[24], clock[24];
        buffer_text(out, "%-24s %-8s %-10s %-18s %-10s %s%s\n", name_text(sensor, name),
                    fleet_state_name[fleet_state_of(view, sensor)],
                    span_text(sensor->silent_ms, silent), hour_text(view, sensor->complete, hour),
                    span_text(sensor->since_ms, since), clock_text(sensor, clock),
                    sensor->forgets ? "  has hosts to forget" : "");
    }
    if (o->more > 0)
        buffer_text(out, "and %" PRIu64 " more\n", o->more);
}

static void put_hour(const struct fleet_view *view, struct buffer *out, int64_t hour)
{
    struct buffer without = {0};
    if (hour > view->due) {
        buffer_text(out, "open");
        return;
    }
    size_t passed = put_names(view, &without, "; without ", is_passed_over, hour);
    if (put_names(view, out, "", is_waited_for, hour) == 0)
        buffer_text(out, passed ? "nobody is waited for" : "all are complete");
    buffer_put(out, without.data, without.size);
    buffer_fini(&without);
}

void fleet_put_lag(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    buffer_text(out, "%-18s %10s  %s\n", "HOUR", "HOSTS", "WAITS FOR");
    for (size_t i = 0; i < o->hours; i++) {
        const struct store_hour *hour = &o->hour[i];
        char text[40];
        buffer_text(out, "%-18s %10" PRIu64 "  ", hour_text(view, hour->hour, text), hour->hosts);
        put_hour(view, out, hour->hour);
        buffer_text(out, "\n");
    }
    if (o->hours == 0)
        buffer_text(out, "nothing waits to be closed\n");
    if (o->more > 0)
        buffer_text(out, "of %zu sensors; %" PRIu64 " more are not listed, and may be waited for\n",
                    o->sensors, o->more);
}

/* --- for programs ----------------------------------------------------------------------------- */

static void json_hour(struct json *json, const struct fleet_view *view, const char *name,
                      int64_t hour)
{
    if (hour == STORE_NO_HOUR) {
        json_none(json, name);
        return;
    }
    json_open(json, name);
    json_int(json, "hour", hour);
    json_time(json, "starts", profile_text_hour(view->calendar, hour).starts);
    json_close(json);
}

static void json_names(struct json *json, const struct fleet_view *view, const char *name,
                       bool (*is)(const struct fleet_view *view, const struct store_sensor *sensor,
                                  int64_t hour),
                       int64_t hour)
{
    const struct store_overview *o = view->overview;
    json_list(json, name);
    for (size_t i = 0; i < o->sensors; i++)
        if (is(view, &o->sensor[i], hour))
            json_str(json, NULL, o->sensor[i].name);
    json_close(json);
}

static void finish_line(struct json *json, struct buffer *out)
{
    char *line = json_take_text(json, 0);
    buffer_text(out, "%s\n", line);
    free(line);
}

void fleet_json_status(const struct fleet_view *view, struct buffer *out)
{
    static const char *const key[FLEET_STATES] = {"at_work", "behind", "stuck", "silent"};
    const struct store_overview *o = view->overview;
    uint64_t count[FLEET_STATES] = {0};
    struct json *json = json_new();
    for (size_t i = 0; i < o->sensors; i++)
        count[fleet_state_of(view, &o->sensor[i])]++;
    json_open(json, NULL);
    json_time(json, "now", o->now);
    json_open(json, "sensors");
    for (int state = 0; state < FLEET_STATES; state++)
        json_uint(json, key[state], count[state]);
    json_uint(json, "more", o->more);
    json_close(json);
    json_hour(json, view, "closed", o->closed);
    json_hour(json, view, "due", view->due);
    json_uint(json, "hours_behind", hours_due(view));
    json_names(json, view, "waits_for", is_waited_for, view->due);
    json_names(json, view, "without", is_passed_over, view->due);
    json_str(json, "closer", o->closer);
    json_uint(json, "tables_edits", o->edits);
    json_uint(json, "forgotten", o->forgotten);
    json_close(json);
    finish_line(json, out);
    json_free(json);
}

void fleet_json_sensors(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    for (size_t i = 0; i < o->sensors; i++) {
        const struct store_sensor *sensor = &o->sensor[i];
        struct json *json = json_new();
        json_open(json, NULL);
        fleet_json_sensor(json, view, sensor);
        json_hour(json, view, "complete", sensor->complete);
        json_close(json);
        finish_line(json, out);
        json_free(json);
    }
}

void fleet_json_lag(const struct fleet_view *view, struct buffer *out)
{
    const struct store_overview *o = view->overview;
    for (size_t i = 0; i < o->hours; i++) {
        const struct store_hour *hour = &o->hour[i];
        struct json *json = json_new();
        json_open(json, NULL);
        json_int(json, "hour", hour->hour);
        json_time(json, "starts", profile_text_hour(view->calendar, hour->hour).starts);
        json_uint(json, "hosts", hour->hosts);
        json_bool(json, "due", hour->hour <= view->due);
        json_names(json, view, "waits_for", is_waited_for, hour->hour);
        json_names(json, view, "without", is_passed_over, hour->hour);
        json_uint(json, "more", o->more);
        json_close(json);
        finish_line(json, out);
        json_free(json);
    }
}
