/* Parts of a profile as JSON, for profile_json.c: an object or a list under the part's name. */
#ifndef WEIR_BASELINE_LOCAL_PAIR_JSON_H
#define WEIR_BASELINE_LOCAL_PAIR_JSON_H

#include "weir/base/json.h"
#include "weir/baseline/fleet.h"

void json_cusum(struct json *json, const char *key, const struct cusum *cusum);
void json_rhythm(struct json *json, const struct rhythm *rhythm);
/* By kind: domain, AS, prefix. */
void json_novelty(struct json *json, const struct novelty *novelty);
void json_contacts(struct json *json, const struct contacts *contacts);

#endif
