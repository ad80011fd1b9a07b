/* Who looks, and who is told a pseudonym's address, over the control API: docs/api.md is the
 * contract. Thread: the engine's. */
#ifndef WEIR_ROLE_PRIVACY_API_H
#define WEIR_ROLE_PRIVACY_API_H

#include "people.h"

#include "weir/bus/api.h"
#include "weir/config/config.h"
#include "weir/engine/engine.h"

struct privacy_api {
    const struct config *config;
    struct engine *engine;
    const struct people *people;
};

/* Writes down that `request` is asked. −1: it must be refused, and `reply` says so. */
int privacy_api_look(const struct privacy_api *api, const struct api_request *request,
                     struct api_reply *reply);
/* POST /v1/access: a command that may not write the log itself. */
void privacy_api_access(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply);
/* POST /v1/reveal: the record of it; the address is the command's to find. */
void privacy_api_reveal(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply);

#endif
