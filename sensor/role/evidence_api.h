/* What the engine does for evidence: the keeper's word goes into the journal, and evidence is held,
 * released and taken over the control API (docs/api.md). Thread: the engine's. */
#ifndef WEIR_ROLE_EVIDENCE_API_H
#define WEIR_ROLE_EVIDENCE_API_H

#include "messages.h"
#include "noise_api.h"

#include "weir/bus/status.h"

struct evidence_api {
    struct noise_api api;
    const char *folder; /* the state directory */
};

void evidence_api_hold(const struct evidence_api *api, const struct api_request *request,
                       struct api_reply *reply);
void evidence_api_release(const struct evidence_api *api, const struct api_request *request,
                          struct api_reply *reply);
/* The sealed files of an incident: a list, null when there are none. */
void evidence_api_put_files(struct json *json, const char *folder, const char *incident);
/* Which of them the body asks for; false: no such name. */
#define EVIDENCE_FILE 32
bool evidence_api_file(const struct api_request *request, char name[EVIDENCE_FILE]);
/* One of them, to whoever may act; it is in the journal who took it. */
void evidence_api_take(const struct evidence_api *api, const struct api_request *request,
                       struct api_reply *reply);
/* `weir baseline forget` removed it. */
void evidence_api_forgotten(const struct evidence_api *api, const struct api_request *request,
                            struct api_reply *reply);
/* The packets that capture holds of a host are to be nobody's. False: `reply` says why not. */
bool evidence_api_forget(const struct evidence_api *api, const struct api_request *request,
                         struct forget_orders *orders, struct api_reply *reply);
/* … and what came of it. */
void evidence_api_forgot(const struct evidence_api *api, const struct forgotten_news *news);
/* CONTROL_KEEPER_SAYS, as the supervisor checked it. */
void evidence_api_said(const struct evidence_api *api, const struct keeper_says *says);
/* Whether no evidence of this incident stands in the state directory `folder`. */
bool evidence_api_is_gone(const char *folder, const char *incident);
struct status_evidence evidence_api_status(const struct config *config,
                                           const struct keeper_news *keeper,
                                           const struct workers_news *workers);

#endif
