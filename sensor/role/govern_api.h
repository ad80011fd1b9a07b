/* POST /v1/hosts/HOST/freeze, /thaw, /reset: what `weir baseline` does of one host. docs/api.md is
 * the contract. Thread: the engine's. */
#ifndef WEIR_ROLE_GOVERN_API_H
#define WEIR_ROLE_GOVERN_API_H

#include "hosts_api.h"
#include "people.h"

#include "weir/alert/noise.h"
#include "weir/engine/govern.h"

/* The order that was taken last; its answer goes to whoever asked, when they are still there. */
struct govern_pending {
    struct engine *engine;
    struct api *api; /* who asked it */
    uint64_t ticket;
    struct ip host;
    enum govern_verb verb;
    char who[PEOPLE_NAME], reason[NOISE_TEXT];
    int64_t uid;
};

struct govern_api {
    struct hosts_api hosts;
    const struct people *people;
    struct govern_pending *pending;
    struct api *api; /* that the request came by */
};

void govern_api_order(const struct govern_api *api, enum govern_verb verb,
                      const struct api_request *request, struct api_reply *reply);

#endif
