/* The pseudonyms of a site: their key is STATE_DIR/pseudonym.key (32 bytes, 0600), made by whoever
 * needs it first, and given to the folder's owner. Thread: start-up. */
#ifndef WEIR_ROLE_PSEUDONYMS_H
#define WEIR_ROLE_PSEUDONYMS_H

#include "weir/alert/pseudonym.h"
#include "weir/config/config.h"

/* NULL and an error: the key cannot be read, or made. */
struct pseudonyms *role_pseudonyms(const struct config *config, struct error *error);
/* The same where privacy.pseudonyms asks for them; else *pseudonyms is NULL. 0, or −1. */
int role_pseudonyms_asked(const struct config *config, struct pseudonyms **pseudonyms,
                          struct error *error);

#endif
