/* See access.h. */
#include "access.h"

#include "weir/base/buffer.h"
#include "weir/bus/event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SETTLE_NS (20 * NS_PER_MS)

/* --- is a sensor running there? -------------------------------------------------------------- */

/* Whoever runs holds the lock of its state directory. It is only looked at: a shared lock that is
 * given back at once. */
static bool is_locked(const char *folder)
{
    char *path = xasprintf("%s/lock", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return locked;
}

bool access_runs(const struct config *config)
{
    return is_locked(config_state_dir(config));
}

static int start_private(struct access *access)
{
    const char *folder = config_state_dir(access->config);
    if (!access->writes && faccessat(AT_FDCWD, folder, X_OK, 0) != 0)
        return error_set(&access->error, ERROR_RUN, "%s: %s: no sensor has kept a baseline there",
                         folder, strerror(errno));
    if (state_open(&access->state, access->config, &access->error) != 0)
        return -1;
    const struct sandbox_user *user = &access->state.user;
    struct embedded_config embedded = {.folder = access->state.redis,
                                       .persist = true,
                                       .user = {user->change, user->uid, user->gid}};
    return embedded_start(&access->embedded, &embedded, &access->error);
}

static char *url_of(struct access *access)
{
    const char *folder = config_state_dir(access->config);
    if (strcmp(access->config->redis_url, "embedded") != 0)
        return xstrdup(access->config->redis_url);
    if (access->running)
        return xasprintf("unix:%s/redis/redis.sock", folder);
    return start_private(access) == 0 ? xstrdup(access->embedded.url) : NULL;
}

/* --- opening and closing --------------------------------------------------------------------- */

void access_look_again(const struct access *access)
{
    access->loop.ops->stop(access->loop.loop);
}

static void on_ready(void *context)
{
    struct access *access = context;
    access->ready = true;
    access_look_again(access);
}

static void on_failed(void *context, const struct error *error)
{
    struct access *access = context;
    if (access->error.code == ERROR_NONE)
        access->error = *error;
    access_look_again(access);
}

int access_wait(struct access *access, const bool *done)
{
    while (!*done && access->error.code == ERROR_NONE)
        access->loop.ops->run(access->loop.loop);
    return access->error.code == ERROR_NONE ? 0 : -1;
}

static void on_poll(void *context)
{
    access_look_again(context);
}

int access_settle(struct access *access)
{
    struct loop_watch *poll =
        access->loop.ops->timer(access->loop.loop, SETTLE_NS, on_poll, access);
    while (access->error.code == ERROR_NONE && store_pending(access->store) > 0)
        access->loop.ops->run(access->loop.loop);
    access->loop.ops->drop(poll);
    return access->error.code == ERROR_NONE ? 0 : -1;
}

static int connect_store(struct access *access)
{
    static const struct store_events events = {on_ready, on_failed};
    char *url = url_of(access);
    if (!url)
        return -1;
    struct store_config store = {.url = url,
                                 .prefix = "weir",
                                 .sensor = access->config->sensor_name,
                                 .read_only = !access->writes};
    access->store = store_open(&store, access->loop, &events, access, &access->error);
    free(url);
    return access->store ? access_wait(access, &access->ready) : -1;
}

int access_open(struct access *access, const struct config *config, bool writes)
{
    *access = (struct access){.config = config, .writes = writes, .state = {.lock_fd = -1}};
    access->running = access_runs(config);
    access->calendar = config_calendar(config, &access->error);
    if (!access->calendar)
        return -1;
    access->loop = event_loop_new(&access->error);
    return access->loop.loop ? connect_store(access) : -1;
}

void access_close(struct access *access)
{
    if (access->store)
        store_free(access->store);
    if (access->loop.loop)
        event_loop_free(access->loop);
    calendar_free(access->calendar);
    if (access->embedded.pid > 0)
        embedded_stop(&access->embedded);
    state_close(&access->state);
}
