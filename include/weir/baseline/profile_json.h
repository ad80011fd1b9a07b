/* A profile as JSON: every number that its judgements are made of, so that each p can be computed
 * again by the formulas of docs/baselines.md (tests/golden/test_estimators.py does). For people and
 * other programs; reading it back is what profile_unpack is for.
 *
 * Histograms are lists of [bin, week, count], tables of the peers lists of [bin, count], both
 * without zeros. Thread: any (pure). */
#ifndef WEIR_BASELINE_PROFILE_JSON_H
#define WEIR_BASELINE_PROFILE_JSON_H

#include "weir/base/json.h"
#include "weir/baseline/survival.h"

/* Members of the object that is open. `fleet` NULL: its parts are null. `hour`: as of that hour of
 * the site (what is known and what is new). Pairs are in order of their keys. */
void profile_json(struct json *json, const struct profile *profile, const struct fleet *fleet,
                  int64_t hour);
/* An object: every p of `bytes` in that hour, and of the day, and (destination not NULL) towards
 * that destination. */
void profile_json_p(struct json *json, const char *key, const struct profile *profile,
                    const struct fleet *fleet, const struct civil *civil,
                    const struct destination *destination, uint64_t bytes);

#endif
