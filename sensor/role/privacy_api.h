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
/* … of what, where the body says it; NULL: of nothing by name. */
int privacy_api_look_at(const struct privacy_api *api, const struct api_request *request,
                        const char *what, struct api_reply *reply);
/* The same of a screen that asks again every few seconds: its look is written down when it begins,
 * and each LOOK_LASTS_NS that it goes on. Bound: LOOKS of them; of more the one begun longest ago
 * is forgotten, and so written down anew. */
#define LOOKS         1024
#define LOOK_PATH     64 /* a longer path is written down each time */
#define LOOK_LASTS_NS (10 * NS_PER_MIN)
struct looks {
    struct {
        int64_t uid;
        uint64_t session; /* of the console; 0: none */
        char path[LOOK_PATH];
        struct wtime since;
    } row[LOOKS];
    size_t count, next;
};
int privacy_api_look_on(const struct privacy_api *api, struct looks *looks,
                        const struct api_request *request, struct api_reply *reply);
/* POST /v1/access: a command that may not write the log itself. */
void privacy_api_access(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply);
/* POST /v1/reveal: the record of it; the address is the command's to find. */
void privacy_api_reveal(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply);

#endif
