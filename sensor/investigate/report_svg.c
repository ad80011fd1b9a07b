/* The timeline: a bar for each hour or day of the site, what went to the incident's destination
 * under what the host sent elsewhere, the expected band where an alert states one, a mark for each
 * alert. Drawn with whole numbers only, so the same figures give the same bytes. Thread: any. */
#include "html.h"
#include "phrase.h"
#include "report_local.h"

#include "weir/base/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WIDTH  960
#define HEIGHT 250
#define LEFT   70
#define RIGHT  10
#define TOP    34
#define BOTTOM 42
#define ACROSS (WIDTH - LEFT - RIGHT)
#define DOWN   (HEIGHT - TOP - BOTTOM)

struct drawing {
    struct buffer *out;
    const struct report *report;
    const struct report_incident *incident;
    const struct report_series *series;
    enum report_language language;
    uint64_t most; /* the top of the axis */
};

/* The next of 1, 2, 5, 10, … */
static uint64_t round_up(uint64_t value)
{
    uint64_t step = 1;
    while (step < UINT64_C(1000000000000000000) && step < value) {
        if (2 * step >= value)
            return 2 * step;
        if (5 * step >= value)
            return 5 * step;
        step *= 10;
    }
    return step;
}

static uint64_t most_of(const struct report_series *series)
{
    uint64_t most = series->band[1] > 0 ? (uint64_t)series->band[1] : 0;
    for (size_t i = 0; i < series->count; i++) {
        uint64_t sum = series->here[i] + series->elsewhere[i];
        most = sum > most ? sum : most;
    }
    return round_up(most ? most : 1);
}

static int height_of(const struct drawing *d, uint64_t bytes)
{
    return (int)((wide)(bytes < d->most ? bytes : d->most) * DOWN / d->most);
}

static int place_of(const struct drawing *d, size_t bar)
{
    return LEFT + (int)(bar * ACROSS / d->series->count);
}

static void put_text(struct drawing *d, int x, int y, const char *anchor, const char *text)
{
    buffer_text(d->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
    html_text(d->out, text);
    buffer_text(d->out, "</text>\n");
}

static void put_box(struct drawing *d, const char *class, int x, int y, int width, int height)
{
    buffer_text(d->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
                class, x, y, width, height);
}

static void put_axis(struct drawing *d)
{
    for (int i = 0; i <= 4; i++) {
        char text[FIGURE_SIZE];
        int y = TOP + DOWN - DOWN * i / 4;
        buffer_text(d->out, "<path class=\"grid\" d=\"M%d %dH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
        put_text(d, LEFT - 6, y + 4, "end", figure_bytes((uint64_t)((wide)d->most * i / 4), text));
    }
    put_text(d, 4, 12, "start",
             report_say(d->series->daily ? SAY_PER_DAY : SAY_PER_HOUR, d->language));
}

/* At most eight times below, from the first bar on. */
static void put_times(struct drawing *d)
{
    size_t step = (d->series->count + 7) / 8;
    for (size_t bar = 0; bar < d->series->count; bar += step) {
        char text[32];
        struct tm tm;
        time_t seconds = (time_t)(report_bar_time(d->series, bar).ns / NS_PER_S);
        strftime(text, sizeof text, d->series->daily ? "%Y-%m-%d" : "%m-%d %H:%M",
                 localtime_r(&seconds, &tm));
        int x = place_of(d, bar);
        buffer_text(d->out, "<path class=\"tick\" d=\"M%d %dv5\"/>\n", x, TOP + DOWN);
        if (x < WIDTH - 80)
            put_text(d, x, TOP + DOWN + 18, "start", text);
    }
}

static void put_band(struct drawing *d)
{
    const double *band = d->series->band;
    if (!(band[1] > 0))
        return;
    int top = height_of(d, (uint64_t)band[1]), bottom = height_of(d, (uint64_t)band[0]);
    int height = top - bottom > 2 ? top - bottom : 2;
    put_box(d, "band", LEFT, TOP + DOWN - top, ACROSS, height);
}

static void put_bars(struct drawing *d)
{
    for (size_t i = 0; i < d->series->count; i++) {
        int x = place_of(d, i), width = place_of(d, i + 1) - x;
        int here = height_of(d, d->series->here[i]);
        int all = height_of(d, d->series->here[i] + d->series->elsewhere[i]);
        width = width > 2 ? width - 1 : width > 0 ? width : 1;
        if (d->series->here[i] > 0 && here == 0)
            here = 1; /* little is not nothing */
        if (all > here)
            put_box(d, "elsewhere", x, TOP + DOWN - all, width, all - here);
        if (here > 0)
            put_box(d, "here", x, TOP + DOWN - here, width, here);
    }
}

static int place_of_time(const struct drawing *d, struct ptime time)
{
    struct ptime begin = d->series->begin, end = d->series->end;
    if (time.ns < begin.ns || time.ns >= end.ns)
        return -1;
    return LEFT + (int)((wide)(time.ns - begin.ns) * ACROSS / (end.ns - begin.ns));
}

static void put_marks(struct drawing *d)
{
    for (uint64_t n = 0; n < d->incident->marks; n++) {
        const struct report_mark *mark = report_mark_at(d->incident, n);
        char time[32];
        int x = mark ? place_of_time(d, mark->time) : -1;
        if (x < 0)
            continue;
        buffer_text(d->out, "<path class=\"mark\" d=\"M%d %dl-4 -8h8z\"><title>", x, TOP - 2);
        html_text(d->out, report_time(mark->time, time));
        buffer_text(d->out, " ");
        html_text(d->out, mark->rule);
        buffer_text(d->out, "</title></path>\n");
    }
}

static int put_key(struct drawing *d, int x, const char *class, const char *text)
{
    put_box(d, class, x, HEIGHT - 12, 10, 8);
    put_text(d, x + 14, HEIGHT - 4, "start", text);
    int columns = 0;
    for (const char *at = text; *at; at++)
        columns += (*at & 0xc0) != 0x80 ? ((unsigned char)*at >= 0xe3 ? 2 : 1) : 0;
    return x + 34 + 7 * columns;
}

static void put_legend(struct drawing *d)
{
    struct buffer band = {0};
    char low[FIGURE_SIZE], high[FIGURE_SIZE];
    int x = put_key(d, LEFT, "here", report_say(SAY_HERE, d->language));
    if (d->series->of == SERIES_FLOWS)
        x = put_key(d, x, "elsewhere", report_say(SAY_ELSEWHERE, d->language));
    x = put_key(d, x, "mark", report_say(SAY_MARKS, d->language));
    if (d->series->band[1] > 0) {
        const char *const arguments[] = {figure_bytes((uint64_t)d->series->band[0], low),
                                         figure_bytes((uint64_t)d->series->band[1], high),
                                         d->series->band_code, NULL};
        phrase_fill(&band, report_say(SAY_BAND, d->language), arguments, phrase_put_plain);
        buffer_u8(&band, 0);
        put_key(d, x, "band", (const char *)band.data);
        buffer_fini(&band);
    }
}

void report_svg(struct buffer *out, const struct report *report,
                const struct report_incident *incident, enum report_language language)
{
    struct drawing d = {.out = out,
                        .report = report,
                        .incident = incident,
                        .series = &incident->series,
                        .language = language};
    if (d.series->count == 0)
        return;
    d.most = most_of(d.series);
    buffer_text(out,
                "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
                "aria-label=\"",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
    html_text(out, report_say(SAY_TIMELINE, language));
    buffer_text(out, "\">\n");
    put_axis(&d);
    put_band(&d);
    put_bars(&d);
    put_marks(&d);
    put_times(&d);
    put_legend(&d);
    buffer_text(out, "</svg>\n");
}
