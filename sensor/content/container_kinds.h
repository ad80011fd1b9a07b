/* One step in each kind of container: container.c drives them. Pure. */
#ifndef WEIR_SENSOR_CONTENT_CONTAINER_KINDS_H
#define WEIR_SENSOR_CONTENT_CONTAINER_KINDS_H

#include "container.h"

#define CONTAINER_WINDOW 4096u /* the largest `bytes` */

/* What is looked at next: so many bytes of the text, from `begin` on. 0 bytes: nothing more. */
struct container_want {
    uint64_t begin;
    uint32_t bytes;
};

/* What is known so far. */
struct container_state {
    enum container_kind kind;
    bool encrypted, office;
    struct container_want want;
};

/* The first thing to look at. */
struct container_want container_first(enum container_kind kind);
/* The bytes that were wanted, or those of them that there are; sets the next want, whose beginning
 * is not before this one's. */
void container_step(struct container_state *state, const uint8_t *data, size_t size);
const char *container_label(const struct container_state *state);

#endif
