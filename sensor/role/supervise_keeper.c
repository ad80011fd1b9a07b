/* The keeper of a live sensor that keeps evidence, or did once: what it kept goes in its time.
 * Started behind the courier, and again with back-off when it dies or has not moved for
 * KEEPER_HUNG_NS. Its death is its own: capture goes on into its files, and the next keeper goes on
 * where this one stood. It sees packets, so what it says is checked and cut.
 *
 * The sensor ends: once no capture process is left it seals what is open, and only then does the
 * engine end, which takes its word to the journal. Thread: the main thread. */
#include "heard.h"
#include "supervisor.h"

#include "weir/base/log.h"
#include "weir/investigate/keeper.h"
#include "weir/role/role.h"

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPER_HUNG_NS  (60 * NS_PER_S) /* a large ring may take it a while */
#define KEEPER_STOP_NS  (10 * NS_PER_S) /* it gives itself 5 s */
#define MESSAGES_A_TURN 64
#define NEWS_UNREAD     65536 /* bytes: beyond, it is left alone */

/* --- what it says ---------------------------------------------------------------------------- */

static void take_says(struct supervisor *s, const struct keeper_says *told)
{
    struct keeper_says says = *told;
    heard_text(says.action, sizeof says.action);
    heard_text(says.incident, sizeof says.incident);
    heard_text(says.message, sizeof says.message);
    bool known =
        strcmp(says.action, "evidence.seal") == 0 || strcmp(says.action, "evidence.remove") == 0;
    if (known && evidence_is_incident(says.incident))
        engine_child_tell(s, CONTROL_KEEPER_SAYS, &says, sizeof says);
}

static void take_news(struct keeper_child *keeper, const struct keeper_news *told)
{
    struct keeper_news news = *told;
    news.restarts = keeper->news.restarts;
    memcpy(news.death, keeper->news.death, sizeof news.death);
    keeper->news = news;
}

static void take_message(struct supervisor *s, const struct control_message *message)
{
    struct keeper_child *keeper = &s->keeper;
    const void *body;
    switch (message->kind) {
    case CONTROL_READY:
        keeper->back_off.from = wtime_now();
        break;
    case CONTROL_KEEPER_SAYS:
        if ((body = control_body(message, sizeof(struct keeper_says))))
            take_says(s, body);
        break;
    case CONTROL_KEEPER_NEWS:
        if ((body = control_body(message, sizeof(struct keeper_news))))
            take_news(keeper, body);
        break;
    case CONTROL_FAILED:
        if ((body = control_body(message, sizeof(struct failure))))
            keeper->failure = heard_error(&((const struct failure *)body)->error);
        break;
    case CONTROL_ENDED:
        keeper->told_end = true;
        break;
    default: /* nothing a keeper says: as good as silence */
        break;
    }
}

static void listen(struct supervisor *s, unsigned most)
{
    static struct control_message message; /* large */
    struct keeper_child *keeper = &s->keeper;
    enum control_result result = CONTROL_OK;
    for (; most > 0 && keeper->control >= 0; most--) {
        result = control_receive(keeper->control, &message);
        if (result == CONTROL_AGAIN || result == CONTROL_CLOSED)
            break;
        if (result != CONTROL_OK)
            continue;
        keeper->alive = wtime_now();
        take_message(s, &message);
        control_close_descriptors(&message);
    }
    if (result == CONTROL_CLOSED) /* its end comes by the pidfd */
        s->loop.ops->change(keeper->control_watch, 0);
}

static void on_control(void *context, unsigned what)
{
    (void)what;
    listen(context, MESSAGES_A_TURN);
}

/* --- its end --------------------------------------------------------------------------------- */

static void let_go(struct supervisor *s)
{
    struct keeper_child *keeper = &s->keeper;
    if (keeper->control_watch)
        s->loop.ops->drop(keeper->control_watch);
    if (keeper->pid_watch)
        s->loop.ops->drop(keeper->pid_watch);
    keeper->control_watch = keeper->pid_watch = NULL;
    if (keeper->control >= 0)
        close(keeper->control);
    if (keeper->pid_fd >= 0)
        close(keeper->pid_fd);
    keeper->control = keeper->pid_fd = -1;
    keeper->pid = 0;
}

static void on_death(void *context, unsigned what)
{
    struct supervisor *s = context;
    struct keeper_child *keeper = &s->keeper;
    int status = 0;
    char how[64];
    (void)what;
    if (waitpid(keeper->pid, &status, WNOHANG) != keeper->pid)
        return;
    listen(s, UINT32_MAX);
    role_death(status, how);
    const char *why = keeper->failure.code != ERROR_NONE ? keeper->failure.message : how;
    if (!keeper->told_end || !(keeper->finishing || keeper->replaced)) {
        log_warn("the keeper of evidence ended: %s; the next goes on where it stood", why);
        snprintf(keeper->news.death, sizeof keeper->news.death, "%.63s", why);
        keeper->news.restarts++;
        back_off_next(&keeper->back_off, wtime_now());
    }
    let_go(s);
    keeper->replaced = false;
    keeper->failure = (struct error){0};
    s->loop.ops->stop(s->loop.loop);
}

/* --- starting -------------------------------------------------------------------------------- */

static void put_words(const struct supervisor_config *given, struct keeper_orders *orders)
{
    static const char more[] = "…";
    size_t at = 0;
    for (size_t i = 0; i < given->words; i++) {
        size_t size = strlen(given->word[i]) + 1;
        bool fits = at + size + sizeof more <= sizeof orders->command_line;
        memcpy(orders->command_line + at, fits ? given->word[i] : more, fits ? size : sizeof more);
        orders->words++;
        if (!fits)
            return;
        at += size;
    }
}

static int send_orders(struct supervisor *s)
{
    struct keeper_orders orders;
    memset(&orders, 0, sizeof orders);
    int fd = supervisor_packed_source(s, &s->source, &orders.source_bytes);
    orders.drop = s->state.user.change;
    orders.uid = s->state.user.uid;
    orders.gid = s->state.user.gid;
    put_words(&s->given, &orders);
    enum control_result sent =
        fd < 0 ? CONTROL_INVALID
               : control_send(s->keeper.control, CONTROL_KEEPER, &orders, sizeof orders, &fd, 1);
    if (fd >= 0)
        close(fd);
    return sent == CONTROL_OK ? 0 : error_set(&s->error, ERROR_RUN, "the keeper took no orders");
}

static int start(struct supervisor *s)
{
    struct keeper_child *keeper = &s->keeper;
    keeper->told_end = false;
    keeper->alive = wtime_now();
    if (role_spawn("keeper", &keeper->pid, &keeper->control, &s->error) != 0)
        return -1;
    keeper->pid_fd = (int)syscall(SYS_pidfd_open, keeper->pid, 0);
    if (keeper->pid_fd < 0 || send_orders(s) != 0) {
        keeper_child_fini(s);
        return error_set(&s->error, ERROR_RUN, "cannot watch the keeper: %s", strerror(errno));
    }
    struct loop_ref loop = s->loop;
    keeper->control_watch = loop.ops->watch(loop.loop, keeper->control, LOOP_READ, on_control, s);
    keeper->pid_watch = loop.ops->watch(loop.loop, keeper->pid_fd, LOOP_READ, on_death, s);
    return 0;
}

/* One that cannot be started is no reason to see nothing: it is tried again. */
static void try_start(struct supervisor *s, struct wtime now)
{
    if (start(s) == 0)
        return;
    log_error("%s", s->error.message);
    s->error = (struct error){0};
    back_off_next(&s->keeper.back_off, now);
}

void keeper_child_start(struct supervisor *s)
{
    if (s->keeper.wanted || !(s->config.evidence.enabled || evidence_room_has_kept(s)))
        return;
    s->keeper.wanted = true;
    try_start(s, wtime_now());
}

void keeper_child_tick(struct supervisor *s, struct wtime now)
{
    struct keeper_child *keeper = &s->keeper;
    if (!keeper->wanted)
        return;
    if (keeper->pid == 0) {
        if (!keeper->finishing && back_off_over(&keeper->back_off, now))
            try_start(s, now);
        return;
    }
    bool late = (keeper->finishing || keeper->replaced) && now.ns > keeper->stop_by.ns;
    bool hung = now.ns - keeper->alive.ns > KEEPER_HUNG_NS;
    if (!late && !hung)
        return;
    log_warn("the keeper of evidence has not %s: it is ended", hung ? "moved" : "ended in time");
    kill(keeper->pid, SIGKILL);
}

/* --- while it runs, its end ------------------------------------------------------------------ */

void keeper_child_tell(struct supervisor *s, const struct workers_news *news)
{
    struct keeper_child *keeper = &s->keeper;
    int unread = 0;
    if (!keeper->wanted)
        return;
    keeper->news.pid = keeper->pid;
    engine_child_tell(s, CONTROL_KEEPER_NEWS, &keeper->news, sizeof keeper->news);
    if (keeper->pid > 0 && ioctl(keeper->control, SIOCOUTQ, &unread) == 0 && unread < NEWS_UNREAD)
        control_send(keeper->control, CONTROL_WORKERS, news, sizeof *news, NULL, 0);
}

static void tell_stop(struct keeper_child *keeper)
{
    keeper->stop_by.ns = wtime_now().ns + KEEPER_STOP_NS;
    if (keeper->pid > 0)
        control_send(keeper->control, CONTROL_STOP, NULL, 0, NULL, 0);
}

void keeper_child_replace(struct supervisor *s)
{
    struct keeper_child *keeper = &s->keeper;
    if (keeper->pid == 0 || keeper->finishing || keeper->replaced)
        return;
    keeper->replaced = true;
    tell_stop(keeper);
}

void keeper_child_finish(struct supervisor *s)
{
    struct keeper_child *keeper = &s->keeper;
    if (keeper->finishing)
        return;
    keeper->finishing = true;
    tell_stop(keeper);
}

bool keeper_child_gone(const struct supervisor *s)
{
    return s->keeper.pid == 0;
}

void keeper_child_fini(struct supervisor *s)
{
    struct keeper_child *keeper = &s->keeper;
    if (keeper->pid > 0) {
        kill(keeper->pid, SIGKILL);
        waitpid(keeper->pid, NULL, 0);
    }
    let_go(s);
}
