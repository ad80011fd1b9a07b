/* The control API's routes for what hosts send now: docs/api.md is the contract. Thread: the
 * engine's. */
#ifndef WEIR_ROLE_HOSTS_API_H
#define WEIR_ROLE_HOSTS_API_H

#include "weir/alert/pseudonym.h"
#include "weir/base/json.h"
#include "weir/bus/api.h"
#include "weir/engine/present.h"

/* The host behind the pseudonym that was asked for last: a screen asks again and again. */
struct hosts_memory {
    char pseudonym[PSEUDONYM_SIZE];
    struct ip host;
};

struct hosts_api {
    struct engine *engine;
    const struct pseudonyms *pseudonyms; /* NULL: hosts are named */
    struct hosts_memory *memory;
    const char *timezone; /* the site's, its name */
};

/* GET /v1/hosts?order=out|in|host&find=TEXT&offset=N&limit=N */
void hosts_api_list(const struct hosts_api *api, const struct api_request *request,
                    struct api_reply *reply);
/* GET /v1/hosts/HOST */
void hosts_api_show(const struct hosts_api *api, const struct api_request *request,
                    struct api_reply *reply);
/* The host of a name as people have it: an address, a device, a pseudonym. False: none. */
bool hosts_api_find(const struct hosts_api *api, const char *text, struct ip *ip);
/* What is said of one destination of a host, into an open object. */
void hosts_api_put_pair(struct json *json, const struct present_pair *row);

#endif
