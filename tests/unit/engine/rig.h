/* An engine with everything it stands on: real rings that the test pushes into, a store on a
 * private redis-server, a bus into a temporary folder, and an observer that writes down what it is
 * told. */
#ifndef WEIR_TESTS_ENGINE_RIG_H
#define WEIR_TESTS_ENGINE_RIG_H

#include "records.h"
#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/baseline/embedded.h"
#include "weir/bus/bus.h"
#include "weir/bus/event_loop.h"
#include "weir/engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RIG_FLOWS  8192
#define RIG_ALERTS 64
#define RIG_LOST   64
#define RIG_QUIET  3
#define MONDAY_8   INT64_C(1772438400000000000) /* 2026-03-02 08:00 UTC */

struct rig {
    char folder[64], sink[96];
    const char *sink_path[2]; /* of it */
    struct sink_settings sink_settings;
    struct embedded redis;
    struct loop_ref loop;
    struct store *store;
    const struct store_config *reach; /* not NULL: the engine connects itself, `store` is ours */
    struct journal *journal;
    struct publisher *publisher;
    struct bus *bus;
    struct calendar *calendar;
    struct suffixes *suffixes;
    struct inside inside;
    struct ring_handles ring[2];
    struct ring_producer *producer[2];
    uint32_t workers;
    uint32_t max_hosts;
    uint64_t cache_bytes;
    bool by_device;
    const struct rules *rules; /* of the next rig_new_engine */
    const struct networks *networks;
    bool live, workers_stay;
    int64_t heartbeat_ns;
    bool checkpoint; /* the engine keeps one in `folder`; rings are attached by the test */
    uint64_t number[2];
    uint32_t incarnation[2];
    unsigned damaged[2], drained[2]; /* times it was told, by worker */
    struct engine *engine;
    struct error error;
    bool ready;
    unsigned done;
    size_t flows;
    int64_t time_ns[RIG_FLOWS]; /* of each flow that the observer saw */
    size_t ended[FLOW_ENDS];
    union any_record *lost; /* RIG_LOST of them: the flows that ended so */
    struct flow_view view;  /* the last one; its pointers are not kept */
    struct destination destination;
    size_t alerts;
    struct alert alert[RIG_ALERTS];
};

static inline void rig_ready(void *context)
{
    struct rig *rig = context;
    rig->ready = true;
    rig->loop.ops->stop(rig->loop.loop);
}

static inline void rig_failed(void *context, const struct error *error)
{
    struct rig *rig = context;
    if (rig->engine)
        engine_fail(rig->engine, error);
    rig->loop.ops->stop(rig->loop.loop);
}

static inline void rig_flow(void *context, const struct flow_view *view)
{
    struct rig *rig = context;
    if (rig->checkpoint) /* told again after a restart */
        return;
    assert_true(rig->flows < RIG_FLOWS);
    rig->time_ns[rig->flows++] = view->record->header.time_ns;
    rig->view = *view;
    if (view->record->end == FLOW_END_LOST) {
        assert_true(rig->ended[FLOW_END_LOST] < RIG_LOST);
        rig->lost[rig->ended[FLOW_END_LOST]].flow = *view->record;
    }
    rig->ended[view->record->end]++;
    if (view->destination)
        rig->destination = *view->destination;
}

static inline void rig_alert(void *context, const struct incident *incident,
                             const struct alert *alert)
{
    struct rig *rig = context;
    assert_non_null(incident);
    if (rig->checkpoint)
        return;
    assert_true(rig->alerts < RIG_ALERTS);
    rig->alert[rig->alerts++] = *alert;
}

static inline void rig_done(void *context, const struct error *error)
{
    struct rig *rig = context;
    rig->done++;
    if (error)
        rig->error = *error;
    rig->loop.ops->stop(rig->loop.loop);
}

static inline void rig_stop(void *context)
{
    struct rig *rig = context;
    rig->loop.ops->stop(rig->loop.loop);
}

static inline void rig_damaged(void *context, uint32_t worker, uint32_t incarnation)
{
    (void)incarnation;
    struct rig *rig = context;
    rig->damaged[worker]++;
}

static inline void rig_drained(void *context, uint32_t worker, uint32_t incarnation)
{
    struct rig *rig = context;
    (void)incarnation;
    rig->drained[worker]++;
}

/* Lets the loop turn for a while: whatever can be done is done. */
static inline void rig_turn(struct rig *rig, int64_t ns)
{
    struct loop_watch *timer = rig->loop.ops->timer(rig->loop.loop, ns, rig_stop, rig);
    rig->loop.ops->run(rig->loop.loop);
    rig->loop.ops->drop(timer);
}

/* Lets the loop turn until it is so. */
#define RIG_UNTIL(rig, condition)                                                                  \
    for (int turns = 0; !(condition); turns++) {                                                   \
        if (turns == 30000)                                                                        \
            fail_msg("not so after 30 s: %s", #condition);                                         \
        rig_turn(rig, NS_PER_MS);                                                                  \
    }

static inline bool rig_settled(const struct rig *rig)
{
    for (uint32_t i = 0; i < rig->workers; i++)
        if (engine_ring_of(rig->engine, i).used > 0)
            return false;
    return store_pending(rig->store) == 0;
}

/* Until the engine has read what was pushed, and the store has answered what it asked. */
static inline void rig_settle(struct rig *rig)
{
    RIG_UNTIL(rig, rig_settled(rig));
}

/* Until nothing moves any more: the store owes no answer, and for RIG_QUIET turns of 10 ms nothing
 * was counted. On a busy machine that takes as long as it takes. */
static inline void rig_rest(struct rig *rig)
{
    uint64_t counted = 0;
    for (int turns = 0, quiet = 0; quiet < RIG_QUIET; turns++) {
        if (turns == 3000)
            fail_msg("no rest after 30 s");
        rig_turn(rig, 10 * NS_PER_MS);
        const struct engine_counts *counts = engine_counts_of(rig->engine);
        uint64_t now = hash64(counts, sizeof *counts, rig->flows);
        quiet = now == counted && store_pending(rig->store) == 0 ? quiet + 1 : 0;
        counted = now;
    }
}

static inline void rig_gave_up(void *context)
{
    (void)context;
    fail_msg("the engine was not done after 30 s");
}

static inline void rig_run(struct rig *rig)
{
    struct loop_watch *limit =
        rig->loop.ops->timer(rig->loop.loop, 30 * NS_PER_S, rig_gave_up, rig);
    engine_last(rig->engine); /* no test attaches a ring while it runs to the end */
    while (!engine_finished(rig->engine))
        rig->loop.ops->run(rig->loop.loop);
    rig->loop.ops->drop(limit);
}

static inline void rig_open_store(struct rig *rig)
{
    static const struct store_events events = {rig_ready, rig_failed};
    struct store_config config = {.url = rig->redis.url, .prefix = "weir-test", .sensor = "test"};
    rig->store = store_open(&config, rig->loop, &events, rig, &rig->error);
    assert_non_null(rig->store);
    rig->loop.ops->run(rig->loop.loop);
    assert_true(rig->ready);
}

static inline void rig_open_rings(struct rig *rig, uint32_t workers)
{
    rig->workers = workers;
    for (uint32_t i = 0; i < workers; i++) {
        assert_int_equal(ring_create(&rig->ring[i], 4u << 20, &rig->error), 0);
        rig->producer[i] = ring_producer_open(&rig->ring[i], &rig->error);
        assert_non_null(rig->producer[i]);
    }
}

static inline void rig_new_engine(struct rig *rig)
{
    struct engine_config config = {.loop = rig->loop,
                                   .rings = rig->ring,
                                   .ring_count = rig->checkpoint ? 0 : rig->workers,
                                   .workers = rig->workers,
                                   .folder = rig->checkpoint ? rig->folder : NULL,
                                   .live = rig->live,
                                   .workers_stay = rig->workers_stay,
                                   .heartbeat_ns = rig->heartbeat_ns,
                                   .store = rig->reach ? NULL : rig->store,
                                   .reach = rig->reach,
                                   .publisher = rig->publisher,
                                   .calendar = rig->calendar,
                                   .inside = &rig->inside,
                                   .by_device = rig->by_device,
                                   .suffixes = rig->suffixes,
                                   .detect = detect_config_default(),
                                   .rules = rig->rules,
                                   .networks = rig->networks,
                                   .sensor = "test",
                                   .max_hosts = rig->max_hosts,
                                   .cache_bytes = rig->cache_bytes,
                                   .keep_profiles = true,
                                   .observer = {.flow = rig_flow,
                                                .alert = rig_alert,
                                                .done = rig_done,
                                                .damaged = rig_damaged,
                                                .drained = rig_drained,
                                                .context = rig}};
    rig->engine = engine_new(&config, &rig->error);
    assert_non_null(rig->engine);
}

static inline void rig_tell(void *context)
{
    struct rig *rig = context;
    bus_flush(rig->bus);
}

static inline void rig_open_journal(struct rig *rig)
{
    rig->journal = journal_open(rig->folder, NULL, &rig->error);
    assert_non_null(rig->journal);
    rig->publisher = publisher_new(rig->loop, rig->journal, rig_tell, rig);
    rig->sink_path[0] = rig->sink;
    sink_settings_file(&rig->sink_settings, "file", rig->sink_path);
    struct bus_config bus = {.folder = rig->folder, .sinks = &rig->sink_settings, .count = 1};
    rig->bus = bus_new(rig->loop, &bus, &rig->error);
    assert_non_null(rig->bus);
}

static inline void rig_close_journal(struct rig *rig)
{
    bus_free(rig->bus);
    publisher_free(rig->publisher);
    journal_close(rig->journal);
    rig->bus = NULL;
    rig->publisher = NULL;
    rig->journal = NULL;
}

/* `heartbeat_ns` < 0: not live. */
static inline struct rig *rig_open_live(uint32_t workers, uint32_t max_hosts, int64_t heartbeat_ns)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    rig->live = heartbeat_ns >= 0;
    rig->heartbeat_ns = heartbeat_ns;
    rig->lost = xcalloc(RIG_LOST, sizeof *rig->lost);
    strcpy(rig->folder, "/tmp/weir-engine-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    snprintf(rig->sink, sizeof rig->sink, "%s/alerts.ndjson", rig->folder);
    if (embedded_start(&rig->redis,
                       &(struct embedded_config){.folder = rig->folder, .persist = false},
                       &rig->error) != 0) {
        rmdir(rig->folder);
        fail_msg("%s", rig->error.message);
    }
    struct calendar_config utc = {
        .timezone = "UTC", .work_start = 8, .work_end = 18, .work_days = 31};
    rig->calendar = calendar_new(&utc, &rig->error);
    rig->suffixes = suffixes_new();
    rig->loop = event_loop_new(&rig->error);
    inside_init(&rig->inside);
    prefix_set_default_inside(&rig->inside.everywhere);
    rig_open_store(rig);
    rig_open_rings(rig, workers);
    rig_open_journal(rig);
    rig->max_hosts = max_hosts;
    rig_new_engine(rig);
    return rig;
}

static inline struct rig *rig_open_as(uint32_t workers, uint32_t max_hosts, bool live)
{
    return rig_open_live(workers, max_hosts, live ? 0 : -1);
}

static inline struct rig *rig_open(uint32_t workers, uint32_t max_hosts)
{
    return rig_open_live(workers, max_hosts, -1);
}

static inline void rig_remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0 && errno == EISDIR)
            rig_remove_folder(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

static inline void rig_close(struct rig *rig)
{
    engine_free(rig->engine);
    for (uint32_t i = 0; i < rig->workers; i++) {
        ring_producer_free(rig->producer[i]);
        ring_destroy(&rig->ring[i]);
    }
    rig_close_journal(rig);
    store_free(rig->store);
    embedded_stop(&rig->redis);
    event_loop_free(rig->loop);
    suffixes_free(rig->suffixes);
    calendar_free(rig->calendar);
    inside_fini(&rig->inside);
    rig_remove_folder(rig->folder);
    free(rig->lost);
    free(rig);
}

/* --- pushing ---------------------------------------------------------------------------------- */

static inline void rig_push(struct rig *rig, uint32_t worker, union any_record *record)
{
    record->header.number = ++rig->number[worker];
    assert_int_equal(ring_push(rig->producer[worker], record, record->header.size), RING_OK);
}

static inline void rig_push_flow(struct rig *rig, int64_t time_ns, const struct flow_key *key,
                                 uint64_t up, uint64_t down)
{
    union any_record record;
    make_flow(&record, 1, time_ns, key, up, down);
    rig_push(rig, 0, &record);
}

static inline void rig_push_watermark(struct rig *rig, uint32_t worker, int64_t time_ns)
{
    union any_record record;
    make_watermark(&record, 1, time_ns);
    rig_push(rig, worker, &record);
}

/* The worker's process has gone and another one comes, with a ring of its own. */
static inline void rig_replace(struct rig *rig, uint32_t worker)
{
    ring_producer_free(rig->producer[worker]);
    ring_destroy(&rig->ring[worker]);
    assert_int_equal(ring_create(&rig->ring[worker], 4u << 20, &rig->error), 0);
    rig->producer[worker] = ring_producer_open(&rig->ring[worker], &rig->error);
    assert_non_null(rig->producer[worker]);
    rig->number[worker] = 0;
    assert_int_equal(engine_attach(rig->engine, worker, ++rig->incarnation[worker],
                                   &rig->ring[worker], &rig->error),
                     0);
}

/* All inputs end; runs to the end of the story, which must be a good one. */
static inline const struct engine_counts *rig_finish(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->workers; i++)
        rig_push_watermark(rig, i, INT64_MAX);
    engine_begin(rig->engine, NULL);
    rig_run(rig);
    assert_int_equal(rig->done, 1);
    if (rig->error.code != ERROR_NONE)
        fail_msg("%s", rig->error.message);
    return engine_counts_of(rig->engine);
}

#endif
