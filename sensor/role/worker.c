/* One capture process, seen from its parent: see worker.h. Its end is noticed by a pidfd; what it
 * still said is read before `gone` is told. Thread: the main thread, on the loop. */
#include "worker.h"

#include "heard.h"

#include "weir/base/log.h"
#include "weir/role/role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what it says ---------------------------------------------------------------------------- */

static void on_ready(struct worker *worker, struct control_message *message)
{
    if (worker->state != WORKER_STARTING || !control_body(message, sizeof(struct ready_answer)))
        return;
    worker->state = WORKER_READY;
    for (uint32_t i = 0; i < message->fd_count && i < CONFIG_INTERFACES; i++) {
        worker->socket[worker->sockets++] = message->fd[i];
        message->fd[i] = -1;
    }
    worker->events->ready(worker->context, worker);
}

static void on_beat(struct worker *worker, const struct beat *beat)
{
    bool first = !worker->begun;
    worker->begun = true;
    worker->status = beat->status;
    if (beat->status.turns != worker->turns_seen || beat->status.waiting)
        worker->alive = wtime_now();
    worker->turns_seen = beat->status.turns;
    if (first && worker->events->begun)
        worker->events->begun(worker->context, worker);
}

static void on_input(struct worker *worker, const struct input_answer *told)
{
    struct input_answer answer = *told;
    heard_text(answer.link, sizeof answer.link);
    heard_text(answer.packed, sizeof answer.packed);
    heard_text(answer.notes.comment, sizeof answer.notes.comment);
    if (answer.error.code != ERROR_NONE)
        answer.error = heard_error(&told->error);
    worker->events->input(worker->context, worker, worker->inputs++, &answer);
}

static void take_message(struct worker *worker, struct control_message *message)
{
    const void *body;
    switch (message->kind) {
    case CONTROL_READY:
        on_ready(worker, message);
        break;
    case CONTROL_BEAT:
        if ((body = control_body(message, sizeof(struct beat))))
            on_beat(worker, body);
        break;
    case CONTROL_HELD:
        if ((body = control_body(message, sizeof(struct held_answer))))
            worker->events->held(worker->context, worker,
                                 ((const struct held_answer *)body)->packets);
        break;
    case CONTROL_FORGOTTEN:
        body = control_body(message, sizeof(struct forgotten_answer));
        if (body && worker->events->forgotten)
            worker->events->forgotten(worker->context, worker, body);
        break;
    case CONTROL_INPUT_DONE:
        if ((body = control_body(message, sizeof(struct input_answer))))
            on_input(worker, body);
        break;
    case CONTROL_FAILED:
        if ((body = control_body(message, sizeof(struct failure))))
            worker->failure = heard_error(&((const struct failure *)body)->error);
        break;
    case CONTROL_ENDED:
        worker->told_end = true;
        break;
    default: /* nothing a capture process says: as good as silence */
        break;
    }
    control_close_descriptors(message);
}

/* Everything it said so far. */
static void listen(struct worker *worker)
{
    struct control_message message;
    enum control_result result;
    while (worker->control >= 0 &&
           (result = control_receive(worker->control, &message)) != CONTROL_AGAIN) {
        if (result == CONTROL_OK)
            take_message(worker, &message);
        if (result != CONTROL_CLOSED)
            continue;
        worker->loop.ops->change(worker->control_watch, 0); /* its end comes by the pidfd */
        return;
    }
}

static void on_control(void *context, unsigned what)
{
    (void)what;
    listen(context);
}

/* --- its end --------------------------------------------------------------------------------- */

static void let_go(struct worker *worker)
{
    if (worker->control_watch)
        worker->loop.ops->drop(worker->control_watch);
    if (worker->pid_watch)
        worker->loop.ops->drop(worker->pid_watch);
    worker->control_watch = worker->pid_watch = NULL;
    if (worker->control >= 0)
        close(worker->control);
    if (worker->pid_fd >= 0)
        close(worker->pid_fd);
    worker->control = worker->pid_fd = -1;
    worker->pid = 0;
}

static void on_death(void *context, unsigned what)
{
    struct worker *worker = context;
    int status = 0;
    (void)what;
    if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
        return;
    listen(worker);
    role_death(status, worker->death);
    let_go(worker);
    worker->state =
        worker->told_end || worker->failure.code != ERROR_NONE ? WORKER_ENDED : WORKER_LOST;
    worker->events->gone(worker->context, worker);
}

/* --- starting -------------------------------------------------------------------------------- */

static int open_pid(pid_t pid, struct error *error)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        error_set(error, ERROR_RUN, "cannot watch process %d: %s", pid, strerror(errno));
    return fd;
}

static void fill_orders(const struct worker_config *c, struct capture_orders *o)
{
    memset(o, 0, sizeof *o);
    o->worker = c->number;
    o->workers = c->workers;
    o->files = (uint32_t)c->file_count;
    o->ring_bytes = c->ring->size;
    o->snaplen = c->config->snaplen;
    o->buffer_mib = c->config->buffer_mib;
    o->decoder = c->config->decoder;
    o->follow = c->follow;
    o->times = c->times;
    o->fanout = c->fanout;
    o->again = c->again;
    o->pick = c->pick;
    o->wanted = c->wanted;
    if (c->config->evidence.enabled && c->file_count == 0) {
        o->held_segment_bytes = c->config->evidence.segment_mib << 20;
        o->held_handshake_bytes = c->config->evidence.handshake_bytes;
    }
    o->bindings = c->config->by_device;
    o->samples = c->config->content_samples;
    o->patterns = (uint32_t)c->config->pattern_count;
    o->drop = c->user.change;
    o->uid = c->user.uid;
    o->gid = c->user.gid;
    o->cpu = c->cpu;
    o->key = *c->key;
    snprintf(o->filter, sizeof o->filter, "%s", c->filter ? c->filter : "");
    if (c->file_count > 0)
        return;
    o->interfaces = (uint32_t)c->config->interface_count;
    for (uint32_t i = 0; i < o->interfaces; i++) {
        snprintf(o->interface[i].name, sizeof o->interface[i].name, "%s",
                 c->config->interface[i].name);
        o->interface[i].vantage = config_vantage(c->config, i);
    }
}

static int send_orders(const struct worker *worker, const struct worker_config *c,
                       struct error *error)
{
    struct capture_orders orders;
    struct ring_handles ring;
    fill_orders(c, &orders);
    if (ring_open_for_producer(c->ring, &ring, error) != 0)
        return -1;
    int fd[] = {ring.producer_fd,
                ring.consumer_fd,
                ring.data_event,
                ring.space_event,
                c->pick ? c->pick_fd : c->recent_fd,
                c->held_fd};
    size_t count = orders.held_segment_bytes > 0 ? 6 : c->file_count > 0 && !c->pick ? 4 : 5;
    enum control_result sent =
        control_send(worker->control, CONTROL_CAPTURE, &orders, sizeof orders, fd, count);
    ring_close_side(c->ring, &ring);
    if (sent == CONTROL_OK)
        return 0;
    return error_set(error, ERROR_RUN, "capture worker %u took no orders", c->number);
}

static int send_patterns(const struct worker *worker, const struct worker_config *c,
                         struct error *error)
{
    for (size_t i = 0; i < c->config->pattern_count; i++) {
        struct pattern_orders pattern;
        enum control_result result;
        memset(&pattern, 0, sizeof pattern);
        snprintf(pattern.name, sizeof pattern.name, "%s", c->config->pattern[i].name);
        snprintf(pattern.pattern, sizeof pattern.pattern, "%s", c->config->pattern[i].pattern);
        while ((result = control_send(worker->control, CONTROL_PATTERN, &pattern, sizeof pattern,
                                      NULL, 0)) == CONTROL_AGAIN)
            usleep(1000);
        if (result != CONTROL_OK)
            return error_set(error, ERROR_RUN, "capture worker %u took no patterns", c->number);
    }
    return 0;
}

/* A process that has many files to take reads them while we write: its socket may be full. */
static int send_files(const struct worker *worker, const struct worker_config *c,
                      struct error *error)
{
    for (size_t i = 0; i < c->file_count; i++) {
        struct input_orders input;
        enum control_result result;
        memset(&input, 0, sizeof input);
        snprintf(input.path, sizeof input.path, "%s", c->files[i].path);
        while ((result = control_send(worker->control, CONTROL_INPUT, &input, sizeof input,
                                      &c->files[i].fd, 1)) == CONTROL_AGAIN)
            usleep(1000);
        if (result != CONTROL_OK)
            return error_set(error, ERROR_RUN, "capture worker %u took no inputs", c->number);
    }
    return 0;
}

int worker_start(struct worker *worker, const struct worker_config *c, struct error *error)
{
    *worker = (struct worker){.number = c->number,
                              .control = -1,
                              .pid_fd = -1,
                              .loop = c->loop,
                              .events = c->events,
                              .context = c->context,
                              .alive = wtime_now()};
    if (role_spawn("capture", &worker->pid, &worker->control, error) != 0)
        return -1;
    worker->state = WORKER_STARTING;
    worker->pid_fd = open_pid(worker->pid, error);
    if (worker->pid_fd < 0 || send_orders(worker, c, error) != 0 ||
        send_patterns(worker, c, error) != 0 || send_files(worker, c, error) != 0) {
        worker_fini(worker);
        return -1;
    }
    worker->control_watch =
        c->loop.ops->watch(c->loop.loop, worker->control, LOOP_READ, on_control, worker);
    worker->pid_watch =
        c->loop.ops->watch(c->loop.loop, worker->pid_fd, LOOP_READ, on_death, worker);
    return 0;
}

/* --- orders to a running one ----------------------------------------------------------------- */

static void send_plain(const struct worker *worker, enum control_kind kind, const void *body,
                       size_t size)
{
    if (worker->control >= 0)
        control_send(worker->control, kind, body, size, NULL, 0);
}

void worker_begin(struct worker *worker)
{
    worker->state = WORKER_RUNNING;
    worker->alive = wtime_now();
    send_plain(worker, CONTROL_START, NULL, 0);
}

void worker_hold(struct worker *worker)
{
    send_plain(worker, CONTROL_HOLD, NULL, 0);
}

bool worker_forget(struct worker *worker, const struct forget_orders *orders)
{
    return worker->control >= 0 && control_send(worker->control, CONTROL_FORGET, orders,
                                                sizeof *orders, NULL, 0) == CONTROL_OK;
}

void worker_finish_at(struct worker *worker, uint64_t packets)
{
    struct finish_orders orders = {packets};
    send_plain(worker, CONTROL_FINISH, &orders, sizeof orders);
}

void worker_stop(struct worker *worker)
{
    send_plain(worker, CONTROL_STOP, NULL, 0);
}

void worker_kill(struct worker *worker)
{
    if (worker->pid > 0)
        kill(worker->pid, SIGKILL);
}

void worker_close_sockets(struct worker *worker)
{
    for (size_t i = 0; i < worker->sockets; i++)
        close(worker->socket[i]);
    worker->sockets = 0;
}

void worker_fini(struct worker *worker)
{
    if (worker->pid > 0) {
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, NULL, 0);
    }
    if (worker->state != WORKER_NONE)
        let_go(worker);
    worker_close_sockets(worker);
    worker->state = WORKER_NONE;
}
