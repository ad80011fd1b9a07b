/* Faults on demand, so that tests can see what the walls and the supervisor do about them: only in
 * builds with WEIR_FAULTS (never the release). WEIR_FAULT=NAME in the environment makes the first
 * capture process of worker 0 misbehave as if its parser had been taken over. */
#ifndef WEIR_ROLE_FAULT_H
#define WEIR_ROLE_FAULT_H

#include "weir/record/ring.h"

/* Reads what is asked for, while the environment still counts. */
void fault_prepare(uint32_t worker, bool again, const struct ring_handles *ring, int recent_fd);
/* Told to start, it is slow to. */
void fault_before_start(void);
/* Does it, once the process has worked for a while. */
void fault_when_due(void);

#endif
