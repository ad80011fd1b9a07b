/* Rules in words. Thread: any (pure, but for today's date). */
#ifndef WEIR_COMMAND_RULES_TEXT_H
#define WEIR_COMMAND_RULES_TEXT_H

#include "weir/detect/rules.h"
#include "weir/engine/engine.h"

/* All return text that the caller frees; `rules` may be NULL. Expired is what ended before today
 * (UTC), for want of packets. */
char *rules_summary(const struct rules *rules); /* lines of YAML comments; "" for no rules */
char *rules_list_text(const struct rules *rules);
char *rules_fields_text(void);
/* What each rule did over a capture. */
char *rules_tallies_text(const struct rules *rules, const struct engine *engine);

#endif
