/* Everything about a configuration that can be wrong without trying it: time zone, filter,
 * patterns, URL.
 * Thread: start-up only. */
#ifndef WEIR_ROLE_CHECK_H
#define WEIR_ROLE_CHECK_H

#include "weir/config/config.h"

/* The filter that holds: -f, or capture.filter when `filter` is NULL. */
const char *role_filter(const struct config *config, const char *filter);
/* 0, or −1 and an ERROR_USAGE. */
int role_check(const struct config *config, const char *filter, struct error *error);

#endif
