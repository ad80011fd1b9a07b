/* The courier of a live sensor: the process in which its sinks live.
 *
 * It is started once the engine has opened the journal, and the first one before anything is
 * captured, so that a sink that makes no sense ends the start in one line. From then on its death
 * is its own: it is started again (back-off 50 ms to 5 s), goes on from the saved places, and the
 * engine does not notice. One that has not moved for COURIER_HUNG_NS is ended.
 *
 * A reload replaces it first: the old one gets a while to deliver, the new one opens what the
 * changed configuration says. Only when that works is it the engine's turn; else the reload is
 * refused, and a courier on the configuration in effect takes its place again, as it does when the
 * engine does not come up.
 *
 * What it says is checked and cut: it links libraries that speak to strangers. Thread: the main
 * thread. */
#include "heard.h"
#include "sink_news.h"
#include "supervisor.h"

#include "weir/base/log.h"
#include "weir/role/role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COURIER_HUNG_NS (30 * NS_PER_S)
#define COURIER_STOP_NS (5 * NS_PER_S) /* it gives itself 2 s */

/* --- what it says ---------------------------------------------------------------------------- */

static void take_news(struct courier_child *courier, const struct sinks_news *told)
{
    courier->news.durable = told->durable;
    courier->news.count = told->count < CONFIG_SINKS ? told->count : CONFIG_SINKS;
    for (uint32_t i = 0; i < courier->news.count; i++) {
        courier->news.sink[i] = told->sink[i];
        sink_news_check(&courier->news.sink[i]);
    }
}

static void tell_stop(struct courier_child *courier)
{
    courier->told_to_stop = true;
    courier->stop_by.ns = wtime_now().ns + COURIER_STOP_NS;
    control_send(courier->control, CONTROL_STOP, NULL, 0, NULL, 0);
}

static void on_ready(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    bool first = !courier->came_up;
    courier->state = COURIER_RUNNING;
    courier->came_up = true;
    courier->back_off.from = wtime_now();
    if (first)
        engine_child_begin(s);
    if (!s->reloading || !courier->on_next || s->courier_agreed)
        return;
    s->courier_agreed = true;
    engine_child_send(s, CONTROL_STOP, NULL, 0, NULL, 0);
}

static void take_message(struct supervisor *s, const struct control_message *message)
{
    struct courier_child *courier = &s->courier;
    const void *body;
    switch (message->kind) {
    case CONTROL_READY:
        if (courier->state == COURIER_STARTING)
            on_ready(s);
        break;
    case CONTROL_SINKS:
        if ((body = control_body(message, sizeof(struct sinks_news))))
            take_news(courier, body);
        break;
    case CONTROL_FAILED:
        if ((body = control_body(message, sizeof(struct failure))))
            courier->failure = heard_error(&((const struct failure *)body)->error);
        break;
    case CONTROL_ENDED:
        courier->told_end = true;
        break;
    default: /* nothing a courier says: as good as silence */
        break;
    }
}

static void listen(struct supervisor *s)
{
    static struct control_message message; /* large */
    struct courier_child *courier = &s->courier;
    enum control_result result = CONTROL_OK;
    while (courier->control >= 0 &&
           (result = control_receive(courier->control, &message)) != CONTROL_AGAIN &&
           result != CONTROL_CLOSED) {
        if (result != CONTROL_OK)
            continue;
        courier->alive = wtime_now();
        take_message(s, &message);
        control_close_descriptors(&message);
    }
    if (result == CONTROL_CLOSED) /* its end comes by the pidfd */
        s->loop.ops->change(courier->control_watch, 0);
}

static void on_control(void *context, unsigned what)
{
    (void)what;
    listen(context);
}

/* --- its end --------------------------------------------------------------------------------- */

static void let_go(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    if (courier->control_watch)
        s->loop.ops->drop(courier->control_watch);
    if (courier->pid_watch)
        s->loop.ops->drop(courier->pid_watch);
    courier->control_watch = courier->pid_watch = NULL;
    if (courier->control >= 0)
        close(courier->control);
    if (courier->pid_fd >= 0)
        close(courier->pid_fd);
    courier->control = courier->pid_fd = -1;
    courier->pid = 0;
    courier->state = COURIER_NONE;
}

/* Nobody told it to. */
static void on_loss(struct supervisor *s, const char *how, bool came_up)
{
    struct courier_child *courier = &s->courier;
    const char *why = courier->failure.code != ERROR_NONE ? courier->failure.message : how;
    if (!courier->came_up) {
        s->error = courier->failure;
        error_set(&s->error, ERROR_RUN, "the courier ended: %s", how);
        return;
    }
    if (s->reloading && courier->on_next && !came_up && !s->courier_agreed) {
        supervisor_refuse_reload(s, why);
        engine_child_send(s, CONTROL_RELOADED, &s->news, sizeof s->news, NULL, 0);
        return;
    }
    log_warn("the courier ended: %s; the next goes on from the saved places", why);
    snprintf(courier->news.death, sizeof courier->news.death, "%.63s", why);
    back_off_next(&courier->back_off, wtime_now());
    courier->news.restarts++;
}

static void on_end(struct supervisor *s, const char *how)
{
    struct courier_child *courier = &s->courier;
    bool came_up = courier->state == COURIER_RUNNING;
    let_go(s);
    if (courier->finishing)
        s->done = true;
    else if (courier->told_end)
        courier->told_to_stop = true; /* also of itself: another is due at once */
    else if (!courier->told_to_stop)
        on_loss(s, how, came_up);
    courier->failure = (struct error){0};
    s->loop.ops->stop(s->loop.loop);
}

static void on_death(void *context, unsigned what)
{
    struct supervisor *s = context;
    int status = 0;
    char how[64];
    (void)what;
    if (waitpid(s->courier.pid, &status, WNOHANG) != s->courier.pid)
        return;
    listen(s);
    on_end(s, role_death(status, how));
}

/* --- starting -------------------------------------------------------------------------------- */

static int send_orders(struct supervisor *s)
{
    struct courier_orders orders;
    memset(&orders, 0, sizeof orders);
    const struct config_source *source = s->reloading ? &s->next.source : &s->source;
    int fd[] = {supervisor_packed_source(s, source, &orders.source_bytes), s->bell};
    orders.again = s->reloading ? s->courier_agreed : s->courier.came_up;
    orders.drop = s->state.user.change;
    orders.uid = s->state.user.uid;
    orders.gid = s->state.user.gid;
    snprintf(orders.folder, sizeof orders.folder, "%s", s->given.folder ? s->given.folder : "");
    enum control_result sent = fd[0] < 0 ? CONTROL_INVALID
                                         : control_send(s->courier.control, CONTROL_COURIER,
                                                        &orders, sizeof orders, fd, 2);
    if (fd[0] >= 0)
        close(fd[0]);
    if (sent == CONTROL_OK)
        return 0;
    return error_set(&s->error, ERROR_RUN, "the courier took no orders");
}

int courier_child_start(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    courier->told_end = courier->told_to_stop = false;
    courier->on_next = s->reloading;
    courier->alive = wtime_now();
    if (role_spawn("courier", &courier->pid, &courier->control, &s->error) != 0)
        return -1;
    courier->state = COURIER_STARTING;
    courier->pid_fd = (int)syscall(SYS_pidfd_open, courier->pid, 0);
    if (courier->pid_fd < 0 || send_orders(s) != 0) {
        courier_child_fini(s);
        return error_set(&s->error, ERROR_RUN, "cannot watch the courier: %s", strerror(errno));
    }
    struct loop_ref loop = s->loop;
    courier->control_watch = loop.ops->watch(loop.loop, courier->control, LOOP_READ, on_control, s);
    courier->pid_watch = loop.ops->watch(loop.loop, courier->pid_fd, LOOP_READ, on_death, s);
    return 0;
}

/* --- each tick ------------------------------------------------------------------------------- */

static void mind(struct supervisor *s, struct wtime now)
{
    const struct courier_child *courier = &s->courier;
    if (courier->told_to_stop && now.ns > courier->stop_by.ns) {
        kill(courier->pid, SIGKILL);
    } else if (now.ns - courier->alive.ns > COURIER_HUNG_NS) {
        log_warn("the courier has not moved for %lld s: it is ended",
                 (long long)(COURIER_HUNG_NS / NS_PER_S));
        kill(courier->pid, SIGKILL);
    }
}

void courier_child_tick(struct supervisor *s, struct wtime now)
{
    struct courier_child *courier = &s->courier;
    if (courier->state != COURIER_NONE) {
        mind(s, now);
        return;
    }
    bool asked = courier->told_to_stop; /* its place is to be taken at once */
    if (!courier->came_up || courier->finishing ||
        (!asked && !back_off_over(&courier->back_off, now)))
        return;
    if (courier_child_start(s) == 0)
        return;
    log_error("%s", s->error.message);
    s->error = (struct error){0};
    courier->told_to_stop = false;
    back_off_next(&courier->back_off, now);
}

void courier_child_news(struct supervisor *s)
{
    struct sinks_news *news = &s->courier.news;
    news->pid = s->courier.pid;
    news->state = (uint8_t)s->courier.state;
    engine_child_send(s, CONTROL_SINKS, news, sizeof *news, NULL, 0);
}

/* --- its place, its end ---------------------------------------------------------------------- */

void courier_child_replace(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    if (courier->state != COURIER_NONE && !courier->told_to_stop)
        tell_stop(courier);
    courier->told_to_stop = true;
}

void courier_child_finish(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    courier->finishing = true;
    if (courier->state == COURIER_NONE && courier_child_start(s) != 0)
        s->done = true;
    else
        tell_stop(courier);
}

void courier_child_fini(struct supervisor *s)
{
    struct courier_child *courier = &s->courier;
    if (courier->pid > 0) {
        kill(courier->pid, SIGKILL);
        waitpid(courier->pid, NULL, 0);
    }
    let_go(s);
}
