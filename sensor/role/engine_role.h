/* The engine process's own state, for engine_role.c (its life), engine_walls.c (what it gives up),
 * engine_status.c (what it says of itself) and engine_api.c (what may be asked of it). One
 * thread. */
#ifndef WEIR_ROLE_ENGINE_ROLE_H
#define WEIR_ROLE_ENGINE_ROLE_H

#include "console_api.h"
#include "fleet_api.h"
#include "govern_api.h"
#include "hosts_api.h"
#include "live_sinks.h"
#include "messages.h"
#include "people.h"
#include "privacy_api.h"

#include "weir/bus/api.h"
#include "weir/bus/bus.h"
#include "weir/bus/console.h"
#include "weir/config/source.h"
#include "weir/investigate/flow_log.h"
#include "weir/role/stack.h"

struct worker_rate { /* between the last two measurements */
    uint64_t packets, bytes;
    uint64_t packets_per_s, bytes_per_s;
    uint64_t ring_position, ring_bytes_per_s;
};

struct engine_role {
    struct engine_orders orders;
    struct config_source source;
    struct config config;
    int listener, bell, metrics_listener, console_listener; /* the last two −1: none */
    struct control_message message;                         /* the one at hand */
    struct flow_log *flows;
    const char *vantage[VANTAGES]; /* the names, by number */
    struct stack stack;
    struct store_place place;  /* of the store, looked up before the walls */
    struct api *api, *metrics; /* metrics: over TCP; NULL: not asked for */
    struct people people;      /* read before the walls */
    struct console_settings console_settings;
    struct console *console; /* NULL: none is asked for, or it is off */
    struct console_news *console_news;
    struct console_sums console_sums;
    char *console_now; /* the figures as they were told last; NULL: not lately */
    struct loop_watch *console_tick;
    unsigned console_ticks;
    struct looks looks; /* that go on */
    struct hosts_memory hosts;
    struct govern_pending govern;
    struct fleet_asked fleet;
    struct loop_watch *control_watch, *beat;
    struct wtime store_lost; /* 0: it is there, or was not looked for by a name */
    struct workers_news news;
    struct sinks_news sinks; /* of the courier */
    struct keeper_news keeper;
    struct live_sinks told; /* the same, by their settings */
    struct worker_rate rate[CONFIG_WORKERS];
    struct wtime measured;
    struct wtime access_kept; /* the access log was looked after; 0: not yet */
    bool started, leaving, finishing, reload_asked;
    struct error error;
};

/* engine_walls.c. −1 and role->error. The user and every capability, then files, the network but
 * for the store's place, and calls of the kernel. */
int engine_walls_drop(struct engine_role *role);
int engine_walls_raise(struct engine_role *role);

/* The control API, on role->listener, and metrics alone on role->metrics_listener. −1 and
 * role->error. */
int engine_role_serve(struct engine_role *role);
/* What the routes of several files share: a status, which is good for as long as `say` is at work
 * on it; pseudonyms in the place of inside addresses; whether whoever asks again and again may look
 * (false: `reply` says why not). */
void engine_role_status(struct engine_role *role,
                        char *(*say)(void *context, const struct status *status),
                        struct api_reply *reply);
void engine_role_hide(const struct engine_role *role, struct api_reply *reply);
bool engine_role_may_look(struct engine_role *role, const struct api_request *request,
                          struct api_reply *reply);

/* engine_console.c: before the walls; behind them; at the end. */
int engine_role_console_open(struct engine_role *role);
bool engine_role_console_is_off(
    const struct engine_role *role); /* asked for, but it could not be */
int engine_role_console_serve(struct engine_role *role, const struct api_route *routes);
void engine_role_console_close(struct engine_role *role);
#define ENGINE_CONSOLE_ROUTE(name)                                                                 \
    void engine_console_##name(void *context, const struct api_request *request,                   \
                               struct api_reply *reply)
ENGINE_CONSOLE_ROUTE(now);
ENGINE_CONSOLE_ROUTE(events);
ENGINE_CONSOLE_ROUTE(incident);
ENGINE_CONSOLE_ROUTE(report);
ENGINE_CONSOLE_ROUTE(destination);
ENGINE_CONSOLE_ROUTE(map);

void engine_role_measure(struct engine_role *role); /* often: rates */
/* What the courier said last of its sinks; while it is away, what came since is behind too. Texts
 * are borrowed. */
size_t engine_role_sinks(const struct engine_role *role, struct bus_status *status, size_t room);
void engine_role_evidence_said(const struct engine_role *role, const struct keeper_says *says);
/* What came of an order to forget what is held of a host. */
void engine_role_forgotten(const struct engine_role *role, const struct forgotten_news *news);
/* The supervisor's word on a reload that was asked for. */
void engine_role_reloaded(struct engine_role *role, const struct reload_news *news);

#endif
