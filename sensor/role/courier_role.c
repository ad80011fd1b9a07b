/* The courier: the process in which sinks live while a sensor is live. It reads what is durable of
 * the journal and tells it to the sinks; it never sees a packet, and judges nothing.
 *
 *   1 take the orders: the configuration, the bell
 *   2 become another user
 *   3 give up every capability, for good
 *   4 open the sinks: their files, sockets and secrets
 *   5 give up every other file (Landlock)
 *   6 give up every call that is not listed in courier_walls.c (seccomp)
 *   7 only now give a sink a line
 *
 * So what a sink's other end, or its library, does to this process stays here: the engine only
 * appends to the journal, and rings the bell: a pipe whose other end is the engine's alone, so that
 * nothing done to this end can make it wait (an eventfd would be one and the same for both). Should
 * a ring be missed, the courier looks each second.
 *
 * It ends when it is told to, or when its walls stand in its own way (courier_walls.h), and then
 * tries for DRAIN_NS to deliver what is durable; or at once
 * when its supervisor is gone: what was not delivered is in the journal, and the next courier goes
 * on from the saved places. Bounds: CONFIG_SINKS sinks, and each its own. Thread: one, on the loop;
 * libraries of sinks may have more. */
#include "courier_walls.h"
#include "live_sinks.h"
#include "messages.h"
#include "roles.h"
#include "sink_news.h"

#include "weir/base/digest.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"
#include "weir/capture/sandbox.h"
#include "weir/config/source.h"
#include "weir/role/pseudonyms.h"
#include "weir/role/role.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BEAT_NS  NS_PER_S         /* wall time */
#define DRAIN_NS (2 * NS_PER_S)   /* told to end, at most */
#define LOOK_NS  (20 * NS_PER_MS) /* … and is all delivered? */

struct courier_role {
    struct courier_orders orders;
    struct config_source source;
    struct config config;
    struct control_message message; /* the one at hand */
    struct live_sinks sinks;
    struct pseudonyms *pseudonyms; /* NULL: privacy.pseudonyms is false */
    struct courier_walls walls;
    int bell;
    struct loop_ref loop;
    struct bus *bus;
    struct loop_watch *control_watch, *bell_watch, *beat, *drain;
    struct wtime stop_by; /* told to end: when */
    bool ended;
    struct error error;
};

/* --- 1 orders -------------------------------------------------------------------------------- */

static int map_source(struct courier_role *role, int fd)
{
    size_t size = role->orders.source_bytes;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return error_set(&role->error, ERROR_RUN, "courier: its configuration cannot be read");
    int failed = config_source_unpack(&role->source, bytes, size, &role->error);
    munmap(bytes, size);
    return failed ? -1 : config_load(&role->config, &role->source, &role->error);
}

static int take_orders(struct courier_role *role)
{
    struct control_message *m = &role->message;
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    const struct courier_orders *orders;
    enum control_result result;
    while ((result = control_receive(ROLE_CONTROL_FD, m)) == CONTROL_AGAIN)
        poll(&wait, 1, -1);
    if (result != CONTROL_OK || m->kind != CONTROL_COURIER || m->fd_count != 2 ||
        !(orders = control_body(m, sizeof *orders)))
        return error_set(&role->error, ERROR_RUN, "courier: no orders");
    role->orders = *orders;
    role->bell = m->fd[1];
    m->fd[1] = -1;
    int failed = map_source(role, m->fd[0]);
    control_close_descriptors(m);
    return failed;
}

/* --- 2, 3: rights ---------------------------------------------------------------------------- */

/* Two couriers on one state directory would tell lines twice: this one does not outlive its
 * supervisor. A change of user makes the kernel forget that it was asked for. */
static int drop_rights(struct courier_role *role)
{
    struct sandbox_user user = {role->orders.drop, role->orders.uid, role->orders.gid};
    if (sandbox_drop_user(&user, &role->error) != 0 || sandbox_drop_capabilities(&role->error) != 0)
        return -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return 0;
}

/* --- 4, 5, 6: sinks and walls ---------------------------------------------------------------- */

static int open_bus(struct courier_role *role)
{
    live_sinks_init(&role->sinks, &role->config, role->orders.folder);
    struct bus_config config = {.folder = config_state_dir(&role->config),
                                .sensor = role->config.sensor_name,
                                .sinks = role->sinks.sink,
                                .count = role->sinks.count,
                                .again = role->orders.again};
    if (role_pseudonyms_asked(&role->config, &role->pseudonyms, &role->error) != 0)
        return -1;
    config.pseudonyms = role->pseudonyms;
    role->loop = event_loop_new(&role->error);
    if (!role->loop.loop)
        return -1;
    role->bus = bus_new(role->loop, &config, &role->error);
    return role->bus ? 0 : -1;
}

static int raise_walls(struct courier_role *role)
{
    struct courier_reach reach = {.state = config_state_dir(&role->config),
                                  .folder = role->orders.folder,
                                  .sinks = role->sinks.sink,
                                  .count = role->sinks.count};
    return courier_walls_raise(&role->walls, &reach, &role->error);
}

/* --- 7 at work ------------------------------------------------------------------------------- */

static void end_soon(struct courier_role *role)
{
    role->ended = true;
    role->loop.ops->stop(role->loop.loop);
}

/* Nothing more can be delivered: each has all, or will take none. */
static bool all_delivered(const struct courier_role *role)
{
    struct bus_status status[CONFIG_SINKS];
    size_t count = bus_status(role->bus, status, CONFIG_SINKS);
    for (size_t i = 0; i < count; i++)
        if (status[i].behind > 0 && !status[i].dead)
            return false;
    return true;
}

static void on_drain(void *context)
{
    struct courier_role *role = context;
    if (all_delivered(role) || wtime_now().ns > role->stop_by.ns)
        end_soon(role);
}

static void leave(struct courier_role *role)
{
    if (role->drain)
        return;
    role->stop_by.ns = wtime_now().ns + DRAIN_NS;
    bus_wake(role->bus);
    role->drain = role->loop.ops->timer(role->loop.loop, LOOK_NS, on_drain, role);
}

static void on_control(void *context, unsigned what)
{
    struct courier_role *role = context;
    enum control_result result;
    (void)what;
    while ((result = control_receive(ROLE_CONTROL_FD, &role->message)) == CONTROL_OK) {
        if (role->message.kind == CONTROL_STOP)
            leave(role);
        control_close_descriptors(&role->message);
    }
    if (result == CONTROL_CLOSED) {
        role->loop.ops->change(role->control_watch, 0);
        end_soon(role);
    }
}

static void on_bell(void *context, unsigned what)
{
    struct courier_role *role = context;
    char rings[4096];
    (void)what;
    if (read(role->bell, rings, sizeof rings) > 0)
        bus_wake(role->bus);
}

static void tell_sinks(const struct courier_role *role)
{
    static struct sinks_news news; /* large; what a text does not fill stays zero */
    struct bus_status status[CONFIG_SINKS];
    memset(&news, 0, sizeof news);
    news.durable = bus_durable(role->bus);
    news.count = (uint32_t)bus_status(role->bus, status, CONFIG_SINKS);
    for (uint32_t i = 0; i < news.count; i++)
        sink_news_pack(&news.sink[i], &status[i]);
    control_send(ROLE_CONTROL_FD, CONTROL_SINKS, &news, sizeof news, NULL, 0);
}

/* A disk that was mounted again, a certificate that was renewed. */
static void look_at_walls(struct courier_role *role)
{
    const char *path = role->drain ? NULL : courier_walls_outdated(&role->walls);
    if (!path)
        return;
    log_warn("%s was replaced, or is there now: another courier begins, which can reach it", path);
    leave(role);
}

static void on_beat(void *context)
{
    struct courier_role *role = context;
    bus_wake(role->bus);
    tell_sinks(role);
    look_at_walls(role);
}

/* --- from the start to the end --------------------------------------------------------------- */

static int begin(struct courier_role *role)
{
    digest_prepare();
    if (take_orders(role) != 0 || drop_rights(role) != 0 || open_bus(role) != 0 ||
        raise_walls(role) != 0)
        return -1;
    struct loop_ref loop = role->loop;
    control_send(ROLE_CONTROL_FD, CONTROL_READY, NULL, 0, NULL, 0);
    role->control_watch = loop.ops->watch(loop.loop, ROLE_CONTROL_FD, LOOP_READ, on_control, role);
    role->bell_watch = loop.ops->watch(loop.loop, role->bell, LOOP_READ, on_bell, role);
    role->beat = loop.ops->timer(loop.loop, BEAT_NS, on_beat, role);
    tell_sinks(role);
    return 0;
}

static void tell_end(const struct courier_role *role, int failed)
{
    struct failure failure = {role->error};
    if (failed) {
        control_send(ROLE_CONTROL_FD, CONTROL_FAILED, &failure, sizeof failure, NULL, 0);
        return;
    }
    tell_sinks(role);
    control_send(ROLE_CONTROL_FD, CONTROL_ENDED, NULL, 0, NULL, 0);
}

static void close_all(struct courier_role *role)
{
    struct loop_watch *watch[] = {role->control_watch, role->bell_watch, role->beat, role->drain};
    for (size_t i = 0; i < sizeof watch / sizeof *watch; i++)
        if (watch[i])
            role->loop.ops->drop(watch[i]);
    bus_free(role->bus);
    pseudonyms_free(role->pseudonyms);
    if (role->loop.loop)
        event_loop_free(role->loop);
    courier_walls_fini(&role->walls);
    live_sinks_fini(&role->sinks);
    config_fini(&role->config);
    config_source_fini(&role->source);
}

int courier_role(void)
{
    static struct courier_role role; /* messages are large */
    int failed = begin(&role) != 0;
    while (!failed && !role.ended)
        role.loop.ops->run(role.loop.loop);
    tell_end(&role, failed);
    close_all(&role);
    return failed;
}
