/* The supervisor's life.
 *
 *   folder and lock → control socket → private redis → engine → courier → keeper → capture
 *   processes
 *   … each second: who is missing, hung or due? …
 *   SIGTERM: captures end their flows → the keeper seals its evidence → the engine drains the
 * rings, leaves a checkpoint, ends → the courier delivers what it can, ends
 *
 * It keeps its rights as long as it lives, so that it can start again whoever dies; it never looks
 * at what came from a network. Thread: the main thread, on a loop of its own. */
#include "supervisor.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/api.h"
#include "weir/bus/event_loop.h"
#include "weir/role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS     (50 * NS_PER_MS) /* due starts are looked for this often … */
#define LISTEN_MODE 0660
#define HELD_UP_NS  NS_PER_S

/* --- back-off -------------------------------------------------------------------------------- */

void back_off_next(struct back_off *back_off, struct wtime now)
{
    if (now.ns - back_off->from.ns >= HEALTHY_NS)
        back_off->wait_ns = 0;
    else
        back_off->wait_ns = back_off->wait_ns == 0                    ? BACK_OFF_MIN_NS
                            : 2 * back_off->wait_ns < BACK_OFF_MAX_NS ? 2 * back_off->wait_ns
                                                                      : BACK_OFF_MAX_NS;
    back_off->due.ns = now.ns + back_off->wait_ns;
    back_off->from = back_off->due;
}

bool back_off_over(const struct back_off *back_off, struct wtime now)
{
    return now.ns >= back_off->due.ns;
}

/* --- what it stands on ----------------------------------------------------------------------- */

static int listen_at(const char *section, const char *place, struct error *error)
{
    struct error why = {0};
    int fd = api_listen_tcp(place, &why);
    if (fd < 0)
        error_set(error, why.code, "%s.listen: %s", section, why.message);
    return fd;
}

static int open_listener(struct supervisor *s)
{
    char *socket = xasprintf("%s/control.sock", s->state.folder);
    s->listener = api_listen(socket, LISTEN_MODE, &s->error);
    const struct sandbox_user *user = &s->state.user;
    if (s->listener >= 0 && user->change && chown(socket, user->uid, user->gid) != 0)
        error_set(&s->error, ERROR_RUN, "%s: cannot be given to user %s", socket,
                  s->state.user_name);
    free(socket);
    if (s->error.code == ERROR_NONE && *s->config.metrics_listen)
        s->metrics_listener = listen_at("metrics", s->config.metrics_listen, &s->error);
    if (s->error.code == ERROR_NONE && s->config.console.enabled)
        s->console_listener = listen_at("console", s->config.console.listen, &s->error);
    return s->error.code == ERROR_NONE ? 0 : -1;
}

/* On the loopback, without users: whoever may read what we say may come in. */
static void say_link(const struct supervisor *s)
{
    struct console_settings settings;
    config_console_settings(&s->config, &settings);
    if (s->console_listener < 0)
        return;
    const char *scheme = *settings.cert_file ? "https" : "http";
    if (console_has_token(&settings))
        log_warn("console: %s://%s/#/login?token=%s", scheme, settings.listen, s->token);
    else
        log_info("console: %s://%s/", scheme, settings.listen);
}

static void close_listener(struct supervisor *s)
{
    if (s->metrics_listener >= 0)
        close(s->metrics_listener);
    if (s->console_listener >= 0)
        close(s->console_listener);
    if (s->listener < 0)
        return;
    char *socket = xasprintf("%s/control.sock", s->state.folder);
    unlink(socket);
    free(socket);
    close(s->listener);
}

static int open_state(struct supervisor *s)
{
    if (state_open(&s->state, &s->config, &s->error) != 0 || open_listener(s) != 0)
        return -1;
    if (s->given.folder && state_make_folder(&s->state, s->given.folder, &s->error) != 0)
        return -1;
    say_link(s);
    return s->state.redis ? private_redis_start(s) : 0;
}

/* --- signals and seconds --------------------------------------------------------------------- */

static void on_stop(void *context)
{
    struct supervisor *s = context;
    if (s->stopping)
        return;
    s->stopping = true;
    s->stop_by.ns = wtime_now().ns + STOP_NS;
    log_info("stopping");
    posts_stop(s);
}

static void on_reload(void *context)
{
    engine_child_reload(context);
}

/* Once no capture process is left, the keeper seals what it has, the engine drains what they wrote
 * and ends. */
static void mind_stop(struct supervisor *s, struct wtime now)
{
    if (!s->stopping)
        return;
    bool over = posts_gone(s) && forgets_last(s);
    if (over)
        keeper_child_finish(s);
    if (over && keeper_child_gone(s))
        engine_child_finish(s);
    if (now.ns > s->stop_by.ns) {
        error_set(&s->error, ERROR_RUN, "not all processes ended within %lld s: they are killed",
                  (long long)(STOP_NS / NS_PER_S));
        s->done = true;
    }
}

static void tell_news(struct supervisor *s, struct wtime now)
{
    struct workers_news news;
    if (now.ns < s->next_news.ns)
        return;
    s->next_news.ns = now.ns + NS_PER_S;
    memset(&news, 0, sizeof news);
    posts_news(s, &news);
    news.redis_up = !s->state.redis || s->embedded.pid > 0;
    engine_child_tell(s, CONTROL_WORKERS, &news, sizeof news);
    courier_child_news(s);
    keeper_child_tell(s, &news);
}

/* While we were held up ourselves (a redis-server that took its time to start) nobody was heard:
 * that is no silence of theirs. */
static void forgive(struct supervisor *s, struct wtime now)
{
    int64_t away_ns = now.ns - s->ticked.ns;
    if (s->ticked.ns > 0 && away_ns > HELD_UP_NS) {
        for (uint32_t i = 0; i < s->posts; i++)
            s->post[i].worker.alive.ns += away_ns;
        s->engine.alive.ns += away_ns;
        s->courier.alive.ns += away_ns;
        s->keeper.alive.ns += away_ns;
        s->stop_by.ns += away_ns; /* a file that was walked takes nobody's time to end */
    }
    s->ticked = now;
}

static void on_tick(void *context)
{
    struct supervisor *s = context;
    struct wtime now = wtime_now();
    struct notify_news manager = {s->capturing, s->reloading, s->stopping};
    forgive(s, now);
    notify_tick(&s->notify, &manager, now);
    tell_news(s, now);
    posts_tick(s, now);
    engine_child_tick(s, now);
    courier_child_tick(s, now);
    keeper_child_tick(s, now);
    mind_stop(s, now);
    s->loop.ops->stop(s->loop.loop); /* `done` and `error` are looked at */
}

static int open_loop(struct supervisor *s)
{
    s->loop = event_loop_new(&s->error);
    if (!s->loop.loop)
        return -1;
    s->signals[0] = event_loop_signal(s->loop, SIGINT, on_stop, s);
    s->signals[1] = event_loop_signal(s->loop, SIGTERM, on_stop, s);
    s->signals[2] = event_loop_signal(s->loop, SIGHUP, on_reload, s);
    s->second = s->loop.ops->timer(s->loop.loop, TICK_NS, on_tick, s);
    return 0;
}

/* --- from start to end ----------------------------------------------------------------------- */

static int begin(struct supervisor *s)
{
    s->posts = s->config.workers;
    s->next_incarnation = s->engine.generation = 1;
    s->started_s = time(NULL);
    s->fanout = (uint16_t)(getpid() * CONFIG_INTERFACES);
    if (pipe2(s->bell, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(&s->error, ERROR_RUN, "cannot make a pipe: %s", strerror(errno));
    if (open_state(s) != 0 || evidence_room_prepare(s) != 0 || open_loop(s) != 0)
        return -1;
    return engine_child_start(s);
}

static void end(struct supervisor *s)
{
    posts_fini(s);
    engine_child_fini(s);
    courier_child_fini(s);
    keeper_child_fini(s);
    for (size_t i = 0; i < 2; i++)
        if (s->bell[i] >= 0)
            close(s->bell[i]);
    if (s->embedded.pid > 0)
        embedded_stop(&s->embedded);
    for (size_t i = 0; i < sizeof s->signals / sizeof *s->signals; i++)
        if (s->signals[i])
            s->loop.ops->drop(s->signals[i]);
    if (s->second)
        s->loop.ops->drop(s->second);
    if (s->loop.loop)
        event_loop_free(s->loop);
    close_listener(s);
    notify_close(&s->notify);
    state_close(&s->state);
    config_fini(&s->config);
    if (s->reloading)
        reload_fini(&s->next);
}

int supervisor_run(const struct supervisor_config *given, struct error *error)
{
    struct supervisor *s = xcalloc(1, sizeof *s);
    s->given = *given;
    s->metrics_listener = s->console_listener = -1;
    secret_make(s->token);
    s->listener = s->state.lock_fd = s->engine.control = s->engine.pid_fd = -1;
    s->courier.control = s->courier.pid_fd = s->bell[0] = s->bell[1] = -1;
    s->keeper.control = s->keeper.pid_fd = -1;
    notify_open(&s->notify); /* before there is a child that could speak for us */
    config_source_copy(&s->source, given->source);
    if (config_load(&s->config, &s->source, &s->error) == 0 && begin(s) == 0)
        while (!s->done && s->error.code == ERROR_NONE)
            s->loop.ops->run(s->loop.loop);
    *error = s->error.code != ERROR_NONE ? s->error : s->unfinished;
    end(s);
    config_source_fini(&s->source);
    free(s);
    return error->code == ERROR_NONE ? 0 : -1;
}
