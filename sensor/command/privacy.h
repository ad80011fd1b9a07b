/* The verbs of weir privacy, one file each but for the inventory. Each returns the exit status.
 * Thread: the main thread. */
#ifndef WEIR_COMMAND_PRIVACY_H
#define WEIR_COMMAND_PRIVACY_H

#include "options.h"

struct privacy_asked {
    const char *since, *until, *by, *host, *reason;
};

int privacy_access(const struct options *options, const struct privacy_asked *asked,
                   struct error *error);
int privacy_reveal(const struct options *options, const struct privacy_asked *asked,
                   struct error *error);
int privacy_mask(const struct options *options, const struct privacy_asked *asked,
                 struct error *error);

#endif
