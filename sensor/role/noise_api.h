/* The control API's routes for silences and incidents, for whoever has an engine. docs/api.md is
 * the contract. Thread: the engine's. */
#ifndef WEIR_ROLE_NOISE_API_H
#define WEIR_ROLE_NOISE_API_H

#include "people.h"

#include "weir/alert/noise.h"
#include "weir/alert/pseudonym.h"
#include "weir/base/json.h"
#include "weir/bus/api.h"
#include "weir/engine/engine.h"

struct noise_api {
    struct engine *engine;
    const struct people *people;
    const struct pseudonyms *pseudonyms; /* in whose words hosts are asked for; NULL: none */
};

void noise_api_silences(const struct noise_api *api, const struct api_request *request,
                        struct api_reply *reply);
void noise_api_incidents(const struct noise_api *api, const struct api_request *request,
                         struct api_reply *reply);
/* POST and DELETE of what follows `route`. */
void noise_api_add(const struct noise_api *api, const struct api_request *request,
                   struct api_reply *reply);
void noise_api_remove(const struct noise_api *api, const struct api_request *request,
                      struct api_reply *reply);
void noise_api_acknowledge(const struct noise_api *api, const struct api_request *request,
                           struct api_reply *reply);
void noise_api_close(const struct noise_api *api, const struct api_request *request,
                     struct api_reply *reply);
void noise_api_reopen(const struct noise_api *api, const struct api_request *request,
                      struct api_reply *reply);
/* A row of the list. */
void noise_api_put_incident(struct json *json, const char *key, const struct incident *incident,
                            const struct noise *book);
/* Somebody did something else over the API: one record in the journal. `action` "reload.ask". */
void noise_api_act(const struct noise_api *api, const struct api_request *request,
                   const char *action, const char *subject, const char *did);
/* The same of what is done behind it: it is synced. False: it is not, and `reply` says so. */
bool noise_api_act_first(const struct noise_api *api, const struct api_request *request,
                         const char *action, const char *subject, const char *did,
                         struct api_reply *reply);

#endif
