/* What `weir reload` does, for commands behind which a sensor reads its configuration again.
 * Thread: the main thread. */
#ifndef WEIR_COMMAND_RELOAD_H
#define WEIR_COMMAND_RELOAD_H

#include "weir/base/error.h"

#include <stdint.h>

/* Asks the sensor of this state directory, and waits until it is in effect. ERROR_USAGE: refused,
 * and nothing has changed; ERROR_RUN: nobody answers, or not in time. */
int reload_ask(const char *state_dir, int64_t *generation, struct error *error);

#endif
