/* A sink of type "fake" that tells: its other end is an array of the sequence numbers that arrived
 * there, and it misbehaves as it is told. Its number is the last digit of its name. */
#ifndef TESTS_UNIT_BUS_FAKE_SINK_H
#define TESTS_UNIT_BUS_FAKE_SINK_H

#include "bus_case.h"

#define FAKES 8

struct fake {
    /* how it behaves */
    bool hangs;             /* takes nothing, says nothing */
    bool away;              /* nothing arrives, it says so */
    unsigned fails_every;   /* each so many deliveries: half of it arrives, then it fails */
    unsigned refuses_every; /* sequence numbers that this divides */
    unsigned full_at;       /* lines under way; then SINK_FULL until they arrived. 0: never */
    bool at_once;           /* taken inside write */
    bool dies;
    bool refuses_to_open;
    /* what came of it */
    uint64_t *arrived;
    size_t count, room;
    unsigned opens, closes, writes, deliveries;
    /* under way */
    const struct sink_host *host;
    uint64_t pending[4096];
    size_t pending_count;
    bool asked, full;
    const struct json_value *record; /* of the last write */
    char text[256];                  /* likewise */
};
static struct fake fakes[FAKES];

struct sink {
    struct fake *fake;
};

static inline void fake_arrive(struct fake *fake, uint64_t sequence)
{
    if (fake->count == fake->room) {
        fake->room = fake->room ? fake->room * 2 : 1024;
        fake->arrived = xrealloc(fake->arrived, fake->room * sizeof *fake->arrived);
    }
    fake->arrived[fake->count++] = sequence;
}

static inline void fake_fail(struct fake *fake, const char *why)
{
    struct error error = {0};
    error_set(&error, ERROR_RUN, "fake: %s", why);
    fake->pending_count = 0;
    fake->full = false;
    fake->host->failed(fake->host->context, &error);
}

static inline void fake_take(struct fake *fake, uint64_t sequence)
{
    if (fake->refuses_every && sequence % fake->refuses_every == 0)
        fake->host->refused(fake->host->context, sequence, "no such lines here");
    else
        fake_arrive(fake, sequence);
    fake->host->taken(fake->host->context, sequence);
}

static inline void fake_deliver(void *context)
{
    struct fake *fake = context;
    fake->asked = false;
    if (fake->hangs || !fake->host)
        return;
    if (fake->away) {
        fake_fail(fake, "is away");
        return;
    }
    fake->deliveries++;
    if (fake->fails_every && fake->deliveries % fake->fails_every == 0) {
        for (size_t i = 0; i < fake->pending_count / 2; i++)
            fake_arrive(fake, fake->pending[i]); /* and the answer is lost */
        fake_fail(fake, "went in the middle");
        return;
    }
    size_t count = fake->pending_count;
    uint64_t pending[4096];
    memcpy(pending, fake->pending, count * sizeof *pending);
    fake->pending_count = 0;
    for (size_t i = 0; i < count; i++)
        fake_take(fake, pending[i]);
    if (fake->full) {
        fake->full = false;
        fake->host->ready(fake->host->context);
    }
}

static inline void fake_ask(struct fake *fake)
{
    if (!fake->asked)
        event_loop_soon(fake->host->loop, fake_deliver, fake);
    fake->asked = true;
}

static inline struct sink *fake_open(const struct sink_settings *settings,
                                     const struct sink_host *host, struct error *error)
{
    struct fake *fake = &fakes[settings->name[strlen(settings->name) - 1] - '0'];
    if (fake->refuses_to_open) {
        error_set(error, ERROR_RUN, "fake: cannot be opened");
        return NULL;
    }
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->fake = fake;
    fake->host = host;
    fake->opens++;
    return sink;
}

static inline enum sink_result fake_write(struct sink *sink, const struct sink_line *line,
                                          struct error *error)
{
    struct fake *fake = sink->fake;
    fake->writes++;
    if (fake->dies) {
        error_set(error, ERROR_RUN, "fake: died");
        return SINK_DEAD;
    }
    if (fake->full_at && fake->pending_count >= fake->full_at) {
        fake->full = true;
        fake_ask(fake);
        return SINK_FULL;
    }
    fake->record = line->record;
    snprintf(fake->text, sizeof fake->text, "%.*s", (int)line->size, line->text);
    if (fake->at_once) {
        fake_take(fake, line->sequence);
        return SINK_OK;
    }
    assert_true(fake->pending_count < 4096);
    fake->pending[fake->pending_count++] = line->sequence;
    return SINK_OK;
}

static inline enum sink_result fake_flush(struct sink *sink, struct error *error)
{
    (void)error;
    if (sink->fake->pending_count > 0)
        fake_ask(sink->fake);
    return SINK_OK;
}

static inline void fake_close(struct sink *sink)
{
    struct fake *fake = sink->fake;
    event_loop_cancel(fake->host->loop, fake);
    fake->asked = fake->full = false;
    fake->pending_count = 0;
    fake->host = NULL;
    fake->closes++;
    free(sink);
}

static const struct sink_row fake_row = {.type = "fake",
                                         .formats = "ecs",
                                         .tells = true,
                                         .open = fake_open,
                                         .write = fake_write,
                                         .flush = fake_flush,
                                         .close = fake_close};
static const struct sink_row *const fake_rows[] = {&fake_row, NULL};

static inline void fakes_fini(void)
{
    for (size_t i = 0; i < FAKES; i++)
        free(fakes[i].arrived);
    memset(fakes, 0, sizeof fakes);
}

static inline void fakes_init(struct bus_case *c, size_t count)
{
    static const char *const name[FAKES] = {"fake-0", "fake-1", "fake-2", "fake-3",
                                            "fake-4", "fake-5", "fake-6", "fake-7"};
    fakes_fini();
    c->config.rows = fake_rows;
    c->config.count = count;
    for (size_t i = 0; i < count; i++) {
        sink_settings_init(&c->sink[i], &fake_row, name[i]);
        c->sink[i].timeout_s = 1;
    }
}

/* Each of first..last that `refuses_every` leaves, in order; what came again (the same or an
 * earlier number) is passed over when `repeats`, else is a mistake. */
static inline void fake_expect(const struct fake *fake, uint64_t first, uint64_t last, bool repeats)
{
    uint64_t next = first;
    for (size_t i = 0; i < fake->count; i++) {
        while (fake->refuses_every && next % fake->refuses_every == 0)
            next++;
        if (repeats && fake->arrived[i] < next)
            continue;
        if (fake->arrived[i] != next)
            fail_msg("arrived %llu, expected %llu", (unsigned long long)fake->arrived[i],
                     (unsigned long long)next);
        next++;
    }
    while (fake->refuses_every && next <= last && next % fake->refuses_every == 0)
        next++;
    assert_int_equal(next, last + 1);
}

#endif
