/* What a report is made from as any bytes. The first byte says what the rest is: lines of what was
 * told and of flows (a line that begins with "F" is a flow's), from which a report is written in
 * both languages and as JSON, which must be readable; a policy of deadlines; a line of filters. A
 * page never holds a byte of markup that is not ours. */
#include "weir/investigate/report.h"

#include "weir/base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void report_flow_line(struct report *report, const char *line, size_t size); /* report_local.h */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct calendar *calendar_of(void)
{
    static struct calendar *calendar; /* one a process */
    static const struct calendar_config tokyo = {.timezone = "Asia/Tokyo", .work_end = 18};
    if (!calendar)
        calendar = calendar_new(&tokyo, NULL);
    return calendar;
}

static void show(struct report *report)
{
    char *json = report_json(report);
    struct json_value *root = json_parse(json, strlen(json), NULL);
    if (!root)
        abort();
    json_value_free(root);
    free(json);
    for (int i = 0; i < REPORT_LANGUAGES; i++) {
        char *page = report_html(report, (enum report_language)i);
        if (strstr(page, "<script") || strstr(page, "\xe2\x80\xae") || strchr(page, '\x1b'))
            abort();
        free(page);
    }
}

static void each_line(struct report *report, const char *at, const char *end, int reading)
{
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
        bool flow = length > 0 && *at == 'F';
        if (flow && reading == 2)
            report_flow_line(report, at + 1, length - 1);
        else if (!flow && reading == 0)
            report_seek(report, at, length);
        else if (!flow && reading == 1)
            report_gather(report, at, length);
        at += length + 1;
    }
}

static void report_of(const char *text, size_t size, const char *host)
{
    const struct report_question question = {.since = PTIME_MIN,
                                             .until = PTIME_MAX,
                                             .aware = PTIME_MIN,
                                             .host = host,
                                             .calendar = calendar_of(),
                                             .timezone = "Asia/Tokyo"};
    struct report *report = report_new(&question);
    each_line(report, text, text + size, 0);
    if (report_choose(report, NULL) == 0) {
        each_line(report, text, text + size, 1);
        each_line(report, text, text + size, 2);
        show(report);
    }
    report_free(report);
}

static void clock_of(const char *text, size_t size)
{
    struct clocks *clocks = calloc(1, sizeof *clocks);
    struct error error = {0};
    calendar_of();
    if (clocks && clocks_parse(clocks, "x.yaml", text, size, &error) == 0)
        for (size_t i = 0; i < clocks->clock[0].duties; i++)
            clock_due(&clocks->clock[0], i, (struct ptime){INT64_C(1772377200000000000)}, true);
    clocks_fini(clocks);
    free(clocks);
}

static void filter_of(const char *text, size_t size)
{
    struct json_value *root = json_parse(text, size, NULL);
    struct sift_filter filter;
    if (sift_filter_read(&filter, root) && filter.bits > 0)
        sift_filter_has(&filter, size);
    sift_filter_fini(&filter);
    json_value_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    switch (*data % 4) {
    case 0:
        clock_of(text, size - 1);
        break;
    case 1:
        filter_of(text, size - 1);
        break;
    case 2:
        report_of(text, size - 1, "10.0.0.0/8");
        break;
    default:
        report_of(text, size - 1, NULL);
    }
    return 0;
}
