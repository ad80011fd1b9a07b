/* The screens of `weir top` as lines. A column is a row of a table: its title, its width, the width
 * of the terminal from which it is shown, and what it says of a row. What is unusual is said by a
 * mark, not only in a colour. See top.h. */
#include "top.h"

#include "profile_text.h"
#include "weir/base/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSUAL   0.01 /* p of as much in such an hour */
#define WIDTH_MAX 400
#define WIDTH_MIN 20
#define CELL      512
#define HEAD_ROWS 3 /* above the rows: who and when, what is not seen, the titles */

const char *const top_order_name[TOP_ORDERS] = {"out", "rate", "in", "name"};

/* --- lines ------------------------------------------------------------------------------------ */

struct drawing {
    struct top_view *view;
    size_t width;
};

static void add_line(struct drawing *to, enum top_ink ink, const char *text)
{
    char *fitted = xcalloc(1, TOP_FIT(to->width));
    top_fit(text, to->width, false, fitted, TOP_FIT(to->width));
    struct top_line *line = &to->view->line[to->view->count++];
    *line = (struct top_line){fitted, ink};
}

static void say(struct drawing *to, enum top_ink ink, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct drawing *to, enum top_ink ink, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    int size = vasprintf(&text, format, list);
    va_end(list);
    if (size < 0)
        return;
    add_line(to, ink, text);
    free(text);
}

/* --- columns ---------------------------------------------------------------------------------- */

static bool is_unusual(const struct top_row *row)
{
    return row->p > 0 && row->p < UNUSUAL && row->expected_known &&
           row->out_bytes > row->expected[1];
}

static void put_name(const struct top_row *row, char *cell)
{
    snprintf(cell, CELL, "%s", row->name);
}

static void put_out(const struct top_row *row, char *cell)
{
    char text[PROFILE_TEXT_FIGURE];
    snprintf(cell, CELL, "%s%s", is_unusual(row) ? "! " : "",
             profile_text_bytes((double)row->out_bytes, text));
}

static void put_expected(const struct top_row *row, char *cell)
{
    char least[PROFILE_TEXT_FIGURE], most[PROFILE_TEXT_FIGURE];
    if (row->expected_known)
        snprintf(cell, CELL, "%s-%s", profile_text_bytes((double)row->expected[0], least),
                 profile_text_bytes((double)row->expected[1], most));
    else
        snprintf(cell, CELL, "-");
}

static void put_rate(const struct top_row *row, char *cell)
{
    char text[PROFILE_TEXT_FIGURE];
    if (isnan(row->rate))
        snprintf(cell, CELL, "-");
    else
        snprintf(cell, CELL, "%s/s", profile_text_bytes(row->rate, text));
}

static void put_spark(const struct top_row *row, char *cell)
{
    top_spark(row->sample, row->samples, cell);
}

static void put_in(const struct top_row *row, char *cell)
{
    profile_text_bytes((double)row->in_bytes, cell);
}

/* Closed hours of the day are the profile's to know. */
static void put_day(const struct top_row *row, char *cell)
{
    char text[PROFILE_TEXT_FIGURE];
    snprintf(cell, CELL, "%s%s",
             row->past_known ? "" : ">=", profile_text_bytes((double)row->day_bytes, text));
}

static void put_count(const struct top_row *row, char *cell)
{
    snprintf(cell, CELL, "%" PRIu64, row->count);
}

static void put_state(const struct top_row *row, char *cell)
{
    snprintf(cell, CELL, "%s", *row->state ? row->state : "-");
}

static void put_role(const struct top_row *row, char *cell)
{
    snprintf(cell, CELL, "%s%s", row->role, row->met ? "" : ", new");
}

static void put_incident(const struct top_row *row, char *cell)
{
    if (*row->incident)
        snprintf(cell, CELL, "inc-%.6s %" PRId64 " %s", row->incident, row->score, row->urgency);
    else
        *cell = '\0';
}

struct column {
    const char *title;
    size_t width, from; /* width 0: what the others leave */
    bool right;
    void (*put)(const struct top_row *row, char *cell);
};

static const struct column hosts_column[] = {
    {"HOST", 0, 0, false, put_name},
    {"OUT", 11, 0, true, put_out},
    {"EXPECTED 5-95 %", 18, 66, true, put_expected},
    {"RATE", 11, 46, true, put_rate},
    {"RATES", TOP_SAMPLES, 110, false, put_spark},
    {"IN", 9, 134, true, put_in},
    {"TODAY", 11, 100, true, put_day},
    {"DEST", 5, 124, true, put_count},
    {"BASELINE", 9, 146, false, put_state},
    {"INCIDENT", 20, 78, false, put_incident},
};

static const struct column pairs_column[] = {
    {"DESTINATION", 0, 0, false, put_name},
    {"OUT", 11, 0, true, put_out},
    {"EXPECTED 5-95 %", 18, 66, true, put_expected},
    {"RATE", 11, 46, true, put_rate},
    {"RATES", TOP_SAMPLES, 124, false, put_spark},
    {"IN", 9, 100, true, put_in},
    {"FLOWS", 6, 112, true, put_count},
    {"OPENED", 11, 110, false, put_role},
    {"INCIDENT", 20, 78, false, put_incident},
};

struct columns {
    const struct column *column;
    size_t count;
};

static struct columns columns_of(enum top_screen screen)
{
    return screen == TOP_HOSTS
               ? (struct columns){hosts_column, sizeof hosts_column / sizeof *hosts_column}
               : (struct columns){pairs_column, sizeof pairs_column / sizeof *pairs_column};
}

/* What is left for the first column. */
static size_t name_width(struct columns columns, size_t width)
{
    size_t used = 0;
    for (size_t i = 1; i < columns.count; i++)
        if (width >= columns.column[i].from)
            used += columns.column[i].width + 1;
    return width > used ? width - used : 1;
}

/* `row` NULL: the titles. */
static void add_row(struct drawing *to, enum top_ink ink, struct columns columns,
                    const struct top_row *row)
{
    struct buffer text = {0};
    for (size_t i = 0; i < columns.count; i++) {
        const struct column *column = &columns.column[i];
        size_t width = column->width ? column->width : name_width(columns, to->width);
        char cell[CELL], fitted[TOP_FIT(WIDTH_MAX)];
        if (to->width < column->from)
            continue;
        if (row)
            column->put(row, cell);
        top_fit(row ? cell : column->title, width, column->right, fitted, sizeof fitted);
        buffer_text(&text, "%s%s", i ? " " : "", fitted);
    }
    buffer_u8(&text, 0);
    add_line(to, ink, (const char *)text.data);
    buffer_fini(&text);
}

/* --- rows ------------------------------------------------------------------------------------- */

static double known(double value)
{
    return isnan(value) ? -1 : value;
}

static int order_of(enum top_order order, const struct top_row *a, const struct top_row *b)
{
    double one = 0, other = 0;
    if (order == TOP_BY_RATE) {
        one = known(a->rate);
        other = known(b->rate);
    } else if (order == TOP_BY_IN) {
        one = (double)a->in_bytes;
        other = (double)b->in_bytes;
    } else if (order == TOP_BY_OUT) {
        one = (double)a->out_bytes;
        other = (double)b->out_bytes;
    }
    return one > other ? -1 : one < other ? 1 : strcmp(a->name, b->name);
}

/* Hosts come as asked for, but by rate, which only we know; so do names, in order of their bytes.
 */
static size_t order_rows(const struct top_state *state, const struct top_row *shown[TOP_ROWS])
{
    const struct top_page *page = state->screen == TOP_HOSTS ? &state->hosts : &state->host;
    bool as_it_came = state->screen == TOP_HOSTS && state->order != TOP_BY_RATE;
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct top_row *row = &page->row[i];
        size_t at = count;
        if (state->screen == TOP_HOST && *state->find && !strstr(row->name, state->find))
            continue;
        while (!as_it_came && at > 0 && order_of(state->order, row, shown[at - 1]) < 0) {
            shown[at] = shown[at - 1];
            at--;
        }
        shown[at] = row;
        count++;
    }
    return count;
}

const struct top_row *top_chosen(const struct top_state *state)
{
    const struct top_row *shown[TOP_ROWS];
    if (state->screen == TOP_INCIDENT)
        return NULL;
    size_t count = order_rows(state, shown), chosen = state->chosen[state->screen];
    if (count == 0)
        return NULL;
    return shown[chosen < count ? chosen : count - 1];
}

/* The chosen row stays in sight. */
static void settle(struct top_state *state, size_t count, size_t room)
{
    size_t *chosen = &state->chosen[state->screen], *first = &state->first[state->screen];
    if (*chosen >= count)
        *chosen = count > 0 ? count - 1 : 0;
    if (*chosen < *first)
        *first = *chosen;
    if (room > 0 && *chosen >= *first + room)
        *first = *chosen - room + 1;
}

static void add_rows(struct drawing *to, struct top_state *state, size_t room, bool live)
{
    const struct top_row *shown[TOP_ROWS];
    struct columns columns = columns_of(state->screen);
    size_t count = order_rows(state, shown);
    add_row(to, TOP_HEAD, columns, NULL);
    settle(state, count, room);
    size_t first = live ? state->first[state->screen] : 0;
    for (size_t i = first; i < count && i - first < room; i++) {
        bool chosen = live && i == state->chosen[state->screen];
        enum top_ink ink = chosen ? TOP_CHOSEN : is_unusual(shown[i]) ? TOP_LOUD : TOP_PLAIN;
        add_row(to, ink, columns, shown[i]);
    }
}

/* --- what stands around them ------------------------------------------------------------------ */

static void add_sensor(struct drawing *to, const struct top_state *state)
{
    const struct top_sensor *sensor = &state->sensor;
    const struct top_page *page = state->screen == TOP_HOSTS ? &state->hosts : &state->host;
    char now[40] = "no packet yet";
    if (page->now.ns > 0)
        ptime_iso(page->now, now, sizeof now);
    say(to, TOP_HEAD, "weir %s  %s  %" PRIu64 " incidents open%s", sensor->name, now,
        sensor->incidents_open, state->paused ? "  PAUSED" : "");
    if (*state->message)
        say(to, TOP_LOUD, "NO ANSWER, figures are old: %s", state->message);
    else if (sensor->blinds > 0)
        say(to, TOP_LOUD, "BLIND NOW (%" PRIu64 "): %s", sensor->blinds, sensor->blind);
    else
        say(to, TOP_PLAIN, "blind now to nothing that it knows of");
}

static void add_summary(struct drawing *to, const struct top_state *state)
{
    const struct top_row *host = &state->host.host;
    char out[CELL], expected[CELL], day[CELL], incident[CELL];
    if (state->screen == TOP_HOSTS) {
        say(to, TOP_PLAIN,
            "hosts that sent or received in the site's present hour: %" PRIu64
            ", %zu here; by %s%s%s",
            state->hosts.total, state->hosts.count, top_order_name[state->order],
            *state->find || state->finding ? "; find: " : "", state->find);
        return;
    }
    put_out(host, out);
    put_expected(host, expected);
    put_day(host, day);
    put_incident(host, incident);
    say(to, is_unusual(host) ? TOP_LOUD : TOP_PLAIN,
        "%s  out %s this hour (%s), %s today; %s, %" PRIu64 " destinations%s%s%s%s", host->name,
        out, expected, day, *host->state ? host->state : "not known", state->host.total,
        *incident ? "; " : "", incident, *state->find || state->finding ? "; find: " : "",
        state->find);
}

static void add_story(struct drawing *to, const struct top_state *state, size_t room)
{
    const char *at = state->story ? state->story : "";
    for (size_t lines = 0; *at && lines < room; lines++) {
        int size = (int)strcspn(at, "\n");
        say(to, TOP_PLAIN, "%.*s", size, at);
        at += size + (at[size] == '\n');
    }
}

static void add_keys(struct drawing *to, const struct top_state *state)
{
    if (state->finding)
        add_line(to, TOP_HEAD, "find: type, Enter ends, Backspace takes back");
    else if (state->screen == TOP_INCIDENT)
        add_line(to, TOP_HEAD, "Left back  q quit");
    else
        add_line(to, TOP_HEAD,
                 "Up Down  Enter look into  Left back  o order  / find  p pause  q quit");
}

static size_t lines_of(const struct top_state *state)
{
    size_t lines = 2 * HEAD_ROWS + TOP_ROWS;
    for (const char *at = state->story; at && *at; at++)
        lines += *at == '\n';
    return lines + 1;
}

void top_view_make(struct top_state *state, size_t width, size_t height, struct top_view *view)
{
    size_t fixed = HEAD_ROWS + 2; /* and the line of keys */
    size_t room = height == 0 ? TOP_ROWS : height > fixed ? height - fixed : 1;
    struct drawing to = {view, width < WIDTH_MIN   ? WIDTH_MIN
                               : width > WIDTH_MAX ? WIDTH_MAX
                                                   : width};
    *view = (struct top_view){.line = xcalloc(lines_of(state) + height, sizeof *view->line)};
    add_sensor(&to, state);
    if (state->screen == TOP_INCIDENT) {
        add_story(&to, state, height == 0 ? SIZE_MAX : room + 2);
    } else {
        add_summary(&to, state);
        add_rows(&to, state, room, height > 0);
    }
    while (view->count + 1 < height)
        add_line(&to, TOP_PLAIN, "");
    if (height > 0)
        add_keys(&to, state);
}

void top_view_free(struct top_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        free(view->line[i].text);
    free(view->line);
    *view = (struct top_view){.line = NULL};
}
