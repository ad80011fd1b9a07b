/* A run: see session.h. Each stage below is one thing put up; session_free takes down whatever
 * stands, in the other order, so that every failure has the same way out. */
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/event_loop.h"
#include "weir/engine/engine.h"
#include "weir/role/check.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_NS (500 * NS_PER_MS)
#define DELIVERY_NS (20 * NS_PER_MS)
#define GIVE_UP     4 /* failures in a row, with back-offs of together some 0.5 s */

/* --- stages ---------------------------------------------------------------------------------- */

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

static int open_rings(struct session *s)
{
    uint32_t count = feed_rings(s->options.config);
    for (; s->rings < count; s->rings++)
        if (ring_create(&s->ring[s->rings], SESSION_RING_BYTES, &s->error) != 0)
            return -1;
    return 0;
}

static void on_flow(void *context, const struct flow_view *view)
{
    struct session *s = context;
    look_back_stop(s, view);
    s->options.flow(s->options.context, view);
}

static void on_content(void *context, const struct ip *host, const struct destination *destination,
                       const struct record_content *record)
{
    const struct session *s = context;
    s->options.content(s->options.context, host, destination, record);
}

static void on_withheld(void *context, const struct story *story, const char *detector,
                        const struct rule_exception *exception)
{
    const struct session_options *o = &((const struct session *)context)->options;
    o->withheld(o->context, story, detector, exception);
}

static void on_closed(void *context, const struct host_total *total)
{
    const struct session *s = context;
    if (s->ledger && !s->again)
        look_back_note(context, total);
    else
        s->options.closed(s->options.context, total);
}

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    const struct session_options *o = &((const struct session *)context)->options;
    o->alert(o->context, incident, alert);
}

/* A replay's keys are its own, even on a server that holds a live baseline. */
static int open_stack(struct session *s, bool hold)
{
    const struct session_options *o = &s->options;
    struct stack_config config = {
        .config = o->config,
        .folder = s->journal_folder ? s->journal_folder : s->folder,
        .noise = o->noise,
        .redis_url = o->config->redis_url,
        .sinks = o->sinks,
        .sink_count = o->sink_count,
        .rings = s->ring,
        .ring_count = s->rings,
        .workers = feed_rings(o->config),
        .observer = {.flow = o->flow ? on_flow : NULL,
                     .content = o->content ? on_content : NULL,
                     .withheld = o->withheld ? on_withheld : NULL,
                     .alert = o->alert ? on_alert : NULL,
                     .closed = (s->ledger && !s->again) || o->closed ? on_closed : NULL,
                     .context = s},
        .hindsight = s->hindsight ? s->hindsight : o->hindsight,
        .told = o->told,
        .keep_profiles = o->save_baseline && !s->again, /* what the first reading learned */
        .whole_until = o->whole_until,
        .judged_ns = s->ledger && !s->again ? SESSION_LOOK_BACK_NS : 0,
        .tape = s->tape,
        .before = look_back_has_tape(s) ? &s->before : NULL,
        .observed = s->observed,
        .hold = hold,
    };
    free(s->prefix);
    s->prefix =
        xasprintf("weir-replay-%s%s", strrchr(s->folder, '-') + 1, s->again ? "-again" : "");
    config.prefix = s->prefix;
    if (strcmp(config.redis_url, "embedded") == 0) {
        struct embedded_config embedded = {.folder = s->folder};
        if (!s->embedded.pid && embedded_start(&s->embedded, &embedded, &s->error) != 0)
            return -1;
        config.redis_url = s->embedded.url;
    }
    if (stack_open(&s->stack, &config) == 0)
        return 0;
    s->error = s->stack.error;
    return -1;
}

static void on_lost(void *context, uint32_t worker, const char *why)
{
    const struct session *s = context;
    engine_lost(s->stack.engine, worker, 0, why, true);
}

static int start_feed(struct session *s)
{
    const struct session_options *o = &s->options;
    struct feed_config config = {.config = o->config,
                                 .inputs = (const char *const *)s->inputs.path,
                                 .input_count = s->inputs.count,
                                 .follow = o->follow,
                                 .live = o->live_ns > 0,
                                 .times = o->times,
                                 .filter = role_filter(o->config, o->filter),
                                 .rings = s->ring,
                                 .loop = s->stack.loop,
                                 .lost = on_lost,
                                 .context = s};
    return feed_start(&s->feed, &config, &s->error);
}

/* --- while it runs --------------------------------------------------------------------------- */

static void on_timer(void *context)
{
    const struct session *s = context;
    struct feed_progress progress;
    if (!s->options.progressed) {
        progress_show(s);
        return;
    }
    look_back_progress(s, &progress);
    s->options.progressed(s->options.context, &progress);
}

/* The first interrupt ends the input early; what was read is judged and summed up. */
static void on_interrupt(void *context)
{
    struct session *s = context;
    if (s->interrupted || s->asked_to_end)
        _exit(130);
    s->interrupted = true;
    if (!s->options.follow && !s->options.progressed && !s->options.live_ns)
        log_warn("interrupted: %s (again to leave at once)",
                 look_back_has_tape(s) ? "what was judged so far is summed up"
                                       : "judging what was read so far");
    if (look_back_has_tape(s))
        look_back_interrupt(s);
    else
        feed_interrupt(s->feed);
}

/* A survey's time is over. An interrupt that came before has ended it already. */
static void on_deadline(void *context)
{
    struct session *s = context;
    s->stack.loop.ops->drop(s->deadline);
    s->deadline = NULL;
    if (!s->interrupted)
        feed_interrupt(s->feed);
}

static volatile sig_atomic_t interrupts; /* while no loop runs that would hear of them */
static struct sigaction between[2];      /* readings: what was done with signals before */

static void on_signal(int number)
{
    (void)number;
    if (interrupts++ > 0)
        _exit(130);
}

static void take_signals(struct sigaction before[2])
{
    const struct sigaction own = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &own, &before[0]);
    sigaction(SIGTERM, &own, &before[1]);
}

static void give_signals_back(const struct sigaction before[2])
{
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
}

static void drop_interrupts(struct session *s)
{
    for (int i = 0; i < 2; i++)
        if (s->interrupt[i])
            s->stack.loop.ops->drop(s->interrupt[i]);
    s->interrupt[0] = s->interrupt[1] = NULL;
}

/* All was read by then. */
static void hear_interrupts(struct session *s)
{
    if (interrupts == 0 || s->interrupted || s->asked_to_end)
        return;
    s->asked_to_end = true;
    log_warn("interrupted: all was read, and is judged (again to leave at once)");
}

/* From the loop of the first reading to the second's: at no time does a signal just kill. */
void session_between_readings(struct session *s)
{
    sigset_t both, before;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, &before);
    drop_interrupts(s);
    interrupts = s->interrupted || s->asked_to_end;
    take_signals(between);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static int judge_all(struct session *s)
{
    struct loop_ref loop = s->stack.loop;
    if (s->options.live_ns > 0)
        s->deadline = loop.ops->timer(loop.loop, s->options.live_ns, on_deadline, s);
    s->interrupt[0] = event_loop_signal(loop, SIGINT, on_interrupt, s);
    s->interrupt[1] = event_loop_signal(loop, SIGTERM, on_interrupt, s);
    if (s->again)
        hear_interrupts(s);
    if (s->options.progress || s->options.progressed)
        s->timer = loop.ops->timer(loop.loop, PROGRESS_NS, on_timer, s);
    struct fleet *fleet = s->fleet;
    s->fleet = NULL;
    engine_begin(s->stack.engine, fleet);
    while (!engine_finished(s->stack.engine))
        loop.ops->run(loop.loop);
    if (s->options.progress)
        progress_clear();
    s->error = s->stack.error;
    return s->error.code == ERROR_NONE ? 0 : -1;
}

/* --- delivery -------------------------------------------------------------------------------- */

static void on_poll(void *context)
{
    struct session *s = context;
    s->stack.loop.ops->stop(s->stack.loop.loop);
}

enum delivery { DELIVERED, DELIVERY_SLOW, DELIVERY_FAILED };

static enum delivery look_at_sinks(struct session *s)
{
    struct bus_status status[CONFIG_SINKS];
    bool slow = false, failed = false;
    size_t count = bus_status(s->stack.bus, status, CONFIG_SINKS);
    for (size_t i = 0; i < count; i++) {
        if (status[i].behind == 0)
            continue;
        bool given_up = status[i].dead || status[i].failures_in_a_row >= GIVE_UP;
        failed |= given_up;
        slow |= !given_up;
    }
    return slow ? DELIVERY_SLOW : failed ? DELIVERY_FAILED : DELIVERED;
}

/* The journal goes with the private folder, so a replay ends only when its alerts are told, however
 * slow their reader is; one that fails again and again is given up, and the others are not. What a
 * sink could not take it has said; the exit status says it too. */
static void deliver(struct session *s)
{
    bool interrupted = s->interrupted; /* another interrupt ends the wait */
    struct loop_watch *poll = s->stack.loop.ops->timer(s->stack.loop.loop, DELIVERY_NS, on_poll, s);
    enum delivery delivery;
    while ((delivery = look_at_sinks(s)) == DELIVERY_SLOW && s->interrupted == interrupted)
        s->stack.loop.ops->run(s->stack.loop.loop);
    s->stack.loop.ops->drop(poll);
    s->undelivered = delivery != DELIVERED;
}

int session_read(struct session *s, bool hold)
{
    const char *baseline = s->options.baseline;
    if (look_back_has_tape(s))
        return open_stack(s, hold) == 0 ? judge_all(s) : -1;
    if (open_rings(s) != 0 || open_stack(s, hold) != 0)
        return -1;
    if (baseline && baseline_load(s, baseline) != 0)
        return -1;
    if (start_feed(s) != 0 || judge_all(s) != 0)
        return -1;
    feed_join(s->feed);
    return 0;
}

/* Making the hindsight takes its time. All was read by then: an interrupt meanwhile is answered,
 * and what is judged by it is all of it; one more ends the process, as ever. */
static bool looks_again(struct session *s)
{
    struct sigaction before[2];
    interrupts = s->interrupted;
    take_signals(before);
    bool again = look_back_is_due(s);
    give_signals_back(before);
    hear_interrupts(s);
    return again;
}

static void name_interfaces(struct session *s)
{
    const struct config *config = s->options.config;
    s->inputs.path = xcalloc(config->interface_count + 1, sizeof *s->inputs.path);
    s->inputs.of_folder = xcalloc(config->interface_count + 1, sizeof *s->inputs.of_folder);
    for (; s->inputs.count < config->interface_count; s->inputs.count++)
        s->inputs.path[s->inputs.count] = xstrdup(config->interface[s->inputs.count].name);
}

/* In hindsight, what is kept is what the first reading learned, hour by hour, as a sensor does. */
int session_run(struct session *s, const struct session_options *options)
{
    *s = (struct session){.options = *options, .until = PTIME_MAX, .started = wtime_now()};
    if (options->live_ns > 0)
        name_interfaces(s);
    else if (inputs_expand(&s->inputs, options->inputs, options->input_count, &s->error) != 0)
        return -1;
    if (make_folder(s) != 0)
        return -1;
    s->fleet = options->fleet;
    bool hold = look_back_prepare(s);
    if (session_read(s, hold) != 0)
        return -1;
    bool again = hold && looks_again(s);
    if (options->save_baseline && baseline_save(s, options->save_baseline) != 0)
        return -1;
    if (again) {
        if (look_back(s) != 0)
            return -1;
    } else if (stack_tell(&s->stack) != 0) {
        s->error = s->stack.error;
        return -1;
    }
    deliver(s);
    return 0;
}

/* --- afterwards ------------------------------------------------------------------------------ */

const struct capture_input *session_inputs(const struct session *s, size_t *count)
{
    *count = 0;
    return s->feed ? feed_inputs(s->feed, count) : NULL;
}

size_t session_input_count(const struct session *s)
{
    return s->inputs.count;
}

/* A log that is not read, among those of a folder. */
static bool is_left_out(const struct session *s, const struct capture_input *found, size_t i)
{
    return i < s->inputs.count && s->inputs.of_folder[i] && found[i].notes.log.kind == LOG_OTHER;
}

void session_describe(const struct session *s, struct summary_input *input, struct summary *summary)
{
    const struct config *config = s->options.config;
    size_t count;
    const struct capture_input *found = feed_inputs(s->feed, &count);
    for (size_t i = 0; i < count; i++) {
        const struct error *error = &found[i].error;
        bool left_out = is_left_out(s, found, i);
        if (error->code == ERROR_NONE && i == 0) /* it is of all of them, and said once */
            error = &s->cut;
        bool right = error->code == ERROR_NONE || left_out;
        input[i] = (struct summary_input){.path = found[i].path,
                                          .problem = right ? NULL : error->message,
                                          .packets = found[i].packets,
                                          .bytes = found[i].bytes,
                                          .outside = found[i].outside,
                                          .first = found[i].first,
                                          .last = found[i].last,
                                          .longest_cut = found[i].longest_cut,
                                          .link = found[i].link,
                                          .packed = found[i].packed,
                                          .comments = found[i].notes.comments,
                                          .comment = found[i].notes.comment,
                                          .untimed = found[i].notes.untimed,
                                          .drops_known = found[i].notes.drops_known,
                                          .is_log = found[i].notes.is_log,
                                          .left_out = left_out,
                                          .lacks = log_kind_lacks(found[i].notes.log.kind),
                                          .connections = found[i].notes.log.connections,
                                          .notes = found[i].notes.log.notes,
                                          .unjoined = found[i].unjoined,
                                          .late = found[i].notes.log.late,
                                          .lines_unread = found[i].notes.log.unread};
        memcpy(input[i].sha256, found[i].sha256, SHA256_SIZE);
    }
    summary->input = input;
    summary->input_count = count;
    summary->inside = &config->inside;
    summary->inside_guessed = !config->inside_set;
    summary->calendar = s->stack.calendar;
    summary->timezone = config->timezone;
    summary->engine = s->stack.engine;
    summary->learn_days = config->detect.learn_days;
    summary->had_baseline = s->options.baseline != NULL;
    summary->hindsight = s->hindsight || s->options.hindsight;
    summary->readings = s->again && !look_back_has_tape(s) ? 2 : 1;
    const struct engine_counts *counts = engine_counts_of(s->stack.engine);
    summary->first = s->observed ? s->before.first : counts->first;
    summary->last = s->observed ? s->before.last : counts->last;
    if (counts->last.ns != INT64_MIN && counts->last.ns - counts->first.ns > SESSION_LOOK_BACK_NS)
        summary->why_online = s->why_online; /* what is short is judged online anyway */
    summary->told = s->options.told;
    summary->timed = s->options.times.set;
    summary->duration_s = (double)(wtime_now().ns - s->started.ns) / 1e9;
}

const struct error *session_input_problem(const struct session *s)
{
    size_t count;
    const struct capture_input *found = feed_inputs(s->feed, &count);
    for (size_t i = 0; i < count; i++)
        if (found[i].error.code != ERROR_NONE && !is_left_out(s, found, i))
            return &found[i].error;
    if (s->cut.code != ERROR_NONE)
        return &s->cut;
    return s->changed.code != ERROR_NONE ? &s->changed : NULL;
}

/* --- taking down ----------------------------------------------------------------------------- */

struct clearing {
    struct session *session;
    bool done;
};

static void on_cleared(void *context)
{
    struct clearing *clearing = context;
    clearing->done = true;
    on_poll(clearing->session);
}

/* On somebody else's server a replay leaves nothing behind, whatever went wrong. The commands still
 * under way are answered first, so the engine must be there. A server that does not answer any more
 * is given up by the store, which then has nothing pending. */
static void clear_store(struct session *s)
{
    struct clearing clearing = {s, false};
    const struct stack *stack = &s->stack;
    if (!stack->store || !stack->store_ready || s->embedded.pid)
        return;
    store_clear(stack->store, on_cleared, &clearing);
    while (!clearing.done && store_pending(stack->store) > 0)
        stack->loop.ops->run(stack->loop.loop);
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

void session_end_reading(struct session *s)
{
    struct loop_ref loop = s->stack.loop;
    drop_interrupts(s);
    if (s->timer)
        loop.ops->drop(s->timer);
    if (s->deadline)
        loop.ops->drop(s->deadline);
    s->deadline = NULL;
    s->timer = NULL;
    clear_store(s);
    stack_close_engine(&s->stack); /* closes the rings: who waits for room goes on and ends */
    if (!look_back_has_tape(s)) {
        feed_free(s->feed);
        s->feed = NULL;
    } else if (s->feed) { /* it alone knows what the inputs were */
        feed_settle(s->feed);
    }
    for (uint32_t i = 0; i < s->rings; i++)
        ring_destroy(&s->ring[i]);
    s->rings = 0;
    stack_close(&s->stack);
}

void session_free(struct session *s)
{
    session_end_reading(s);
    if (s->again)
        give_signals_back(between);
    feed_free(s->feed);
    fleet_free(s->fleet);
    look_back_fini(s);
    if (s->embedded.pid)
        embedded_stop(&s->embedded);
    if (s->folder)
        remove_folder(s->folder);
    free(s->folder);
    free(s->journal_folder);
    free(s->prefix);
    inputs_fini(&s->inputs);
    *s = (struct session){.error = s->error};
}
