/* Lines that the disk does not take, in memory: in the order they came, bounded, and what is least
 * severe goes first when there is no room. */
#ifndef SENSOR_BUS_HELD_H
#define SENSOR_BUS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum held_kind { HELD_METRIC, HELD_ALERT, HELD_EVENT, HELD_KINDS };

struct held;
struct held *held_new(size_t bytes); /* that it may hold */
void held_free(struct held *held);
void held_put(struct held *held, const char *line, size_t size);
/* The one that came first; borrowed until it is dropped or something is put. NULL: none. */
const char *held_first(const struct held *held, size_t *size);
void held_drop_first(struct held *held);
size_t held_count(const struct held *held);
size_t held_bytes(const struct held *held);
uint64_t held_given_up(const struct held *held, enum held_kind kind);

#endif
