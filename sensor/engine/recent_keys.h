/* What was seen lately, by a 64-bit key, with a plain value of one size each. Two generations: when
 * the young one is full the old one is forgotten, counted; what is asked for moves to the young
 * one. So at most twice `room` entries, and what was used within the last `room` new ones is there.
 * Keys are hashes, of which 63 bits are told apart. Engine thread. */
#ifndef WEIR_ENGINE_RECENT_KEYS_H
#define WEIR_ENGINE_RECENT_KEYS_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>

struct recent_table { /* open addressing, at most half full, backward shift: as base/map.c */
    uint64_t *slot;   /* a key and its value each, `recent_keys.words` in all; key 0: empty */
    size_t mask, count;
};

struct recent_keys {
    struct recent_table young, old;
    size_t room, value_size, words;
    uint64_t forgotten;
};

#define RECENT_VALUE_MAX 1024u /* bytes */

/* value_size: RECENT_VALUE_MAX at most. */
void recent_keys_init(struct recent_keys *recent, size_t room, size_t value_size);
void recent_keys_fini(struct recent_keys *recent);
/* What they return, aligned to 8 bytes, is good until the next call for the same table. NULL: not
 * there. */
void *recent_keys_get(struct recent_keys *recent, uint64_t key);
/* Its value, zeros when it is new. */
void *recent_keys_put(struct recent_keys *recent, uint64_t key);
/* For a restart of the same build; into an empty one that was initialised alike. */
void recent_keys_pack(const struct recent_keys *recent, struct buffer *out);
bool recent_keys_unpack(struct recent_keys *recent, struct cursor *in);

#endif
