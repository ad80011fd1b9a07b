/* Baselines in and out of a replay's private store. A file is checked whole before anything of it
 * is used; a URL is only ever read. Thread: the main thread, driving the loop until it is done. */
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/baseline/file.h"

#include <stdlib.h>
#include <string.h>

static void look_again(struct session *s)
{
    s->stack.loop.ops->stop(s->stack.loop.loop);
}

static int wait_for(struct session *s, const bool *done)
{
    int failed = stack_wait(&s->stack, done);
    if (failed)
        s->error = s->stack.error;
    return failed;
}

/* --- in -------------------------------------------------------------------------------------- */

static int take_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    struct session *s = context;
    if (size == 0)
        return 0;
    s->fleet = fleet_unpack(blob, size, error);
    return s->fleet ? 0 : -1;
}

static int take_host(void *context, const struct ip *host, const void *blob, size_t size,
                     struct error *error)
{
    struct session *s = context;
    struct profile *profile = profile_unpack_of(host, blob, size, error);
    if (!profile)
        return -1;
    store_put_profile(s->stack.store, host, INT64_MIN, profile->last_closed_hour, blob, size, NULL,
                      NULL);
    profile_free(profile);
    engine_know_host(s->stack.engine, host);
    return 0;
}

struct borrowing {
    struct session *session;
    struct store *from;
    bool ready, done;
};

static void on_ready(void *context)
{
    struct borrowing *b = context;
    b->ready = true;
    look_again(b->session);
}

static void on_failed(void *context, const struct error *error)
{
    struct borrowing *b = context;
    if (b->session->stack.error.code == ERROR_NONE)
        b->session->stack.error = *error;
    look_again(b->session);
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct borrowing *b = context;
    if (host) {
        take_host(b->session, host, blob, size, &b->session->stack.error);
        return;
    }
    b->done = true;
    look_again(b->session);
}

static void on_fleet(void *context, const void *blob, size_t size)
{
    struct borrowing *b = context;
    take_fleet(b->session, blob, size, &b->session->stack.error);
    store_each_profile(b->from, on_profile, b);
}

static int load_url(struct session *s, const char *url)
{
    static const struct store_events events = {on_ready, on_failed};
    struct borrowing b = {.session = s};
    struct store_config config = {
        .url = url, .prefix = "weir", .sensor = s->options.config->sensor_name, .read_only = true};
    b.from = store_open(&config, s->stack.loop, &events, &b, &s->error);
    if (!b.from)
        return -1;
    int failed = wait_for(s, &b.ready);
    if (!failed) {
        store_load_fleet(b.from, on_fleet, &b);
        failed = wait_for(s, &b.done);
    }
    store_free(b.from);
    return failed;
}

int baseline_load(struct session *s, const char *from)
{
    if (strstr(from, "://") || strncmp(from, "unix:", 5) == 0)
        return load_url(s, from);
    return baseline_read(from, take_fleet, take_host, s, &s->error);
}

/* --- out ------------------------------------------------------------------------------------- */

struct saving {
    struct session *session;
    struct baseline_writer *writer;
    int64_t first_told_day;
    bool done;
};

/* The first day of which what was found was told; INT64_MIN: all were. */
static int64_t first_told_day(const struct session *s)
{
    if (s->hindsight) /* it tells by itself, of other evidence */
        return INT64_MAX;
    struct ptime from = s->options.told.from;
    return from.ns != 0 ? calendar_at(s->stack.calendar, from).day : INT64_MIN;
}

/* Nobody is to be quiet for a week about what nobody was told of. */
static void put_unsaid(struct saving *saving, const struct ip *host, struct profile *profile)
{
    struct buffer blob = {0};
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        lately_forget(&profile->told[side], saving->first_told_day);
    profile_pack(profile, &blob);
    baseline_writer_put(saving->writer, host, blob.data, blob.size);
    buffer_fini(&blob);
}

static void on_stored(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct saving *saving = context;
    if (host) {
        struct error *error = &saving->session->stack.error;
        struct profile *profile =
            saving->first_told_day == INT64_MIN ? NULL : profile_unpack_of(host, blob, size, error);
        if (profile)
            put_unsaid(saving, host, profile);
        else
            baseline_writer_put(saving->writer, host, blob, size);
        profile_free(profile);
        return;
    }
    saving->done = true;
    look_again(saving->session);
}

int baseline_save(struct session *s, const char *path)
{
    struct buffer fleet = {0};
    fleet_pack(engine_fleet(s->stack.engine), &fleet);
    struct saving saving = {s, baseline_writer_new(fleet.data, fleet.size), first_told_day(s),
                            false};
    buffer_fini(&fleet);
    store_each_profile(s->stack.store, on_stored, &saving);
    int failed = wait_for(s, &saving.done);
    if (baseline_writer_finish(saving.writer, path, &s->error) != 0)
        return -1;
    return failed;
}
