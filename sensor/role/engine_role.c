/* The engine process: everything that judges and stores. It never sees a packet, and tells nobody
 * but the journal: what is durable there the courier tells, another process, for which it rings a
 * bell.
 *
 *   1 take the orders: the configuration, the control socket, the bell
 *     read the console's files (the certificate's key is whoever's who started us)
 *   2 become another user
 *   3 give up every capability, for good
 *   4 open what it needs: the store, the journal, its own checkpoint
 *   5 give up every other file (Landlock): the state directory and -o are left; and every TCP
 *     connection but to the store's port
 *   6 give up every call that is not in the table of engine_walls.c (seccomp)
 *   7 only now take the first record that a capture process wrote
 *
 * It ends when all input has ended, when it is told to (a planned restart), when its supervisor is
 * gone, or when something it stands on failed; in every case but the last it leaves a checkpoint,
 * and from an older one and its log the next engine goes on as if this one had not ended.
 *
 * The store is connected to again from behind the walls, which leave exactly that: a socket of the
 * one kind that its URL names, so that with the private server, or any on a unix socket, there is
 * no network at all. No name can be looked up there: a store that is named and stays away is looked
 * up anew by a successor (a planned restart each STORE_LOOK_NS). Thread: one, on the loop. */
#include "engine_role.h"

#include "evidence_api.h"
#include "roles.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/investigate/judging.h"
#include "weir/role/access_log.h"
#include "weir/role/role.h"
#include "weir/role/state.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BEAT_NS       NS_PER_S         /* to the supervisor, wall time */
#define HEARTBEAT_NS  (5 * NS_PER_MIN) /* to the sinks, packet time */
#define STORE_LOOK_NS NS_PER_MIN       /* a store that was found by name and is away, wall time */

/* --- 1 orders -------------------------------------------------------------------------------- */

static int map_source(struct engine_role *role, int fd)
{
    size_t size = role->orders.source_bytes;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return error_set(&role->error, ERROR_RUN, "engine: its configuration cannot be read");
    int failed = config_source_unpack(&role->source, bytes, size, &role->error);
    munmap(bytes, size);
    return failed ? -1 : config_load(&role->config, &role->source, &role->error);
}

static int take_orders(struct engine_role *role)
{
    struct control_message *m = &role->message;
    struct pollfd wait = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    const struct engine_orders *orders;
    enum control_result result;
    while ((result = control_receive(ROLE_CONTROL_FD, m)) == CONTROL_AGAIN)
        poll(&wait, 1, -1);
    if (result != CONTROL_OK || m->kind != CONTROL_ENGINE || m->fd_count < 3 ||
        !(orders = control_body(m, sizeof *orders)))
        return error_set(&role->error, ERROR_RUN, "engine: no orders");
    role->orders = *orders;
    role->listener = m->fd[1];
    role->bell = m->fd[2];
    size_t further = 3;
    role->metrics_listener = role->console_listener = -1;
    if (orders->metrics && further < m->fd_count)
        role->metrics_listener = m->fd[further++];
    if (orders->console && further < m->fd_count)
        role->console_listener = m->fd[further++];
    for (size_t i = 1; i < m->fd_count; i++)
        m->fd[i] = -1;
    int failed = map_source(role, m->fd[0]);
    control_close_descriptors(m);
    return failed;
}

/* --- 4 what it stands on --------------------------------------------------------------------- */

static void on_flow(void *context, const struct flow_view *view)
{
    struct engine_role *role = context;
    flow_log_add(role->flows, view, engine_replaying(role->stack.engine));
}

static void on_damaged(void *context, uint32_t worker, uint32_t incarnation)
{
    struct ring_news news = {worker, incarnation};
    (void)context;
    control_send(ROLE_CONTROL_FD, CONTROL_DAMAGED, &news, sizeof news, NULL, 0);
}

static void on_drained(void *context, uint32_t worker, uint32_t incarnation)
{
    struct ring_news news = {worker, incarnation};
    (void)context;
    control_send(ROLE_CONTROL_FD, CONTROL_DRAINED, &news, sizeof news, NULL, 0);
}

/* One vantage that all interfaces share is the store's too: sensors that look from the same place
 * are not added up. */
static const char *only_vantage(const struct config *config)
{
    for (size_t i = 0; i < config->interface_count; i++)
        if (config_vantage(config, i) != 0)
            return NULL;
    return config->interface_count > 0 && *config->interface[0].vantage
               ? config->interface[0].vantage
               : NULL;
}

static int open_output(struct engine_role *role)
{
    const struct config *config = &role->config;
    if (!*role->orders.folder || !role->orders.flows)
        return 0;
    for (size_t i = 0; i < VANTAGES; i++)
        role->vantage[i] = "";
    for (size_t i = 0; i < config->interface_count; i++)
        role->vantage[config_vantage(config, i)] = config->interface[i].vantage;
    char *path = xasprintf("%s/flows.ndjson", role->orders.folder);
    role->flows = flow_log_open(path, role->vantage, role->orders.first, &role->error);
    free(path);
    return role->flows ? 0 : -1;
}

/* A name that is not found now may be later: the store is away until then. */
static void find_store(struct engine_role *role)
{
    struct error error = {0};
    if (store_place_of(role->orders.redis_url, &role->place, &error) != 0)
        log_warn("%s", error.message);
    role->place.named |= role->place.family == 0;
}

/* A pipe that is full, since nobody reads: the courier has rings enough to look. */
static void ring_bell(void *context)
{
    const struct engine_role *role = context;
    ssize_t wrote = write(role->bell, "", 1);
    (void)wrote;
}

static int open_stack(struct engine_role *role)
{
    find_store(role);
    live_sinks_init(&role->told, &role->config, role->orders.folder);
    struct stack_config config = {.config = &role->config,
                                  .folder = config_state_dir(&role->config),
                                  .redis_url = role->orders.redis_url,
                                  .redis_address = role->place.address,
                                  .prefix = "weir",
                                  .vantage = only_vantage(&role->config),
                                  .key = &role->orders.key,
                                  .sinks = role->told.sink,
                                  .sink_count = role->told.count,
                                  .wake = ring_bell,
                                  .wake_context = role,
                                  .workers = role->orders.workers,
                                  .live = true,
                                  .sensor_starts = role->orders.first,
                                  .heartbeat_ns = HEARTBEAT_NS,
                                  .observer = {.flow = role->flows ? on_flow : NULL,
                                               .damaged = on_damaged,
                                               .drained = on_drained,
                                               .context = role}};
    if (stack_open(&role->stack, &config) == 0)
        return 0;
    role->error = role->stack.error;
    return -1;
}

/* --- 7 what the supervisor says -------------------------------------------------------------- */

static void take_ring(struct engine_role *role, struct control_message *m)
{
    const struct ring_orders *orders = control_body(m, sizeof *orders);
    struct error error = {0};
    if (!orders || m->fd_count != 4)
        return;
    struct ring_handles ring = {m->fd[0], m->fd[1], m->fd[2], m->fd[3], orders->ring_bytes};
    if (engine_attach(role->stack.engine, orders->worker, orders->incarnation, &ring, &error) != 0)
        log_error("%s", error.message);
}

static void take_lost(struct engine_role *role, const struct control_message *m)
{
    const struct lost_orders *orders = control_body(m, sizeof *orders);
    if (orders)
        engine_lost(role->stack.engine, orders->worker, orders->incarnation, orders->why,
                    orders->final);
}

static void look_again(const struct engine_role *role)
{
    role->stack.loop.ops->stop(role->stack.loop.loop);
}

static void leave(struct engine_role *role)
{
    role->leaving = true;
    look_again(role);
}

/* A successor goes on with what was said. */
static void say_what_is_judged(const struct engine_role *role)
{
    struct judging judging;
    if (!role->orders.first)
        return;
    judging_of(&judging, role->stack.engine, role->config.detect.learn_days);
    for (size_t i = 0; i < judging.count; i++)
        log_info("%s %s",
                 i < judging.now ? "judged from now on:" : "still learning:", judging.line[i]);
    judging_fini(&judging);
}

static void take_message(struct engine_role *role, struct control_message *m)
{
    const void *body;
    switch (m->kind) {
    case CONTROL_RING:
        take_ring(role, m);
        break;
    case CONTROL_LOST:
        take_lost(role, m);
        break;
    case CONTROL_WORKERS:
        if ((body = control_body(m, sizeof role->news)))
            memcpy(&role->news, body, sizeof role->news);
        break;
    case CONTROL_SINKS:
        if ((body = control_body(m, sizeof role->sinks)))
            memcpy(&role->sinks, body, sizeof role->sinks);
        break;
    case CONTROL_KEEPER_NEWS:
        if ((body = control_body(m, sizeof role->keeper)))
            memcpy(&role->keeper, body, sizeof role->keeper);
        break;
    case CONTROL_KEEPER_SAYS:
        if (role->started && (body = control_body(m, sizeof(struct keeper_says))))
            engine_role_evidence_said(role, body);
        break;
    case CONTROL_FORGOTTEN:
        if (role->started && (body = control_body(m, sizeof(struct forgotten_news))))
            engine_role_forgotten(role, body);
        break;
    case CONTROL_RELOADED:
        if ((body = control_body(m, sizeof role->orders.reload)))
            engine_role_reloaded(role, body);
        break;
    case CONTROL_START: /* every ring there is was told of */
        role->started = true;
        say_what_is_judged(role);
        look_again(role);
        break;
    case CONTROL_FINISH:
        role->finishing = true;
        engine_last(role->stack.engine);
        break;
    case CONTROL_STOP:
        leave(role);
        break;
    default:
        break;
    }
    control_close_descriptors(m);
}

static void on_control(void *context, unsigned what)
{
    struct engine_role *role = context;
    enum control_result result;
    (void)what;
    while ((result = control_receive(ROLE_CONTROL_FD, &role->message)) == CONTROL_OK)
        take_message(role, &role->message);
    if (result == CONTROL_CLOSED) { /* nobody is left to work for */
        role->stack.loop.ops->change(role->control_watch, 0);
        leave(role);
    }
}

/* Its name may have come to mean another address. */
static void look_for_store(struct engine_role *role)
{
    bool away = engine_store_of(role->stack.engine).state == ENGINE_STORE_AWAY;
    struct wtime now = wtime_now();
    if (!role->place.named || !role->started || role->finishing || !away)
        role->store_lost.ns = 0;
    else if (role->store_lost.ns == 0)
        role->store_lost = now;
    else if (now.ns - role->store_lost.ns > STORE_LOOK_NS)
        leave(role);
}

/* What is too old goes, though nobody looks. */
static void keep_access_log(struct engine_role *role)
{
    struct wtime now = wtime_now();
    if (role->access_kept.ns != 0 && now.ns - role->access_kept.ns < NS_PER_HOUR)
        return;
    role->access_kept = now;
    access_log_keep(config_state_dir(&role->config), role->config.access_days);
}

static void on_beat(void *context)
{
    struct engine_role *role = context;
    control_send(ROLE_CONTROL_FD, CONTROL_BEAT, NULL, 0, NULL, 0);
    engine_role_measure(role);
    look_for_store(role);
    keep_access_log(role);
    if (role->started)
        engine_listen(role->stack.engine);
    engine_govern_look(role->stack.engine);
}

/* --- from the start to the end --------------------------------------------------------------- */

static int begin(struct engine_role *role)
{
    digest_prepare();
    people_read(&role->people);
    if (take_orders(role) != 0 || engine_role_console_open(role) != 0 ||
        engine_walls_drop(role) != 0 || open_output(role) != 0 || open_stack(role) != 0 ||
        engine_walls_raise(role) != 0)
        return -1;
    struct loop_ref loop = role->stack.loop;
    if (engine_role_serve(role) != 0)
        return -1;
    struct engine_answer answer = {engine_next_incarnation(role->stack.engine)};
    control_send(ROLE_CONTROL_FD, CONTROL_READY, &answer, sizeof answer, NULL, 0);
    role->control_watch = loop.ops->watch(loop.loop, ROLE_CONTROL_FD, LOOP_READ, on_control, role);
    role->beat = loop.ops->timer(loop.loop, BEAT_NS, on_beat, role);
    return 0;
}

static int work(struct engine_role *role)
{
    struct stack *stack = &role->stack;
    while (!role->started && !role->leaving && stack->error.code == ERROR_NONE)
        stack->loop.ops->run(stack->loop.loop);
    if (role->started)
        engine_begin(stack->engine, NULL);
    while (role->started && !engine_finished(stack->engine) && !role->leaving)
        stack->loop.ops->run(stack->loop.loop);
    role->error = stack->error;
    if (role->error.code == ERROR_NONE && role->started && !engine_finished(stack->engine))
        engine_checkpoint(stack->engine, &role->error);
    return role->error.code == ERROR_NONE ? 0 : -1;
}

static void tell_end(const struct engine_role *role, int failed)
{
    struct failure failure = {role->error};
    if (failed)
        control_send(ROLE_CONTROL_FD, CONTROL_FAILED, &failure, sizeof failure, NULL, 0);
    else
        control_send(ROLE_CONTROL_FD, CONTROL_ENDED, NULL, 0, NULL, 0);
}

int engine_role(void)
{
    static struct engine_role role; /* messages are large */
    int failed = begin(&role) != 0 || work(&role) != 0;
    tell_end(&role, failed);
    api_free(role.api);
    api_free(role.metrics);
    engine_role_console_close(&role);
    if (role.control_watch)
        role.stack.loop.ops->drop(role.control_watch);
    if (role.beat)
        role.stack.loop.ops->drop(role.beat);
    stack_close(&role.stack);
    flow_log_close(role.flows);
    live_sinks_fini(&role.told);
    config_fini(&role.config);
    people_fini(&role.people);
    config_source_fini(&role.source);
    return failed;
}
