/* GET /v1/incidents/ID/report: what `weir report ID` writes, of the alerts and acts that are in
 * memory. When these are not all that there are since the sensor began it is refused: a report that
 * leaves out what was told would be a lie. Lines that cannot be of this incident, nor of the sensor
 * itself, are not read: a line costs what its JSON does. Thread: the engine's. */
#include "console_api.h"

#include "weir/base/buffer.h"
#include "weir/investigate/report.h"

#include <string.h>

struct reading {
    const struct console_news *news;
    const char *id;
    void (*take)(struct report *report, const char *line, size_t size);
};

/* The first and the last say between what times there is something to read. */
static void read_lines(const struct reading *reading, struct report *report)
{
    static const char own[] = "\"sensor.";
    const char *line, *last = NULL;
    size_t size, last_size = 0;
    enum news_kind kind;
    bool first = true;
    for (struct news_walk w = {0}; console_news_step(reading->news, &w, &kind, &line, &size);) {
        bool wanted = first || kind == NEWS_ACT || memmem(line, size, own, sizeof own - 1) ||
                      memmem(line, size, reading->id, strlen(reading->id));
        if (wanted)
            reading->take(report, line, size);
        last = wanted ? NULL : line;
        last_size = size;
        first = false;
    }
    if (last)
        reading->take(report, last, last_size);
}

static void answer(const struct console_api *api, const char *id, struct api_reply *reply)
{
    const struct report_question question = {.incident = id,
                                             .since = PTIME_MIN,
                                             .until = PTIME_MAX,
                                             .aware = PTIME_MIN,
                                             .calendar = api->calendar,
                                             .timezone = api->timezone,
                                             .of_memory = true};
    struct reading reading = {api->news, id, report_seek};
    struct error error = {0};
    struct report *report = report_new(&question);
    read_lines(&reading, report);
    if (report_choose(report, &error) != 0) {
        api_refuse(reply, 404, error.message);
    } else {
        reading.take = report_gather;
        read_lines(&reading, report);
        reply->body = report_html(report, REPORT_ENGLISH);
        reply->type = "text/html; charset=utf-8";
        reply->headers =
            xasprintf("Content-Disposition: attachment; filename=\"weir-%.12s.html\"\r\n", id);
    }
    report_free(report);
}

void console_api_report(const struct console_api *api, const struct api_request *request,
                        struct api_reply *reply)
{
    char id[ALERT_ID_SIZE];
    if (!api_path_part("/v1/incidents/*/report", request->path, id, sizeof id) ||
        strspn(id, "0123456789abcdef") != sizeof id - 1)
        api_refuse(reply, 404, "that is no incident's id");
    else if (!console_news_whole(api->news))
        api_refuse(reply, 409, "not all that was told is in memory: weir report reads the journal");
    else
        answer(api, id, reply);
}
