/* One screen for a person out of the JSON of GET /v1/status. Pure. */
#ifndef WEIR_COMMAND_STATUS_TEXT_H
#define WEIR_COMMAND_STATUS_TEXT_H

#include "weir/base/json.h"

/* Lines of at most `width` columns (from 40 on). Caller frees. What is missing or of another type
 * shows as 0 or "?": a newer sensor may be asked. */
char *status_text(const struct json_value *status, int width);

#endif
