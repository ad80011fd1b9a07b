/* What the journal says of a bundle of rules that is put in, or out again: by a running sensor,
 * which is told over its control socket (POST /v1/rules), or without one by the command itself. */
#ifndef WEIR_ROLE_RULES_ACT_H
#define WEIR_ROLE_RULES_ACT_H

#include <stddef.h>
#include <stdint.h>

enum rules_verb {
    RULES_INSTALL,
    RULES_ROLLBACK,
    RULES_REFUSED, /* by the sensor that was to go by it, or by the disk: all is as it was */
    RULES_VERBS
};
extern const char *const rules_verb_name[RULES_VERBS];
extern const char *const rules_verb_action[RULES_VERBS]; /* event.action: "rules.install" */

struct rules_act { /* borrowed */
    enum rules_verb verb;
    const char *by, *name;
    int64_t version, before; /* before: which one it takes the place of; 0: none */
    const char *key, *digest;
};
/* One line; caller frees. */
char *rules_act_message(const struct rules_act *act);

#endif
