/* The supervisor's life.
 *
 *   folder and lock → control socket → private redis → engine → (ready) → capture processes
 *   … each second: who is missing, hung or due? …
 *   SIGTERM: captures end their flows → the engine drains the rings, leaves a checkpoint, ends
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
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS     (50 * NS_PER_MS) /* due starts are looked for this often … */
#define KEY_SIZE    32
#define LISTEN_MODE 0660

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

/* --- the state directory --------------------------------------------------------------------- */

static int own_folder(struct supervisor *s, const char *path)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return error_set(&s->error, ERROR_RUN, "sensor.state_dir %s: %s", path, strerror(errno));
    if (s->user.change && chown(path, s->user.uid, s->user.gid) != 0)
        return error_set(&s->error, ERROR_RUN,
                         "sensor.state_dir %s: cannot be given to user %s: %s", path,
                         s->config.user, strerror(errno));
    return 0;
}

static int take_lock(struct supervisor *s)
{
    char *path = xasprintf("%s/lock", s->state_dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock_fd < 0)
        error_set(&s->error, ERROR_RUN, "%s: %s", path, strerror(errno));
    else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        error_set(&s->error, ERROR_RUN,
                  "%s: another sensor runs there; give this one its own sensor.state_dir", path);
    free(path);
    return s->error.code == ERROR_NONE ? 0 : -1;
}

/* The site's key for hashes of found items: made once, kept with the state they appear in. */
static int load_key(struct supervisor *s)
{
    uint8_t key[KEY_SIZE];
    char *path = xasprintf("%s/site.key", s->state_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 && read(fd, key, sizeof key) == sizeof key;
    if (fd >= 0)
        close(fd);
    if (!there) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || getrandom(key, sizeof key, 0) != sizeof key ||
            write(fd, key, sizeof key) != sizeof key)
            error_set(&s->error, ERROR_RUN, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    hash_key_init(&s->key, key, sizeof key);
    free(path);
    return s->error.code == ERROR_NONE ? 0 : -1;
}

static int open_state(struct supervisor *s)
{
    char *crash = xasprintf("%s/crash", s->state_dir);
    char *socket = xasprintf("%s/control.sock", s->state_dir);
    int failed = own_folder(s, s->state_dir) != 0 || take_lock(s) != 0 || load_key(s) != 0 ||
                 own_folder(s, crash) != 0;
    if (!failed) {
        s->listener = api_listen(socket, LISTEN_MODE, &s->error);
        failed = s->listener < 0;
    }
    free(crash);
    free(socket);
    return failed ? -1 : 0;
}

static int open_redis(struct supervisor *s)
{
    if (strcmp(s->config.redis_url, "embedded") != 0)
        return 0;
    s->redis_folder = xasprintf("%s/redis", s->state_dir);
    return own_folder(s, s->redis_folder) != 0 ? -1 : private_redis_start(s);
}

static int open_output(struct supervisor *s)
{
    const char *folder = s->given.folder;
    if (!folder)
        return 0;
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return error_set(&s->error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    if (s->user.change && chown(folder, s->user.uid, s->user.gid) != 0)
        return error_set(&s->error, ERROR_RUN, "%s: cannot be given to user %s: %s", folder,
                         s->config.user, strerror(errno));
    return 0;
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

/* Once no capture process is left, the engine drains what they wrote and ends. */
static void mind_stop(struct supervisor *s, struct wtime now)
{
    if (!s->stopping)
        return;
    if (posts_gone(s))
        engine_child_send(s, CONTROL_FINISH, NULL, 0, NULL, 0);
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
    news.redis_up = !s->redis_folder || s->embedded.pid > 0;
    engine_child_send(s, CONTROL_WORKERS, &news, sizeof news, NULL, 0);
}

static void on_tick(void *context)
{
    struct supervisor *s = context;
    struct wtime now = wtime_now();
    tell_news(s, now);
    posts_tick(s, now);
    engine_child_tick(s, now);
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
    s->state_dir = config_state_dir(&s->config);
    s->posts = s->config.workers;
    s->next_incarnation = s->engine.generation = 1;
    s->started_s = time(NULL);
    s->fanout = (uint16_t)(getpid() * CONFIG_INTERFACES);
    if (sandbox_find_user(s->config.user, &s->user, &s->error) != 0)
        return -1;
    umask(0027);
    if (open_state(s) != 0 || open_output(s) != 0 || open_redis(s) != 0 || open_loop(s) != 0)
        return -1;
    return engine_child_start(s);
}

static void end(struct supervisor *s)
{
    posts_fini(s);
    engine_child_fini(s);
    if (s->embedded.pid > 0)
        embedded_stop(&s->embedded);
    for (size_t i = 0; i < sizeof s->signals / sizeof *s->signals; i++)
        if (s->signals[i])
            s->loop.ops->drop(s->signals[i]);
    if (s->second)
        s->loop.ops->drop(s->second);
    if (s->loop.loop)
        event_loop_free(s->loop);
    if (s->listener >= 0) {
        char *socket = xasprintf("%s/control.sock", s->state_dir);
        unlink(socket);
        free(socket);
        close(s->listener);
    }
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->redis_folder);
    config_fini(&s->config);
    config_fini(&s->next_config);
    config_source_fini(&s->next_source);
}

/* A copy of the caller's source: what it borrows outlives us, its text is replaced by reloads. */
static void copy_source(struct supervisor *s, const struct config_source *source)
{
    s->source = *source;
    s->source.packed = NULL;
    if (source->text) {
        s->source.text = xcalloc(1, source->text_size + 1);
        memcpy(s->source.text, source->text, source->text_size);
    }
}

int supervisor_run(const struct supervisor_config *given, struct error *error)
{
    struct supervisor *s = xcalloc(1, sizeof *s);
    s->given = *given;
    s->lock_fd = s->listener = s->engine.control = s->engine.pid_fd = -1;
    copy_source(s, given->source);
    if (config_load(&s->config, &s->source, &s->error) == 0 && begin(s) == 0)
        while (!s->done && s->error.code == ERROR_NONE)
            s->loop.ops->run(s->loop.loop);
    *error = s->error;
    end(s);
    free(s->source.text);
    free(s);
    return error->code == ERROR_NONE ? 0 : -1;
}
