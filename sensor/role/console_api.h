/* The routes that only a screen needs: GET /v1/now, /v1/incidents/ID, /v1/incidents/ID/report,
 * /v1/destinations/NAME, /v1/map, /v1/events. docs/api.md is the contract. Thread: the engine's. */
#ifndef WEIR_ROLE_CONSOLE_API_H
#define WEIR_ROLE_CONSOLE_API_H

#include "console_news.h"

#include "weir/bus/api.h"
#include "weir/bus/status.h"
#include "weir/engine/present.h"

/* What leaves is summed over all hosts: not again before CONSOLE_SUMS_NS, nor before fifty times
 * as long as it took. */
#define CONSOLE_SUMS_NS (2 * NS_PER_S)
#define CONSOLE_PLACES  50
struct console_sums {
    struct wtime made; /* 0: never */
    int64_t took_ns;
    struct present present;
    struct present_sums sums;
    struct present_place place[CONSOLE_PLACES];
};

struct console_api {
    struct engine *engine;
    const struct console_news *news; /* NULL: there is no console, and nobody keeps them */
    struct console_sums *sums;
    struct calendar *calendar; /* the site's */
    const char *timezone;      /* its name */
    const char *state_folder;
};

/* `alerts`: with the latest of them. Caller frees. */
char *console_api_now(const struct console_api *api, const struct status *status, bool alerts);
void console_api_incident(const struct console_api *api, const struct api_request *request,
                          struct api_reply *reply);
/* console_report.c: of what is in memory, as HTML to be kept. */
void console_api_report(const struct console_api *api, const struct api_request *request,
                        struct api_reply *reply);
void console_api_destination(const struct console_api *api, const struct api_request *request,
                             struct api_reply *reply);
void console_api_map(const struct console_api *api, struct api_reply *reply);
/* `now`: as console_api_now. */
void console_api_events(const struct console_api *api, const struct api_request *request,
                        const char *now, struct api_reply *reply);

#endif
