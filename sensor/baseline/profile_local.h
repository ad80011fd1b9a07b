/* Shared by profile.c, learn.c and profile_pack.c only. */
#ifndef WEIR_BASELINE_LOCAL_PROFILE_H
#define WEIR_BASELINE_LOCAL_PROFILE_H

#include "weir/baseline/profile.h"

#define NO_DAY INT64_C(-0x7fffffff) /* before any day there is */

void pair_free(struct pair *pair);
/* Counts one hour as seen; the first of a day counts the day too. */
void profile_count_hour(struct profile *profile, const struct civil *civil, bool active);
/* The bytes that profile_pack spends on this pair, give or take one or two. */
uint32_t pair_packed_bytes(const struct pair *pair);

#endif
