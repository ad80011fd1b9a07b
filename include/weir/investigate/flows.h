/* flows.ndjson: one object a finished flow, in (start, key) order. Lines are spooled to a temporary
 * file beside the target as flows end, with 64 bytes of memory a flow for the order, and written in
 * order at the end under the final name. Engine thread. */
#ifndef WEIR_INVESTIGATE_FLOWS_H
#define WEIR_INVESTIGATE_FLOWS_H

#include "weir/base/error.h"
#include "weir/engine/engine.h"

struct flows;
struct flows *flows_open(const char *path, struct error *error);
/* Progress records are ignored. A failed write is remembered and told by flows_finish. */
void flows_add(struct flows *flows, const struct flow_view *view);
int flows_finish(struct flows *flows, struct error *error);
void flows_free(struct flows *flows); /* removes the temporary file */

#endif
