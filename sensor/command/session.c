/* A run: see session.h. Each stage below is one thing put up; session_free takes down whatever
 * stands, in the other order, so that every failure has the same way out. */
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/event_loop.h"
#include "weir/capture/source.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_NS (500 * NS_PER_MS)
#define DELIVERY_NS (20 * NS_PER_MS)

/* --- stages ---------------------------------------------------------------------------------- */

static const char *filter_of(const struct config *config, const char *filter)
{
    return filter ? filter : config->filter;
}

int session_check(const struct config *config, const char *filter, struct error *error)
{
    struct calendar *calendar = config_calendar(config, error);
    calendar_free(calendar);
    if (!calendar || source_check_filter(filter_of(config, filter), error) != 0)
        return -1;
    if (strcmp(config->redis_url, "embedded") == 0)
        return 0;
    return store_check_url(config->redis_url, error);
}

static int make_folder(struct session *s)
{
    const struct config *config = s->options.config;
    const char *temporary = getenv("TMPDIR");
    const char *parent = *config->state_dir ? config->state_dir : temporary ? temporary : "/tmp";
    if (*config->state_dir && mkdir(parent, 0750) != 0 && errno != EEXIST)
        return error_set(&s->error, ERROR_RUN, "sensor.state_dir %s: %s", parent, strerror(errno));
    s->folder = xasprintf("%s/weir-replay-XXXXXX", parent);
    if (mkdtemp(s->folder))
        return 0;
    error_set(&s->error, ERROR_RUN, "cannot make a private folder in %s: %s", parent,
              strerror(errno));
    free(s->folder);
    s->folder = NULL;
    return -1;
}

int session_wait(struct session *s, const bool *done)
{
    while (!*done && s->error.code == ERROR_NONE)
        s->loop.ops->run(s->loop.loop);
    return s->error.code == ERROR_NONE ? 0 : -1;
}

struct waiting {
    struct session *session;
    bool done;
};

static void on_store_ready(void *context)
{
    struct session *s = context;
    s->store_ready = true;
    s->loop.ops->stop(s->loop.loop);
}

static void on_store_failed(void *context, const struct error *error)
{
    struct session *s = context;
    if (s->error.code == ERROR_NONE)
        s->error = *error;
    if (s->engine)
        engine_fail(s->engine, error);
    s->loop.ops->stop(s->loop.loop);
}

static const struct store_events store_events = {on_store_ready, on_store_failed};

/* A replay's keys are its own, even on a server that holds a live baseline. */
static int open_store(struct session *s)
{
    const struct config *config = s->options.config;
    const char *url = config->redis_url;
    s->prefix = xasprintf("weir-replay-%s", strrchr(s->folder, '-') + 1);
    if (strcmp(url, "embedded") == 0) {
        if (embedded_start(&s->embedded, s->folder, false, &s->error) != 0)
            return -1;
        url = s->embedded.url;
    }
    struct store_config store = {
        .url = url, .prefix = s->prefix, .sensor = config->sensor_name, .vantage = NULL};
    s->store = store_open(&store, s->loop, &store_events, s, &s->error);
    if (!s->store)
        return -1;
    return session_wait(s, &s->store_ready);
}

static void on_done(void *context, const struct error *error)
{
    struct session *s = context;
    if (error && s->error.code == ERROR_NONE)
        s->error = *error;
    s->loop.ops->stop(s->loop.loop);
}

static void on_flow(void *context, const struct flow_view *view)
{
    struct session *s = context;
    s->options.flow(s->options.context, view);
}

static int open_engine(struct session *s)
{
    const struct config *config = s->options.config;
    s->suffixes = suffixes_new();
    if (!s->suffixes)
        return error_set(&s->error, ERROR_RUN, "libpsl has no built-in public suffix list");
    if (ring_create(&s->ring, SESSION_RING_BYTES, &s->error) != 0)
        return -1;
    s->ring_made = true;
    struct engine_config engine = {
        .loop = s->loop,
        .rings = &s->ring,
        .ring_count = 1,
        .store = s->store,
        .bus = s->bus,
        .calendar = s->calendar,
        .inside = &config->inside,
        .suffixes = s->suffixes,
        .detect = config->detect,
        .sensor = config->sensor_name,
        .max_hosts = config->max_hosts,
        .observer = {.flow = s->options.flow ? on_flow : NULL, .done = on_done, .context = s}};
    s->engine = engine_new(&engine, &s->error);
    return s->engine ? 0 : -1;
}

static int start_capture(struct session *s)
{
    const struct session_options *o = &s->options;
    struct capture_file *files = xcalloc(o->input_count, sizeof *files);
    for (size_t i = 0; i < o->input_count; i++)
        files[i] = (struct capture_file){o->inputs[i], -1};
    struct capture_config capture = {.files = files,
                                     .file_count = o->input_count,
                                     .workers = 1,
                                     .recent_fd = -1,
                                     .filter = filter_of(o->config, o->filter),
                                     .ring = s->ring,
                                     .blocking = true,
                                     .flow = flow_config_default(),
                                     .content = {.stream = stream_config_default()}};
    /* A replay's hashes never leave the process: a constant key keeps two replays identical. */
    hash_key_init(&capture.content.key, "weir replay", 11);
    s->capture = capture_open(&capture, &s->error);
    free(files);
    return s->capture ? capture_start(s->capture, &s->error) : -1;
}

/* --- while it runs --------------------------------------------------------------------------- */

static void on_timer(void *context)
{
    progress_show(context);
}

/* The first interrupt ends the input early; what was read is judged and summed up. */
static void on_interrupt(void *context)
{
    struct session *s = context;
    if (s->interrupted)
        _exit(130);
    s->interrupted = true;
    log_warn("interrupted: judging what was read so far (again to leave at once)");
    capture_stop(s->capture);
}

static int judge_all(struct session *s)
{
    s->interrupt[0] = event_loop_signal(s->loop, SIGINT, on_interrupt, s);
    s->interrupt[1] = event_loop_signal(s->loop, SIGTERM, on_interrupt, s);
    if (s->options.progress)
        s->timer = s->loop.ops->timer(s->loop.loop, PROGRESS_NS, on_timer, s);
    struct fleet *fleet = s->fleet;
    s->fleet = NULL;
    engine_begin(s->engine, fleet);
    while (!engine_finished(s->engine))
        s->loop.ops->run(s->loop.loop);
    if (s->options.progress)
        progress_clear();
    return s->error.code == ERROR_NONE ? 0 : -1;
}

/* --- delivery -------------------------------------------------------------------------------- */

static void on_poll(void *context)
{
    struct session *s = context;
    s->loop.ops->stop(s->loop.loop);
}

enum delivery { DELIVERED, DELIVERY_SLOW, DELIVERY_FAILED };

/* `failures`: of each sink when the wait began. */
static enum delivery look_at_sinks(struct session *s, const uint64_t failures[], size_t count)
{
    struct bus_status status[CONFIG_SINKS];
    enum delivery delivery = DELIVERED;
    bus_status(s->bus, status, count);
    for (size_t i = 0; i < count; i++) {
        if (status[i].behind == 0)
            continue;
        if (status[i].dead || status[i].failures > failures[i])
            return DELIVERY_FAILED;
        delivery = DELIVERY_SLOW;
    }
    return delivery;
}

/* The journal goes with the private folder, so a replay ends only when its alerts are told, however
 * slow their reader is. What a sink could not take it has said; the exit status says it too. */
static void deliver(struct session *s)
{
    struct bus_status status[CONFIG_SINKS];
    uint64_t failures[CONFIG_SINKS];
    size_t count = bus_status(s->bus, status, CONFIG_SINKS);
    for (size_t i = 0; i < count; i++)
        failures[i] = status[i].failures;
    bool interrupted = s->interrupted; /* another interrupt ends the wait */
    struct loop_watch *poll = s->loop.ops->timer(s->loop.loop, DELIVERY_NS, on_poll, s);
    enum delivery delivery;
    while ((delivery = look_at_sinks(s, failures, count)) == DELIVERY_SLOW &&
           s->interrupted == interrupted)
        s->loop.ops->run(s->loop.loop);
    s->loop.ops->drop(poll);
    s->undelivered = delivery != DELIVERED;
}

int session_run(struct session *s, const struct session_options *options)
{
    *s = (struct session){.options = *options, .started = wtime_now()};
    s->calendar = config_calendar(options->config, &s->error);
    if (!s->calendar || make_folder(s) != 0)
        return -1;
    s->loop = event_loop_new(&s->error);
    if (!s->loop.loop || open_store(s) != 0)
        return -1;
    s->bus = bus_new(s->loop, s->folder, options->sinks, options->sink_count, &s->error);
    if (!s->bus || open_engine(s) != 0)
        return -1;
    if (options->baseline && baseline_load(s, options->baseline) != 0)
        return -1;
    if (start_capture(s) != 0 || judge_all(s) != 0)
        return -1;
    capture_join(s->capture);
    deliver(s);
    if (options->save_baseline && baseline_save(s, options->save_baseline) != 0)
        return -1;
    return 0;
}

/* --- afterwards ------------------------------------------------------------------------------ */

void session_describe(const struct session *s, struct summary_input *input, struct summary *summary)
{
    const struct config *config = s->options.config;
    size_t count;
    const struct capture_input *found = capture_inputs(s->capture, &count);
    for (size_t i = 0; i < count; i++) {
        const struct error *error = &found[i].error;
        input[i] =
            (struct summary_input){.path = found[i].path,
                                   .problem = error->code == ERROR_NONE ? NULL : error->message,
                                   .packets = found[i].packets,
                                   .bytes = found[i].bytes,
                                   .first = found[i].first,
                                   .last = found[i].last,
                                   .longest_cut = found[i].longest_cut,
                                   .link = found[i].link};
        memcpy(input[i].sha256, found[i].sha256, SHA256_SIZE);
    }
    summary->input = input;
    summary->input_count = count;
    summary->inside = &config->inside;
    summary->inside_guessed = !config->inside_set;
    summary->calendar = s->calendar;
    summary->timezone = config->timezone;
    summary->engine = s->engine;
    summary->learn_days = config->detect.learn_days;
    summary->had_baseline = s->options.baseline != NULL;
    summary->duration_s = (double)(wtime_now().ns - s->started.ns) / 1e9;
}

const struct error *session_input_problem(const struct session *s)
{
    size_t count;
    const struct capture_input *found = capture_inputs(s->capture, &count);
    for (size_t i = 0; i < count; i++)
        if (found[i].error.code != ERROR_NONE)
            return &found[i].error;
    return NULL;
}

/* --- taking down ----------------------------------------------------------------------------- */

static void on_cleared(void *context)
{
    struct waiting *waiting = context;
    waiting->done = true;
    waiting->session->loop.ops->stop(waiting->session->loop.loop);
}

/* On somebody else's server a replay leaves nothing behind, whatever went wrong. The commands still
 * under way are answered first, so the engine must be there. A server that does not answer any more
 * is given up by the store, which then has nothing pending. */
static void clear_store(struct session *s)
{
    struct waiting waiting = {s, false};
    if (!s->store || !s->store_ready || s->embedded.pid)
        return;
    store_clear(s->store, on_cleared, &waiting);
    while (!waiting.done && store_pending(s->store) > 0)
        s->loop.ops->run(s->loop.loop);
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *path = xasprintf("%s/%s", folder, entry->d_name);
            if (unlink(path) != 0 && errno == EISDIR)
                remove_folder(path);
            free(path);
        }
    closedir(dir);
    if (rmdir(folder) != 0)
        log_warn("%s: %s", folder, strerror(errno));
}

void session_free(struct session *s)
{
    if (s->capture)
        capture_stop(s->capture);
    for (int i = 0; i < 2; i++)
        if (s->interrupt[i])
            s->loop.ops->drop(s->interrupt[i]);
    if (s->timer)
        s->loop.ops->drop(s->timer);
    clear_store(s);
    engine_free(
        s->engine); /* closes the ring: a capture thread that waits for room goes on and ends */
    capture_free(s->capture);
    if (s->ring_made)
        ring_destroy(&s->ring);
    fleet_free(s->fleet);
    suffixes_free(s->suffixes);
    if (s->bus)
        bus_free(s->bus);
    if (s->store)
        store_free(s->store);
    if (s->embedded.pid)
        embedded_stop(&s->embedded);
    if (s->loop.loop)
        event_loop_free(s->loop);
    calendar_free(s->calendar);
    if (s->folder)
        remove_folder(s->folder);
    free(s->folder);
    free(s->prefix);
    *s = (struct session){.error = s->error};
}
