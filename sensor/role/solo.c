/* A sensor in one process (--workers 0): the capture thread and the engine together, no supervisor,
 * no walls, nothing restarted. For debuggers, sanitizers and valgrind, which cannot look through
 * the walls of the roles; what is done with packets and records is the same.
 *
 *   state → private redis → ring → capture (opened) → stack → capture (started) → until stopped
 *
 * A reload closes the stack and opens it anew on the changed configuration, from the engine's own
 * checkpoint, while the capture thread goes on into the ring. Threads: main, and capture's. */
#include "weir/role/supervisor.h"

#include "content_config.h"
#include "reload.h"
#include "weir/role/state.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/embedded.h"
#include "weir/bus/event_loop.h"
#include "weir/capture/capture.h"
#include "weir/role/check.h"
#include "weir/role/stack.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SOLO_RING_BYTES (8u << 20)

struct solo {
    struct supervisor_config given;
    struct config_source source;
    struct config config;
    struct config at_start; /* what capture has; a reload changes none of it */
    struct state state;
    struct embedded embedded;
    struct ring_handles ring;
    bool ring_made, started;
    struct capture *capture;
    struct stack stack;
    uint32_t incarnation; /* of the ring; 0: not attached yet */
    struct loop_watch *signals[3];
    bool stopping, reload;
    struct error error;
};

/* --- capture --------------------------------------------------------------------------------- */

static int open_capture(struct solo *solo)
{
    const struct config *config = &solo->at_start;
    struct capture_interface interface[CONFIG_INTERFACES];
    struct content_pattern pattern[CONFIG_PATTERNS];
    for (size_t i = 0; i < config->interface_count; i++)
        interface[i] =
            (struct capture_interface){config->interface[i].name, config_vantage(config, i)};
    if (ring_create(&solo->ring, SOLO_RING_BYTES, &solo->error) != 0)
        return -1;
    solo->ring_made = true;
    struct capture_config capture = {.interfaces = interface,
                                     .interface_count = config->interface_count,
                                     .filter = role_filter(config, solo->given.filter),
                                     .workers = 1,
                                     .snaplen = config->snaplen,
                                     .buffer_mib = config->buffer_mib,
                                     .promiscuous = true,
                                     .ring = solo->ring,
                                     .recent_fd = -1,
                                     .decoder = config->decoder,
                                     .flow = flow_config_default(),
                                     .content =
                                         role_content_config(config, &solo->state.key, pattern)};
    solo->capture = capture_open(&capture, &solo->error);
    return solo->capture ? 0 : -1;
}

/* --- the engine ------------------------------------------------------------------------------ */

static void look_again(struct solo *solo)
{
    solo->stack.loop.ops->stop(solo->stack.loop.loop);
}

static void on_stop(void *context)
{
    struct solo *solo = context;
    if (solo->stopping)
        return;
    solo->stopping = true;
    capture_stop(solo->capture);
    engine_last(solo->stack.engine);
}

static void on_reload(void *context)
{
    struct solo *solo = context;
    solo->reload = true;
    look_again(solo);
}

static void watch_signals(struct solo *solo)
{
    struct loop_ref loop = solo->stack.loop;
    solo->signals[0] = event_loop_signal(loop, SIGINT, on_stop, solo);
    solo->signals[1] = event_loop_signal(loop, SIGTERM, on_stop, solo);
    solo->signals[2] = event_loop_signal(loop, SIGHUP, on_reload, solo);
}

static int open_engine(struct solo *solo)
{
    struct stack_config config = {.config = &solo->config,
                                  .folder = solo->state.folder,
                                  .redis_url = solo->state.redis ? solo->embedded.url
                                                                 : solo->config.redis_url,
                                  .prefix = "weir",
                                  .sinks = solo->config.sink,
                                  .sink_count = solo->config.sink_count,
                                  .sinks_again = solo->started,
                                  .workers = 1,
                                  .live = true,
                                  .sensor_starts = solo->incarnation == 0};
    if (stack_open(&solo->stack, &config) != 0) {
        solo->error = solo->stack.error;
        return -1;
    }
    if (solo->incarnation == 0)
        solo->incarnation = engine_next_incarnation(solo->stack.engine);
    return engine_attach(solo->stack.engine, 0, solo->incarnation, &solo->ring, &solo->error);
}

static void close_engine(struct solo *solo)
{
    for (size_t i = 0; i < sizeof solo->signals / sizeof *solo->signals; i++) {
        if (solo->signals[i])
            solo->stack.loop.ops->drop(solo->signals[i]);
        solo->signals[i] = NULL;
    }
    stack_close(&solo->stack);
}

static int run_engine(struct solo *solo)
{
    struct stack *stack = &solo->stack;
    watch_signals(solo);
    engine_begin(stack->engine, NULL);
    if (!solo->started && capture_start(solo->capture, &solo->error) != 0)
        return -1;
    solo->started = true;
    while (!engine_finished(stack->engine) && !solo->reload)
        stack->loop.ops->run(stack->loop.loop);
    solo->error = stack->error;
    if (solo->error.code == ERROR_NONE && solo->reload)
        engine_checkpoint(stack->engine, &solo->error);
    return solo->error.code == ERROR_NONE ? 0 : -1;
}

static void change_configuration(struct solo *solo)
{
    struct reload next;
    struct error error = {0};
    solo->reload = false;
    if (reload_read(&next, &solo->source, &solo->config, solo->given.filter, &error) != 0) {
        log_error("reload refused, the configuration in effect stays: %s", error.message);
        return;
    }
    config_fini(&solo->config);
    config_source_fini(&solo->source);
    solo->config = next.config;
    solo->source = next.source;
    log_warn("reloaded");
}

/* --- from start to end ----------------------------------------------------------------------- */

static int open_all(struct solo *solo)
{
    if (config_load(&solo->config, &solo->source, &solo->error) != 0 ||
        config_load(&solo->at_start, &solo->source, &solo->error) != 0 ||
        state_open(&solo->state, &solo->config, &solo->error) != 0)
        return -1;
    struct embedded_config redis = {
        .folder = solo->state.redis,
        .persist = true,
        .user = {solo->state.user.change, solo->state.user.uid, solo->state.user.gid}};
    if (solo->state.redis && embedded_start(&solo->embedded, &redis, &solo->error) != 0)
        return -1;
    return open_capture(solo);
}

static void close_all(struct solo *solo)
{
    close_engine(solo);
    capture_free(solo->capture);
    if (solo->ring_made)
        ring_destroy(&solo->ring);
    if (solo->embedded.pid > 0)
        embedded_stop(&solo->embedded);
    state_close(&solo->state);
    config_fini(&solo->config);
    config_fini(&solo->at_start);
    config_source_fini(&solo->source);
}

int solo_run(const struct supervisor_config *given, struct error *error)
{
    struct solo solo = {.given = *given, .state = {.lock_fd = -1}};
    config_source_copy(&solo.source, given->source);
    int failed = open_all(&solo);
    while (!failed) {
        failed = open_engine(&solo) != 0 || run_engine(&solo) != 0;
        bool again = !failed && solo.reload;
        close_engine(&solo);
        if (!again)
            break;
        change_configuration(&solo);
    }
    *error = solo.error;
    close_all(&solo);
    return failed ? -1 : 0;
}
