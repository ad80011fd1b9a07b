/* POST /v1/rules: somebody is about to change which bundle of rules there is (docs/api.md). The
 * engine opens no files: it writes down what is said, and who says it. Thread: the engine's. */
#ifndef WEIR_ROLE_RULES_API_H
#define WEIR_ROLE_RULES_API_H

#include "noise_api.h"

void rules_api_note(const struct noise_api *api, const struct api_request *request,
                    struct api_reply *reply);

#endif
