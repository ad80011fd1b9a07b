/* What every command does first that shows what is kept of hosts: it is written down who looks
 * (privacy.access_log), and from then on what it prints has pseudonyms in the place of inside
 * addresses (privacy.pseudonyms). Thread: the main thread, once. */
#ifndef WEIR_COMMAND_LOOK_H
#define WEIR_COMMAND_LOOK_H

#include "weir/alert/pseudonym.h"
#include "weir/config/config.h"

/* `what`: the host, incident or condition that was asked for; NULL: all. −1 and an error: it may
 * not be shown. */
int look_begin(const struct config *config, const char *verb, const char *what,
               struct error *error);
/* Of a folder that is no sensor's (a replay's, or captures): written down only where the
 * configuration names a state directory. */
int look_begin_case(const struct config *config, const char *verb, const char *folder,
                    struct error *error);
/* Only the latter half: for what is no look at what is kept. */
int look_hide(const struct config *config, struct error *error);
/* NULL: addresses are shown. For what is written to a file, or in a form where a pseudonym is not
 * simply put in an address's place (pseudonyms_line). */
const struct pseudonyms *look_pseudonyms(void);
/* `text` (taken) with pseudonyms where they are asked for; caller frees. */
char *look_hidden(char *text);

/* The line in the access log alone; `reason` may be NULL. −1 and an error: it could not be written,
 * and must be. */
int look_note(const struct config *config, const char *verb, const char *what, const char *reason,
              struct error *error);

#endif
