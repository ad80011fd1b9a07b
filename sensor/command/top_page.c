/* What the sensor answered, as rows of `weir top`; and, from one page to the next, how fast each
 * sends. Text that came over the socket is made harmless here, once. See top.h. */
#include "top.h"

#include "weir/base/terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEAST_S 0.2 /* packet time between two pages from which a rate can be said */

static void read_text(const struct json_value *object, const char *key, char *to, size_t room)
{
    const char *text = json_text(json_get(object, key));
    snprintf(to, room, "%s", text ? text : "");
    terminal_make_harmless(to);
}

static uint64_t read_whole(const struct json_value *object, const char *key)
{
    int64_t value = 0;
    json_whole(json_get(object, key), &value);
    return value > 0 ? (uint64_t)value : 0;
}

static void read_expected(const struct json_value *object, struct top_row *row)
{
    const struct json_value *pair = json_get(object, "expected");
    int64_t least, most;
    row->expected_known = json_whole(json_at(pair, 0), &least) &&
                          json_whole(json_at(pair, 1), &most) && least >= 0 && most >= least;
    if (row->expected_known) {
        row->expected[0] = (uint64_t)least;
        row->expected[1] = (uint64_t)most;
    }
}

static void read_row(const struct json_value *object, struct top_row *row)
{
    const struct json_value *incident = json_get(object, "incident");
    const char *name = json_get(object, "host") ? "host" : "name";
    *row = (struct top_row){.p = NAN, .rate = NAN, .met = true}; /* null: nobody knows */
    read_text(object, name, row->name, sizeof row->name);
    row->out_bytes = read_whole(object, "out_bytes");
    row->in_bytes = read_whole(object, "in_bytes");
    row->day_bytes = read_whole(object, "day_out_bytes");
    row->count = read_whole(object, json_get(object, "destinations") ? "destinations" : "flows");
    json_truth(json_get(object, "past_known"), &row->past_known);
    json_truth(json_get(object, "met"), &row->met);
    json_decimal(json_get(object, "p"), &row->p);
    read_expected(object, row);
    read_text(object, "baseline", row->state, sizeof row->state);
    read_text(object, "role", row->role, sizeof row->role);
    read_text(incident, "id", row->incident, sizeof row->incident);
    read_text(incident, "urgency", row->urgency, sizeof row->urgency);
    read_text(incident, "rule", row->rule, sizeof row->rule);
    json_whole(json_get(incident, "score"), &row->score);
}

/* --- rates ------------------------------------------------------------------------------------ */

static const struct top_row *same_row(const struct top_page *page, const struct top_row *row)
{
    for (size_t i = 0; i < page->count; i++)
        if (strcmp(page->row[i].name, row->name) == 0 && strcmp(page->row[i].role, row->role) == 0)
            return &page->row[i];
    return NULL;
}

static void add_sample(struct top_row *row, double rate)
{
    if (row->samples == TOP_SAMPLES)
        memmove(row->sample, row->sample + 1, --row->samples * sizeof *row->sample);
    row->sample[row->samples++] = row->rate = rate;
}

/* Totals of an hour that has begun meanwhile are all new. While no packet time passes there is
 * nothing to measure by: the sample is taken later, of all that came until then. */
static void go_on(struct top_row *row, const struct top_row *was)
{
    double seconds = (double)(row->base.at.ns - was->base.at.ns) / 1e9;
    uint64_t base = row->base.hour.ns == was->base.hour.ns ? was->base.bytes : 0;
    memcpy(row->sample, was->sample, sizeof row->sample);
    row->samples = was->samples;
    row->rate = was->rate;
    if (seconds >= LEAST_S)
        add_sample(row, row->out_bytes > base ? (double)(row->out_bytes - base) / seconds : 0);
    else
        row->base = was->base;
}

static void begin_row(const struct top_page *page, struct top_row *row)
{
    row->base.at = page->now;
    row->base.hour = page->hour;
    row->base.bytes = row->out_bytes;
}

static void find_rates(const struct top_page *before, struct top_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct top_row *was = same_row(before, &page->row[i]);
        begin_row(page, &page->row[i]);
        if (was && was->base.at.ns > 0)
            go_on(&page->row[i], was);
    }
    begin_row(page, &page->host);
    if (page->host.name[0] && strcmp(page->host.name, before->host.name) == 0)
        go_on(&page->host, &before->host);
}

static struct ptime read_time(const struct json_value *object, const char *key)
{
    struct ptime time = {0};
    const char *text = json_text(json_get(object, key));
    return text && ptime_of_iso(text, &time) ? time : (struct ptime){0};
}

int top_page_read(const struct json_value *root, const char *list, const struct top_page *before,
                  struct top_page *page)
{
    const struct json_value *rows = json_get(root, list), *host = json_get(root, "host");
    static const struct top_page none;
    *page = none;
    if (!json_is_record(root) || !rows)
        return -1;
    page->now = read_time(root, "now");
    page->hour = read_time(json_get(root, "hour"), "starts");
    page->total = read_whole(root, "total");
    for (; page->count < TOP_ROWS && page->count < json_length(rows); page->count++)
        read_row(json_at(rows, page->count), &page->row[page->count]);
    if (host)
        read_row(host, &page->host);
    find_rates(before ? before : &none, page);
    return 0;
}

/* --- the sensor ------------------------------------------------------------------------------- */

void top_sensor_read(const struct json_value *status, struct top_sensor *sensor)
{
    const struct json_value *blind = json_get(status, "blind");
    const char *line = json_text(json_at(blind, 0));
    *sensor = (struct top_sensor){.blinds = json_length(blind)};
    read_text(status, "sensor", sensor->name, sizeof sensor->name);
    read_text(status, "state", sensor->state, sizeof sensor->state);
    snprintf(sensor->blind, sizeof sensor->blind, "%s", line ? line : "");
    terminal_make_harmless(sensor->blind);
    sensor->incidents_open = read_whole(json_get(status, "engine"), "incidents_open");
}
