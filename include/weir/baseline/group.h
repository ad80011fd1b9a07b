/* Peer groups: whom a host is compared with (detection.md).
 *
 * A configured role or zone ("=NAME"), else hosts alike, by two figures of their own past:
 *
 *   median bytes of an active hour   < 4 KiB | < 64 KiB | < 1 MiB | < 16 MiB | more     q0. … q4.
 *   share of hours active            < 5 % | < 20 % | < 50 % | more                     q.0 … q.3
 *
 * so "q32" is 1 to 16 MiB in 20 to 50 % of the hours. Decided once a day, at the close of its first
 * active hour, from at least GROUP_HOURS hours with GROUP_ACTIVE active ones; a figure must leave
 * its band by half an octave (a quarter of the share) before it counts as another, so that a host
 * at an edge does not go to and fro. Thread: any (pure). */
#ifndef WEIR_BASELINE_GROUP_H
#define WEIR_BASELINE_GROUP_H

#include "weir/baseline/profile.h"

#define GROUP_HOURS  168
#define GROUP_ACTIVE 24

/* Sets profile->group as of that day; one that is configured stays. */
void group_decide(struct profile *profile, int64_t day);
bool group_is_configured(const char *group);
/* For people: "1 MiB to 16 MiB an active hour, active 20 to 50 % of the time", a configured one's
 * name, "none yet". */
char *group_text(const char *group, char *text, size_t size);

#endif
