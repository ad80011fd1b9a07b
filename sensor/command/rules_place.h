/* What `weir rules install` and `rollback` share once a bundle is known to be sound: whether its
 * rules compile among all others, what the journal says, and which sensor reads them. Thread: the
 * main thread. */
#ifndef WEIR_COMMAND_RULES_PLACE_H
#define WEIR_COMMAND_RULES_PLACE_H

#include "weir/config/bundle_folder.h"
#include "weir/role/rules_act.h"

/* Whether the configuration compiles when what it reads below `aside` is read below `instead`.
 * −1: ERROR_USAGE, a line that begins with `name` and has places as they are in the bundle. */
int rules_check(const struct config_source *source, const char *aside, const char *instead,
                const char *name, struct error *error);
/* It is in the journal, synced: a running sensor's, or with none running the state directory's. */
int rules_note(const struct config *config, const struct rules_act *act, struct error *error);
/* Points `folder` to what holds from now on (`turn`), when that is in the journal, and has a
 * running sensor reload; refused by that, all is as it was. Says what came of it. */
struct rules_turn {
    const struct config *config;
    struct bundle_folder *folder;
    const struct bundle *to;
    enum rules_verb verb;
};
int rules_turn(const struct rules_turn *turn, struct error *error);
/* A sensor that runs reads its rules again; says what came of it. */
int rules_tell(const struct config *config, struct error *error);

#endif
