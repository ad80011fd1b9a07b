/* What was seen lately, by a 64-bit key, with a plain value of one size each. Two generations: when
 * the young one is full the old one is forgotten, counted; what is asked for moves to the young
 * one. So at most twice `room` entries, and what was used within the last `room` new ones is there.
 * Engine thread. */
#ifndef WEIR_ENGINE_RECENT_KEYS_H
#define WEIR_ENGINE_RECENT_KEYS_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/map.h"

struct recent_keys {
    struct map young, old;
    size_t room, value_size;
    uint64_t forgotten;
};

void recent_keys_init(struct recent_keys *recent, size_t room, size_t value_size);
void recent_keys_fini(struct recent_keys *recent);
void *recent_keys_get(struct recent_keys *recent, uint64_t key); /* NULL: not there */
/* Its value, zeros when it is new. */
void *recent_keys_put(struct recent_keys *recent, uint64_t key);
/* For a restart of the same build; into an empty one that was initialised alike. */
void recent_keys_pack(const struct recent_keys *recent, struct buffer *out);
bool recent_keys_unpack(struct recent_keys *recent, struct cursor *in);

#endif
