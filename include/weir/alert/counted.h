/* What was counted, as JSON: of each class of which there is something "value", "error" and
 * "labels" (an object, items by label; "more_labels": not all of them are listed);
 * "samples", marked as content, only where privacy.content_samples asked for them. */
#ifndef WEIR_ALERT_COUNTED_H
#define WEIR_ALERT_COUNTED_H

#include "weir/base/json.h"
#include "weir/detect/counted.h"

void counted_put(struct json *json, const struct counted *counted);

#endif
