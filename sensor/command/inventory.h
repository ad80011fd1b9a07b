/* What a sensor with this configuration stores about persons: where, what, how long, how it goes,
 * and how much of it there is: for a data-protection officer, and for whoever must answer a
 * person's question. Files are looked at, never read. Bound: INVENTORY_FILES files a row; of
 * further ones it is said that they are not counted. Thread: the main thread. */
#ifndef WEIR_COMMAND_INVENTORY_H
#define WEIR_COMMAND_INVENTORY_H

#include "weir/config/config.h"

#define INVENTORY_FILES 100000u

char *inventory_text(const struct config *config); /* caller frees */
char *inventory_json(const struct config *config);

#endif
