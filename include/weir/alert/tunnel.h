/* A tunnel as JSON, the same in alerts and in flows.ndjson. Any thread: no state. */
#ifndef WEIR_ALERT_TUNNEL_H
#define WEIR_ALERT_TUNNEL_H

#include "weir/base/json.h"
#include "weir/record/tunnel.h"

/* Into the object that is open: "layers" (outermost first; "more": how many are not listed), and
 * where there are addresses "orig" and "resp" of the outermost, "hops" of those further in. */
void tunnel_put(struct json *json, const struct tunnel *tunnel);

#endif
