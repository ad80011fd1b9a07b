/* The engine and the private redis-server of a live sensor, and reloads.
 *
 * A reload is a planned restart: the changed configuration is checked here, the courier is replaced
 * (supervise_courier.c), then the engine leaves a checkpoint, and its successor begins with the new
 * one, whole. When one of them does not come up, the old configuration is taken again by both and
 * the reload is refused with its words.
 * Meanwhile capture goes on into the rings. Thread: the main thread. */
#include "supervisor.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/role.h"

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEWS_UNREAD (64 << 10) /* bytes, as the kernel counts them */

/* --- redis ----------------------------------------------------------------------------------- */

int private_redis_start(struct supervisor *s)
{
    struct embedded_config config = {
        .folder = s->state.redis,
        .persist = true,
        .user = {s->state.user.change, s->state.user.uid, s->state.user.gid}};
    return embedded_start(&s->embedded, &config, &s->error);
}

static bool private_redis_died(struct supervisor *s)
{
    if (s->embedded.pid <= 0 || waitpid(s->embedded.pid, NULL, WNOHANG) != s->embedded.pid)
        return false;
    s->embedded.pid = 0;
    return true;
}

static void mind_redis(struct supervisor *s, struct wtime now)
{
    char line[EMBEDDED_LINE_SIZE];
    if (!s->state.redis)
        return;
    if (private_redis_died(s)) {
        log_warn("the private redis-server ended; its log says: %s",
                 embedded_last_line(s->state.redis, line));
        back_off_next(&s->redis_back_off, now);
    }
    if (s->embedded.pid > 0 || !back_off_over(&s->redis_back_off, now))
        return;
    s->redis_back_off.from = now;
    if (private_redis_start(s) != 0) {
        log_error("%s", s->error.message);
        s->error = (struct error){0};
        back_off_next(&s->redis_back_off, now);
    }
}

/* --- what the engine says -------------------------------------------------------------------- */

void engine_child_send(const struct supervisor *s, enum control_kind kind, const void *body,
                       size_t size, const int *fd, size_t count)
{
    if (s->engine.state == ENGINE_RUNNING &&
        control_send(s->engine.control, kind, body, size, fd, count) == CONTROL_AGAIN)
        log_warn("the engine does not listen: message %d is not told", kind);
}

/* Each second's news must not fill the socket of an engine that is busy for long: orders come the
 * same way. */
bool engine_child_tell(const struct supervisor *s, enum control_kind kind, const void *body,
                       size_t size)
{
    int unread = 0;
    return s->engine.state == ENGINE_RUNNING && ioctl(s->engine.control, SIOCOUTQ, &unread) == 0 &&
           unread < NEWS_UNREAD &&
           control_send(s->engine.control, kind, body, size, NULL, 0) == CONTROL_OK;
}

void engine_child_finish(struct supervisor *s)
{
    engine_child_send(s, CONTROL_FINISH, NULL, 0, NULL, 0);
    s->engine.told_to_finish |= s->engine.state == ENGINE_RUNNING;
}

static void settle_reload(struct supervisor *s)
{
    if (!s->reload_sent)
        return;
    config_fini(&s->config);
    config_source_fini(&s->source);
    s->config = s->next.config;
    s->source = s->next.source;
    s->next = (struct reload){.config = {.owned = NULL}};
    s->reloading = s->reload_sent = s->courier_agreed = false;
    s->engine.generation++;
    keeper_child_replace(s);
    s->news = (struct reload_news){.any = true, .ok = true, .at_ns = ptime_now().ns};
    log_warn("reloaded: configuration %u is in effect", s->engine.generation);
}

static void on_ready(struct supervisor *s, const struct engine_answer *answer)
{
    struct engine_child *engine = &s->engine;
    engine->state = ENGINE_RUNNING;
    engine->started = engine->back_off.from = wtime_now();
    if (answer->next_incarnation > s->next_incarnation)
        s->next_incarnation = answer->next_incarnation;
    settle_reload(s);
    engine_child_send(s, CONTROL_RELOADED, &s->news, sizeof s->news, NULL, 0);
    posts_hand_over(s);
    if (s->courier.came_up)
        engine_child_begin(s);
    else if (s->courier.state == COURIER_NONE) /* there is a journal now; the rest waits for it */
        courier_child_start(s);
}

void engine_child_begin(struct supervisor *s)
{
    struct engine_child *engine = &s->engine;
    engine_child_send(s, CONTROL_START, NULL, 0, NULL, 0);
    if (s->stopping && posts_gone(s) && keeper_child_gone(s))
        engine_child_finish(s);
    else if (s->courier_agreed) /* while it started, with what was in effect then */
        engine_child_send(s, CONTROL_STOP, NULL, 0, NULL, 0);
    if (!engine->begun_once) {
        keeper_child_start(s);
        posts_start(s);
    }
    engine->begun_once = true;
}

static void take_message(struct supervisor *s, const struct control_message *message)
{
    const void *body;
    switch (message->kind) {
    case CONTROL_READY:
        if (s->engine.state == ENGINE_STARTING &&
            (body = control_body(message, sizeof(struct engine_answer))))
            on_ready(s, body);
        break;
    case CONTROL_DAMAGED:
        if ((body = control_body(message, sizeof(struct ring_news))))
            posts_damaged(s, ((const struct ring_news *)body)->worker,
                          ((const struct ring_news *)body)->incarnation);
        break;
    case CONTROL_DRAINED:
        if ((body = control_body(message, sizeof(struct ring_news))))
            posts_drained(s, ((const struct ring_news *)body)->worker,
                          ((const struct ring_news *)body)->incarnation);
        break;
    case CONTROL_RELOAD:
        engine_child_reload(s);
        break;
    case CONTROL_FORGET:
        if ((body = control_body(message, sizeof(struct forget_orders))))
            forgets_take(s, body);
        break;
    case CONTROL_FAILED:
        if ((body = control_body(message, sizeof(struct failure))))
            s->engine.failure = ((const struct failure *)body)->error;
        break;
    case CONTROL_ENDED:
        s->engine.told_end = true;
        break;
    default: /* CONTROL_BEAT: any word is a sign of life */
        break;
    }
}

static void listen(struct supervisor *s)
{
    struct control_message message;
    enum control_result result = CONTROL_OK;
    while (s->engine.control >= 0 &&
           (result = control_receive(s->engine.control, &message)) == CONTROL_OK) {
        s->engine.alive = wtime_now();
        take_message(s, &message);
        control_close_descriptors(&message);
    }
    if (result == CONTROL_CLOSED) /* its end comes by the pidfd */
        s->loop.ops->change(s->engine.control_watch, 0);
}

static void on_control(void *context, unsigned what)
{
    (void)what;
    listen(context);
}

/* --- its end --------------------------------------------------------------------------------- */

static void let_go(struct supervisor *s)
{
    struct engine_child *engine = &s->engine;
    if (engine->control_watch)
        s->loop.ops->drop(engine->control_watch);
    if (engine->pid_watch)
        s->loop.ops->drop(engine->pid_watch);
    engine->control_watch = engine->pid_watch = NULL;
    if (engine->control >= 0)
        close(engine->control);
    if (engine->pid_fd >= 0)
        close(engine->pid_fd);
    engine->control = engine->pid_fd = -1;
    engine->pid = 0;
    engine->state = ENGINE_NONE;
}

/* Whoever stands on the refused one already goes back. */
void supervisor_refuse_reload(struct supervisor *s, const char *why)
{
    log_error("reload refused, the configuration in effect stays: %s", why);
    s->news = (struct reload_news){.any = true, .ok = false, .at_ns = ptime_now().ns};
    snprintf(s->news.text, sizeof s->news.text, "%s", why);
    reload_fini(&s->next);
    if (s->courier_agreed)
        courier_child_replace(s);
    s->reloading = s->reload_sent = s->courier_agreed = false;
}

static void on_end(struct supervisor *s, const char *how)
{
    struct engine_child *engine = &s->engine;
    const char *why = engine->failure.code != ERROR_NONE ? engine->failure.message : how;
    bool came_up = engine->state == ENGINE_RUNNING, was_sent = s->reload_sent;
    let_go(s);
    if (engine->told_end && engine->told_to_finish) {
        courier_child_finish(s);
    } else if (engine->told_end) { /* for a reload, with a checkpoint: its successor goes on */
    } else if (was_sent && !came_up) {
        supervisor_refuse_reload(s, why);
    } else if (s->stopping && !came_up && engine->failure.code != ERROR_NONE) {
        s->unfinished = engine->failure; /* another one would not come up either */
        courier_child_finish(s);
    } else if (!engine->begun_once) {
        s->error = engine->failure;
        error_set(&s->error, ERROR_RUN, "the engine ended: %s", how);
    } else {
        log_warn("the engine ended: %s; the next goes on from its checkpoint", why);
        back_off_next(&engine->back_off, wtime_now());
        engine->restarts++;
    }
    engine->failure = (struct error){0};
    s->loop.ops->stop(s->loop.loop);
}

static void on_death(void *context, unsigned what)
{
    struct supervisor *s = context;
    int status = 0;
    char how[64];
    (void)what;
    if (waitpid(s->engine.pid, &status, WNOHANG) != s->engine.pid)
        return;
    listen(s);
    on_end(s, role_death(status, how));
}

/* --- starting -------------------------------------------------------------------------------- */

int supervisor_packed_source(struct supervisor *s, const struct config_source *source,
                             uint64_t *size)
{
    struct buffer b = {0};
    config_source_pack(source, &b);
    int fd = memfd_create("weir-configuration", MFD_CLOEXEC);
    *size = b.size;
    if (fd < 0 || write(fd, b.data, b.size) != (ssize_t)b.size)
        error_set(&s->error, ERROR_RUN, "cannot hand over the configuration: %s", strerror(errno));
    buffer_fini(&b);
    return fd;
}

static int send_orders(struct supervisor *s)
{
    struct engine_orders orders;
    memset(&orders, 0, sizeof orders);
    bool next = s->reload_sent;
    const struct config *config = next ? &s->next.config : &s->config;
    int fd[] = {
        supervisor_packed_source(s, next ? &s->next.source : &s->source, &orders.source_bytes),
        s->listener, s->bell[1], -1, -1};
    size_t count = 3;
    orders.metrics = s->metrics_listener >= 0;
    orders.console = s->console_listener >= 0;
    if (orders.metrics)
        fd[count++] = s->metrics_listener;
    if (orders.console)
        fd[count++] = s->console_listener;
    memcpy(orders.token, s->token, sizeof orders.token);
    orders.workers = s->posts;
    orders.generation = s->engine.generation + next;
    orders.restarts = s->engine.restarts;
    orders.started_s = s->started_s;
    orders.first = !s->engine.begun_once;
    orders.asked = orders.first || next;
    orders.drop = s->state.user.change;
    orders.uid = s->state.user.uid;
    orders.gid = s->state.user.gid;
    orders.key = s->state.key;
    orders.flows = s->given.flows;
    snprintf(orders.folder, sizeof orders.folder, "%s", s->given.folder ? s->given.folder : "");
    snprintf(orders.redis_url, sizeof orders.redis_url, "%s",
             s->state.redis ? s->embedded.url : config->redis_url);
    orders.reload = s->news;
    enum control_result sent = fd[0] < 0 ? CONTROL_INVALID
                                         : control_send(s->engine.control, CONTROL_ENGINE, &orders,
                                                        sizeof orders, fd, count);
    if (fd[0] >= 0)
        close(fd[0]);
    if (sent == CONTROL_OK)
        return 0;
    return error_set(&s->error, ERROR_RUN, "the engine took no orders");
}

int engine_child_start(struct supervisor *s)
{
    struct engine_child *engine = &s->engine;
    engine->told_end = engine->told_to_finish = false;
    engine->failure = (struct error){0};
    engine->alive = engine->started = wtime_now();
    s->reload_sent = s->courier_agreed;
    if (role_spawn("engine", &engine->pid, &engine->control, &s->error) != 0)
        return -1;
    engine->state = ENGINE_STARTING;
    engine->pid_fd = (int)syscall(SYS_pidfd_open, engine->pid, 0);
    if (engine->pid_fd < 0 || send_orders(s) != 0) {
        engine_child_fini(s);
        return error_set(&s->error, ERROR_RUN, "cannot watch the engine: %s", strerror(errno));
    }
    struct loop_ref loop = s->loop;
    engine->control_watch = loop.ops->watch(loop.loop, engine->control, LOOP_READ, on_control, s);
    engine->pid_watch = loop.ops->watch(loop.loop, engine->pid_fd, LOOP_READ, on_death, s);
    return 0;
}

/* Of the private server the engine's start waits for the first try only: without one it judges what
 * needs no baseline. */
static bool may_start(const struct supervisor *s, struct wtime now)
{
    return s->engine.state == ENGINE_NONE && !s->courier.finishing &&
           back_off_over(&s->engine.back_off, now) &&
           (!s->state.redis || s->embedded.pid > 0 || s->redis_back_off.wait_ns > 0);
}

void engine_child_tick(struct supervisor *s, struct wtime now)
{
    mind_redis(s, now);
    if (may_start(s, now) && engine_child_start(s) != 0) {
        log_error("%s", s->error.message);
        s->error = (struct error){0};
        back_off_next(&s->engine.back_off, now);
    }
    if (s->engine.state != ENGINE_NONE && now.ns - s->engine.alive.ns > ENGINE_HUNG_NS) {
        log_warn("the engine has not moved for %lld s: it is ended",
                 (long long)(ENGINE_HUNG_NS / NS_PER_S));
        kill(s->engine.pid, SIGKILL);
    }
}

void engine_child_fini(struct supervisor *s)
{
    if (s->engine.pid > 0) {
        kill(s->engine.pid, SIGKILL);
        waitpid(s->engine.pid, NULL, 0);
    }
    let_go(s);
}

/* --- reload ---------------------------------------------------------------------------------- */

void engine_child_reload(struct supervisor *s)
{
    struct error error = {0};
    if (s->reloading || s->stopping)
        return; /* one at a time: its end is told */
    if (reload_read(&s->next, &s->source, &s->config, s->given.filter, &error) != 0) {
        supervisor_refuse_reload(s, error.message);
        engine_child_send(s, CONTROL_RELOADED, &s->news, sizeof s->news, NULL, 0);
        return;
    }
    s->reloading = true;
    courier_child_replace(s);
}
