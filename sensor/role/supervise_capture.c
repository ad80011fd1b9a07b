/* The capture processes of a live sensor. Each has a post: its number in the fanout, its rings, its
 * back-off. The order in a fanout is the order of joining, so the first processes are started one
 * after the other, and a successor joins (as the last, whom the kernel's program gives nothing)
 * before the dead one's sockets, which are held here, are closed: the last then takes that place.
 *
 * Every process gets a ring of its own, so that nothing a dead one scribbled meets its successor.
 * A ring is kept until the engine has drained it. Thread: the main thread. */
#include "supervisor.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/capture/recent.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CRASHES_KEPT 8 /* files of last packets, in the state directory */

static void start_next(struct supervisor *s);

/* --- rings ----------------------------------------------------------------------------------- */

static struct kept_ring *own_ring(struct post *post)
{
    return &post->kept[post->kept_count - 1];
}

/* Only once its process is ready to begin: from then on everybody's records wait for its word. */
static void tell_ring(const struct supervisor *s, const struct post *post, struct kept_ring *kept)
{
    struct ring_handles ring;
    struct error error = {0};
    struct ring_orders orders = {post->worker.number, kept->incarnation, kept->ring.size};
    kept->told = true;
    if (ring_open_for_consumer(&kept->ring, &ring, &error) != 0) {
        log_error("%s", error.message); /* no descriptors left: the next engine is told again */
        return;
    }
    int fd[] = {ring.producer_fd, ring.consumer_fd, ring.data_event, ring.space_event};
    engine_child_send(s, CONTROL_RING, &orders, sizeof orders, fd, 4);
    ring_close_side(&kept->ring, &ring);
}

static void tell_lost(const struct supervisor *s, const struct post *post,
                      const struct kept_ring *kept)
{
    struct lost_orders orders = {
        .worker = post->worker.number, .incarnation = kept->incarnation, .final = s->stopping};
    memcpy(orders.why, kept->why, sizeof orders.why);
    engine_child_send(s, CONTROL_LOST, &orders, sizeof orders, NULL, 0);
}

void posts_hand_over(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++)
        for (size_t k = 0; k < s->post[i].kept_count; k++) {
            struct kept_ring *kept = &s->post[i].kept[k];
            if (kept->drained || !kept->told)
                continue;
            tell_ring(s, &s->post[i], kept);
            if (kept->lost)
                tell_lost(s, &s->post[i], kept);
        }
}

/* Rings that the engine is done with; the living process's stays whatever the engine says. */
static void drop_rings(struct post *post)
{
    while (post->kept_count > 0 && post->kept[0].drained &&
           (post->kept_count > 1 || post->worker.state == WORKER_NONE)) {
        ring_destroy(&post->kept[0].ring);
        memmove(post->kept, post->kept + 1, --post->kept_count * sizeof *post->kept);
    }
}

/* The ring that the living process writes to. */
static bool is_current(const struct post *post, uint32_t incarnation)
{
    return post->worker.state == WORKER_RUNNING && post->kept_count > 0 &&
           post->kept[post->kept_count - 1].incarnation == incarnation;
}

/* One that says of itself that it has ended and goes on would never be heard again. */
void posts_drained(struct supervisor *s, uint32_t worker, uint32_t incarnation)
{
    if (worker >= s->posts)
        return;
    struct post *post = &s->post[worker];
    for (size_t i = 0; i < post->kept_count; i++)
        post->kept[i].drained |= post->kept[i].incarnation <= incarnation;
    if (is_current(post, incarnation) && !s->stopping && !post->told_to_stop)
        worker_kill(&post->worker);
    drop_rings(post);
}

void posts_damaged(struct supervisor *s, uint32_t worker, uint32_t incarnation)
{
    if (worker >= s->posts || !is_current(&s->post[worker], incarnation))
        return; /* whoever it was is gone */
    log_warn("capture worker %u wrote nonsense, or nothing: it is ended", worker);
    worker_kill(&s->post[worker].worker);
}

/* --- what a dead one leaves ------------------------------------------------------------------ */

static void save_recent(const struct supervisor *s, const struct post *post)
{
    struct error error = {0};
    char *path = xasprintf("%s/crash/worker-%u-%u.pcap", s->state.folder, post->worker.number,
                           post->restarts % CRASHES_KEPT);
    int packets = recent_save(post->recent_fd, path, &error);
    if (packets > 0)
        log_warn("capture worker %u: its last %d packets are in %s", post->worker.number, packets,
                 path);
    else if (packets < 0)
        log_warn("%s", error.message);
    free(path);
}

static void keep_sockets(struct post *post)
{
    struct worker *worker = &post->worker;
    for (size_t i = 0; i < worker->sockets; i++) {
        if (post->old_sockets == CONFIG_INTERFACES)
            close(worker->socket[i]);
        else
            post->old_socket[post->old_sockets++] = worker->socket[i];
    }
    worker->sockets = 0;
}

static void close_old_sockets(struct post *post)
{
    while (post->old_sockets > 0)
        close(post->old_socket[--post->old_sockets]);
}

static void on_gone(void *context, struct worker *worker)
{
    struct post *post = context;
    struct supervisor *s = post->supervisor;
    struct kept_ring *kept = own_ring(post);
    keep_sockets(post);
    post->forgetting = 0; /* its successor gets it again */
    if (worker->state == WORKER_LOST && !s->capturing)
        error_set(&s->error, ERROR_RUN, "capture worker %u died at its start: %s", worker->number,
                  worker->death);
    if (worker->state == WORKER_LOST) {
        memcpy(post->death, worker->death, sizeof post->death);
        log_warn("capture worker %u died: %s", worker->number, worker->death);
        save_recent(s, post);
    } else if (worker->failure.code != ERROR_NONE) {
        snprintf(post->death, sizeof post->death, "%.63s", worker->failure.message);
        if (post->back_off.wait_ns == 0 && s->capturing) /* else it is what the sensor ends with */
            log_warn("capture worker %u: %s", worker->number, worker->failure.message);
        if (!s->capturing && s->error.code == ERROR_NONE)
            s->error = worker->failure;
    }
    /* Also one that said good-bye: only its last watermark makes an end, and the engine knows. */
    bool ended = worker->state == WORKER_ENDED && worker->failure.code == ERROR_NONE;
    kept->lost = true;
    snprintf(kept->why, sizeof kept->why, "died (%.54s)", ended ? "ended itself" : post->death);
    kept->drained |= !kept->told;
    if (kept->told)
        tell_lost(s, post, kept);
    close(post->recent_fd);
    post->recent_fd = -1;
    worker->state = WORKER_NONE;
    drop_rings(post);
    back_off_next(&post->back_off, wtime_now());
    if (!s->regrouping)
        start_next(s);
}

/* --- starting -------------------------------------------------------------------------------- */

/* The first ones join one after the other, so that worker i is member i of every fanout. */
static void on_ready(void *context, struct worker *worker)
{
    struct post *post = context;
    struct supervisor *s = post->supervisor;
    close_old_sockets(post);
    post->gone_seen = 0;
    post->told_to_stop = false;
    if (s->joined) {
        tell_ring(s, post, own_ring(post));
        worker_begin(worker);
        return;
    }
    start_next(s);
    for (uint32_t i = 0; i < s->posts; i++)
        if (s->post[i].worker.state != WORKER_READY)
            return;
    s->joined = s->capturing = true;
    for (uint32_t i = 0; i < s->posts; i++)
        tell_ring(s, &s->post[i], own_ring(&s->post[i]));
    for (uint32_t i = 0; i < s->posts; i++)
        worker_begin(&s->post[i].worker);
    log_info("capturing");
}

static void on_held(void *context, struct worker *worker, uint64_t packets)
{
    (void)context;
    (void)worker;
    (void)packets; /* nobody holds a live one */
}

static void on_input(void *context, struct worker *worker, uint32_t index,
                     const struct input_answer *answer)
{
    (void)context;
    (void)worker;
    (void)index;
    (void)answer; /* an interface's figures are in the health records */
}

static void on_forgotten(void *context, struct worker *worker,
                         const struct forgotten_answer *answer)
{
    struct post *post = context;
    (void)worker;
    forgets_answer(post->supervisor, post, answer);
}

static const struct worker_events events = {on_ready, NULL,    on_held,
                                            on_input, on_gone, on_forgotten};

/* Nobody came to use it, and the engine was not told. */
static void unmake_ring(struct post *post)
{
    ring_destroy(&post->kept[--post->kept_count].ring);
    if (post->recent_fd >= 0)
        close(post->recent_fd);
    post->recent_fd = -1;
}

static int make_ring(struct supervisor *s, struct post *post)
{
    struct kept_ring *kept = &post->kept[post->kept_count];
    *kept = (struct kept_ring){.incarnation = s->next_incarnation++};
    if (ring_create(&kept->ring, RING_BYTES, &s->error) != 0)
        return -1;
    post->kept_count++;
    post->recent_fd = recent_create(&s->error);
    if (post->recent_fd >= 0)
        return 0;
    unmake_ring(post);
    return -1;
}

static int pinned_cpu(const struct supervisor *s, uint32_t worker)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return s->posts > 1 && cpus >= (long)s->posts ? (int)worker : -1;
}

static int start_post(struct supervisor *s, uint32_t number)
{
    struct post *post = &s->post[number];
    if (make_ring(s, post) != 0)
        return -1;
    struct worker_config config = {.number = number,
                                   .workers = s->posts,
                                   .config = &s->config,
                                   .filter = s->given.filter ? s->given.filter : s->config.filter,
                                   .ring = &own_ring(post)->ring,
                                   .recent_fd = post->recent_fd,
                                   .held_fd = post->held_fd,
                                   .fanout = s->fanout,
                                   .again = s->capturing,
                                   .cpu = pinned_cpu(s, number),
                                   .user = s->state.user,
                                   .key = &s->state.key,
                                   .loop = s->loop,
                                   .events = &events,
                                   .context = post};
    if (worker_start(&post->worker, &config, &s->error) != 0) {
        unmake_ring(post);
        return -1;
    }
    post->restarts += s->capturing;
    return 0;
}

static bool may_start(const struct supervisor *s, const struct post *post, struct wtime now)
{
    return post->worker.state == WORKER_NONE && post->kept_count < RINGS_UNDRAINED &&
           (!s->capturing || back_off_over(&post->back_off, now));
}

static bool one_is_starting(const struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++)
        if (s->post[i].worker.state == WORKER_STARTING)
            return true;
    return false;
}

/* Whoever is due, one at a time: of two that join together, one would come into the other's place,
 * and on another interface perhaps not. */
static void start_next(struct supervisor *s)
{
    struct wtime now = wtime_now();
    for (uint32_t i = 0; i < s->posts && !s->stopping && s->error.code == ERROR_NONE; i++) {
        struct post *post = &s->post[i];
        if (one_is_starting(s))
            return;
        if (may_start(s, post, now) && start_post(s, i) != 0 && s->capturing) {
            log_error("%s", s->error.message); /* no memory, no processes: tried again later */
            s->error = (struct error){0};
            back_off_next(&post->back_off, now);
        }
        if (!s->joined && post->worker.state != WORKER_READY)
            return;
    }
}

int posts_start(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++)
        s->post[i] = (struct post){.supervisor = s,
                                   .worker = {.number = i, .control = -1, .pid_fd = -1},
                                   .recent_fd = -1,
                                   .held_fd = -1};
    for (uint32_t i = 0; i < s->posts; i++)
        if ((s->post[i].held_fd = evidence_room_open(s, i)) < 0 && s->config.evidence.enabled)
            return -1;
    start_next(s);
    return s->error.code == ERROR_NONE ? 0 : -1;
}

/* --- each second ----------------------------------------------------------------------------- */

static bool interface_is_up(const char *name)
{
    struct ifreq request = {.ifr_flags = 0};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
    if (fd >= 0)
        close(fd);
    return up;
}

static void stop_post(struct post *post)
{
    post->told_to_stop = true;
    worker_stop(&post->worker);
}

/* An interface that was gone is back: only a new process, which still has rights, can open it. */
static void mind_interfaces(struct supervisor *s, struct post *post)
{
    uint32_t gone = post->worker.status.interfaces_gone;
    for (size_t i = 0; i < s->config.interface_count; i++) {
        const char *name = s->config.interface[i].name;
        if (!(gone & (1u << i)))
            continue;
        if (!(post->gone_seen & (1u << i)) && post->worker.number == 0)
            log_warn("interface %s is gone; it is taken up again once it is back", name);
        post->gone_seen |= 1u << i;
        if (!interface_is_up(name) || post->told_to_stop)
            continue;
        if (post->worker.number == 0)
            log_warn("interface %s is back", name);
        stop_post(post);
        return;
    }
}

/* When an interface comes up again the kernel lines the members of its fanout up by the age of
 * their sockets. Where a successor stands in for a dead one that is another order: all take their
 * places anew, or host pairs would be torn apart between interfaces. */
static void mind_order(struct supervisor *s, struct post *post)
{
    uint32_t up = post->worker.status.interfaces_up;
    if (!post->worker.begun)
        return; /* a successor that has not said yet what it sees */
    post->down_seen |= post->up_seen & ~up;
    uint32_t again = post->down_seen & up;
    post->up_seen |= up;
    post->down_seen &= ~up;
    uint32_t restarts = 0;
    for (uint32_t i = 0; i < s->posts; i++)
        restarts += s->post[i].restarts;
    if (again == 0 || s->posts < 2 || restarts == 0 || !s->joined)
        return;
    log_warn("an interface went down and up: the capture processes take their places anew");
    s->joined = false;
    s->regrouping = true;
    for (uint32_t i = 0; i < s->posts; i++) {
        s->post[i].up_seen = s->post[i].down_seen = 0;
        stop_post(&s->post[i]);
    }
}

static void mind(struct supervisor *s, struct post *post, struct wtime now)
{
    struct worker *worker = &post->worker;
    int64_t silent_ns = now.ns - worker->alive.ns;
    /* What it forgets it waits for the disk with, a slice at a time. */
    int64_t most_ns = post->forgetting ? START_NS : BEATS_MISSED_NS;
    if (worker->state == WORKER_RUNNING && silent_ns > most_ns) {
        log_warn("capture worker %u has not moved for %lld s: it is ended", worker->number,
                 (long long)(silent_ns / NS_PER_S));
        worker_kill(worker);
    } else if (worker->state == WORKER_STARTING && silent_ns > START_NS) {
        worker_kill(worker);
    } else if (worker->state == WORKER_RUNNING && !s->stopping) {
        mind_interfaces(s, post);
        mind_order(s, post);
    }
}

void posts_tick(struct supervisor *s, struct wtime now)
{
    for (uint32_t i = 0; i < s->posts; i++)
        mind(s, &s->post[i], now);
    forgets_tick(s);
    if (s->regrouping && posts_gone(s)) {
        s->regrouping = false;
        for (uint32_t i = 0; i < s->posts; i++)
            close_old_sockets(&s->post[i]);
    }
    if (s->capturing && !s->regrouping)
        start_next(s);
}

/* One that was told to begin and has not moved yet sees nothing: it is not said to run. */
static enum worker_state state_told(const struct worker *worker)
{
    return worker->state == WORKER_RUNNING && !worker->begun ? WORKER_READY : worker->state;
}

void posts_news(struct supervisor *s, struct workers_news *news)
{
    for (uint32_t i = 0; i < s->posts; i++) {
        const struct post *post = &s->post[i];
        news->worker[i] = (struct worker_news){.pid = post->worker.pid,
                                               .state = (uint8_t)state_told(&post->worker),
                                               .restarts = post->restarts,
                                               .status = post->worker.status};
        memcpy(news->worker[i].death, post->death, sizeof post->death);
        news->interfaces_up |= post->worker.status.interfaces_up;
        news->interfaces_gone |= post->worker.status.interfaces_gone;
    }
}

/* --- the end --------------------------------------------------------------------------------- */

void posts_stop(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++) {
        struct post *post = &s->post[i];
        if (post->worker.state == WORKER_RUNNING)
            worker_stop(&post->worker);
        else if (post->worker.state != WORKER_NONE)
            worker_kill(&post->worker);
        else if (post->kept_count > 0 && own_ring(post)->lost)
            tell_lost(s, post, own_ring(post)); /* now for good */
    }
}

bool posts_gone(const struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++)
        if (s->post[i].worker.state != WORKER_NONE)
            return false;
    return true;
}

void posts_fini(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->posts; i++) {
        struct post *post = &s->post[i];
        if (!post->supervisor)
            continue; /* posts_start did not come so far */
        worker_fini(&post->worker);
        close_old_sockets(post);
        for (size_t k = 0; k < post->kept_count; k++)
            ring_destroy(&post->kept[k].ring);
        if (post->recent_fd >= 0)
            close(post->recent_fd);
        if (post->held_fd >= 0)
            close(post->held_fd);
    }
}
