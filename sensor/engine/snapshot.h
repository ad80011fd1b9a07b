/* The engine's whole state as bytes: what a restart of the same build begins with. Engine thread.
 */
#ifndef WEIR_ENGINE_SNAPSHOT_H
#define WEIR_ENGINE_SNAPSHOT_H

#include "internal.h"

/* Of this build: its version and the sizes of everything that is written as it is in memory. */
uint64_t snapshot_layout(void);
/* Nothing may be under way (an answer of the store, an hour being closed, a record that is ready).
 */
void snapshot_pack(const struct engine *engine, struct buffer *out);
/* Into a new engine. False: it is not a snapshot of this layout; the engine is of no use then. */
bool snapshot_unpack(struct engine *engine, struct cursor *in);
/* Copies what is as it was in memory. */
static inline bool snapshot_take_raw(struct cursor *in, void *to, size_t size)
{
    const uint8_t *bytes = cursor_take(in, size);
    if (bytes)
        memcpy(to, bytes, size);
    return bytes != NULL;
}

/* snapshot_sight.c, behind the hosts */
void snapshot_put_sight(const struct engine *engine, struct buffer *out);
bool snapshot_take_sight(struct engine *engine, struct cursor *in);

#endif
