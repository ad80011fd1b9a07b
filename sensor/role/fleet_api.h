/* The control API's route for the sensors that share a store: docs/api.md is the contract. Thread:
 * the engine's. */
#ifndef WEIR_ROLE_FLEET_API_H
#define WEIR_ROLE_FLEET_API_H

#include "weir/bus/api.h"
#include "weir/engine/engine.h"

#define FLEET_LISTED 1000u /* sensors; further ones are counted */

struct fleet_asker {
    struct api *api;
    uint64_t ticket;
};

/* Who waits for the store's answer: one question for all of them. */
struct fleet_asked {
    struct calendar *calendar;
    const char *sensor; /* this one's name, borrowed */
    struct fleet_asker asker[2 * API_CLIENTS];
    size_t count;
    struct wtime since; /* the question's; what was not answered in 5 s never is */
};

/* GET /v1/fleet, to be answered by `api` later. */
void fleet_api_list(struct fleet_asked *asked, const struct engine *engine, struct api *api,
                    const struct api_request *request, struct api_reply *reply);

#endif
