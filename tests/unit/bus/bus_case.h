/* For tests of the bus: a folder with a journal, its publisher, a bus over sinks, a loop. */
#ifndef TESTS_UNIT_BUS_CASE_H
#define TESTS_UNIT_BUS_CASE_H

#include "../folder.h"
#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/bus.h"
#include "weir/bus/event_loop.h"
#include "weir/bus/publisher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bus_case {
    char folder[64];
    struct loop_ref loop;
    struct journal *journal;
    struct publisher *publisher;
    struct bus *bus;
    struct bus_config config;
    struct sink_settings sink[BUS_SINKS];
    struct loop_watch *timer;
    bool (*until)(void *context);
    void *context;
    struct wtime give_up;
    uint64_t lines; /* published */
};

static inline void case_wake(void *context)
{
    const struct bus_case *c = context;
    if (c->bus)
        bus_wake(c->bus);
}

static inline void case_open_journal(struct bus_case *c)
{
    struct error error = {0};
    c->journal = journal_open(c->folder, NULL, &error);
    if (!c->journal)
        fail_msg("%s", error.message);
    c->publisher = publisher_new(c->loop, c->journal, case_wake, c);
}

/* The sinks are set up before: c->sink, c->config.count, c->config.rows. */
static inline void case_open_bus(struct bus_case *c)
{
    struct error error = {0};
    c->config.folder = c->folder;
    c->config.sensor = "span-1";
    c->config.sinks = c->sink;
    c->bus = bus_new(c->loop, &c->config, &error);
    if (!c->bus)
        fail_msg("%s", error.message);
}

static inline void case_close_bus(struct bus_case *c)
{
    bus_free(c->bus);
    c->bus = NULL;
}

static inline void case_close_journal(struct bus_case *c)
{
    publisher_free(c->publisher);
    journal_close(c->journal);
    c->publisher = NULL;
    c->journal = NULL;
}

static inline void case_init(struct bus_case *c)
{
    *c = (struct bus_case){.folder = "/tmp/weir-case-XXXXXX"};
    assert_non_null(mkdtemp(c->folder));
    c->loop = event_loop_new(NULL);
    assert_non_null(c->loop.loop);
    case_open_journal(c);
}

static inline void case_fini(struct bus_case *c)
{
    case_close_bus(c);
    case_close_journal(c);
    event_loop_free(c->loop);
    folder_remove(c->folder);
}

/* An alert of this severity; its id is its number. */
static inline void case_publish_alert(struct bus_case *c, int severity, const char *more)
{
    struct error error = {0};
    uint64_t n = ++c->lines;
    char *line = xasprintf("{\"@timestamp\":\"2026-03-02T01:%02d:%02d.%03dZ\",\"event\":{\"kind\":"
                           "\"alert\",\"id\":\"%llu\",\"severity\":%d}%s}",
                           (int)(n / 60000 % 60), (int)(n / 1000 % 60), (int)(n % 1000),
                           (unsigned long long)n, severity, more);
    if (publisher_publish(c->publisher, line, strlen(line), &error) != 0)
        fail_msg("%s", error.message);
    free(line);
}

static inline void case_publish(struct bus_case *c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        case_publish_alert(c, 50, "");
}

static inline void case_tick(void *context)
{
    struct bus_case *c = context;
    if (c->until(c->context) || wtime_now().ns > c->give_up.ns)
        c->loop.ops->stop(c->loop.loop);
}

/* Runs the loop until the condition holds; false: not within so many seconds. */
static inline bool case_run(struct bus_case *c, bool (*until)(void *context), void *context,
                            int64_t seconds)
{
    c->until = until;
    c->context = context;
    c->give_up.ns = wtime_now().ns + seconds * NS_PER_S;
    c->timer = c->loop.ops->timer(c->loop.loop, NS_PER_MS, case_tick, c);
    c->loop.ops->run(c->loop.loop);
    c->loop.ops->drop(c->timer);
    return until(context);
}

static inline bool case_never(void *context)
{
    (void)context;
    return false;
}

static inline struct bus_status case_status(const struct bus_case *c, size_t number)
{
    struct bus_status status[BUS_SINKS];
    assert_true(bus_status(c->bus, status, BUS_SINKS) > number);
    return status[number];
}

#endif
