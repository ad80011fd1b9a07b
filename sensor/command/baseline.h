/* The verbs of `weir baseline`. Each returns the exit status, or leaves access->error. */
#ifndef WEIR_COMMAND_BASELINE_H
#define WEIR_COMMAND_BASELINE_H

#include "access.h"
#include "options.h"

int baseline_list(struct access *access, const struct options *options);

#endif
