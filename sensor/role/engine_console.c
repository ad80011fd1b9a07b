/* The console in the engine's process: its listener, and what it is told as it happens.
 *
 * Its files are read while the process is still whoever started it, since the certificate's key is
 * that one's alone; from then on it takes nothing from the system but connections. What is new in
 * the journal is looked for NEWS_NS apart and told to every stream at once; the figures of now each
 * NOW_TICKS of these, made once for all. A reload is a new engine, and so reads the files anew; its
 * sessions are gone then, and whoever has the page logs in again. When they cannot be read, whoever
 * started or reloaded the sensor is told; an engine that takes a dead one's place goes on without a
 * console, since nobody asked for it and the sensor's work is more. Thread: the engine's. */
#include "engine_role.h"

#include "console_api.h"
#include "console_news.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

#define NEWS_NS   (NS_PER_S / 4)
#define NOW_TICKS 8

int engine_role_console_open(struct engine_role *role)
{
    struct error error = {0};
    if (role->console_listener < 0)
        return 0;
    config_console_settings(&role->config, &role->console_settings);
    role->console = console_open(&role->console_settings, role->orders.token, &error);
    if (role->console)
        return 0;
    if (role->orders.asked) {
        role->error = error;
        return -1;
    }
    log_error("console: %s; it answers nobody until a reload, all else goes on", error.message);
    return 0;
}

bool engine_role_console_is_off(const struct engine_role *role)
{
    return role->console_listener >= 0 && !role->console;
}

static struct console_api api_of(struct engine_role *role)
{
    return (struct console_api){role->stack.engine,    role->console_news,
                                &role->console_sums,   role->stack.calendar,
                                role->config.timezone, config_state_dir(&role->config)};
}

/* --- what it is told -------------------------------------------------------------------------- */

static char *say_now(void *context, const struct status *status)
{
    const struct console_api api = api_of(context);
    return console_api_now(&api, status, false);
}

static char *say_now_with_alerts(void *context, const struct status *status)
{
    const struct console_api api = api_of(context);
    return console_api_now(&api, status, true);
}

/* Made once for all who ask until the next tick that tells them. */
static const char *figures(struct engine_role *role)
{
    struct api_reply reply = {.body = NULL};
    if (!role->console_now) {
        engine_role_status(role, say_now, &reply);
        role->console_now = reply.body;
    }
    return role->console_now;
}

static void tell_now(struct engine_role *role)
{
    struct buffer event = {0};
    buffer_text(&event, "event: now\ndata: %s\n\n", figures(role));
    api_tell(console_server(role->console), (const char *)event.data, event.size);
    buffer_fini(&event);
}

static void on_tick(void *context)
{
    struct engine_role *role = context;
    struct api *api = console_server(role->console);
    struct buffer events = {0};
    console_news_read(role->console_news, publisher_durable(role->stack.publisher), &events);
    if (events.size > 0)
        api_tell(api, (const char *)events.data, events.size);
    buffer_fini(&events);
    if (++role->console_ticks % NOW_TICKS != 0)
        return;
    free(role->console_now);
    role->console_now = NULL;
    if (api_counts_of(api).streams > 0)
        tell_now(role);
}

int engine_role_console_serve(struct engine_role *role, const struct api_route *routes)
{
    struct loop_ref loop = role->stack.loop;
    if (!role->console)
        return 0;
    role->console_news =
        console_news_new(config_state_dir(&role->config), publisher_durable(role->stack.publisher),
                         role->stack.pseudonyms);
    role->console_tick = loop.ops->timer(loop.loop, NEWS_NS, on_tick, role);
    return console_serve(role->console, loop, role->console_listener, routes, role, &role->error);
}

void engine_role_console_close(struct engine_role *role)
{
    if (role->console_tick)
        role->stack.loop.ops->drop(role->console_tick);
    console_close(role->console);
    console_news_free(role->console_news);
    free(role->console_now);
}

/* --- routes ----------------------------------------------------------------------------------- */

void engine_console_now(void *context, const struct api_request *request, struct api_reply *reply)
{
    if (engine_role_may_look(context, request, reply))
        engine_role_status(context, say_now_with_alerts, reply);
}

void engine_console_events(void *context, const struct api_request *request,
                           struct api_reply *reply)
{
    const struct console_api api = api_of(context);
    if (engine_role_may_look(context, request, reply))
        console_api_events(&api, request, figures(context), reply);
}

void engine_console_incident(void *context, const struct api_request *request,
                             struct api_reply *reply)
{
    const struct console_api api = api_of(context);
    if (engine_role_may_look(context, request, reply))
        console_api_incident(&api, request, reply);
    engine_role_hide(context, reply);
}

void engine_console_report(void *context, const struct api_request *request,
                           struct api_reply *reply)
{
    const struct console_api api = api_of(context);
    if (engine_role_may_look(context, request, reply))
        console_api_report(&api, request, reply);
    engine_role_hide(context, reply);
}

void engine_console_destination(void *context, const struct api_request *request,
                                struct api_reply *reply)
{
    const struct console_api api = api_of(context);
    if (engine_role_may_look(context, request, reply))
        console_api_destination(&api, request, reply);
    engine_role_hide(context, reply);
}

void engine_console_map(void *context, const struct api_request *request, struct api_reply *reply)
{
    const struct console_api api = api_of(context);
    if (engine_role_may_look(context, request, reply))
        console_api_map(&api, reply);
    engine_role_hide(context, reply);
}
