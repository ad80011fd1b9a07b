/* The verbs of `weir rules` that carry rules to where no network is (config/bundle.h): pack,
 * verify, install, rollback. Thread: the main thread. */
#ifndef WEIR_COMMAND_RULES_BUNDLE_H
#define WEIR_COMMAND_RULES_BUNDLE_H

#include "options.h"
#include "rules_place.h"

#include <stdbool.h>

struct rules_asked { /* words of their own; NULL: not given */
    const char *key, *into, *name, *version, *weir;
    bool allow_older;
};

int rules_pack(const struct options *options, const struct rules_asked *asked, struct error *error);
int rules_verify(const struct options *options, const struct rules_asked *asked,
                 struct error *error);
int rules_install(const struct options *options, const struct rules_asked *asked,
                  struct error *error);
int rules_rollback(const struct options *options, const struct rules_asked *asked,
                   struct error *error);
/* Which bundle holds in bundle.folder, by whom, and what is wrong with it; "": none. Caller
 * frees. */
char *rules_holds_text(const struct options *options);

#endif
