/* A single-producer single-consumer ring of records in shared memory.
 *
 *   producer's area (memfd): one page with `head` and `wanted`, then the data
 *   consumer's area (memfd): one page with `read`, `released` and `closed`
 *
 * Each side maps the other's area read-only.
 *
 * Sizes are private to each side and never read from the other's memory; both memfds are sealed
 * against resizing. The consumer copies a record out before it looks at it, so a producer that
 * scribbles over everything it can write can only send nonsense, which record_validate refuses.
 * `read` runs ahead of `released`: an engine that restarts begins at `released` (its checkpoint).
 *
 * Two eventfds wake: `data_event` while there is something to read, `space_event` when the room
 * that ring_push_wait waits for was released. Each side may live in another process; the four
 * descriptors are all it needs. Written invariant: released <= read <= head <= released + size. */
#ifndef WEIR_RECORD_RING_H
#define WEIR_RECORD_RING_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE_MIN 65536u

struct ring_handles {
    int producer_fd, consumer_fd, data_event, space_event;
    size_t size; /* of the data, a power of two ≥ RING_SIZE_MIN; told by the supervisor, not by the
                    ring */
};

enum ring_result {
    RING_OK,
    RING_EMPTY,   /* nothing to read */
    RING_FULL,    /* no room now */
    RING_INVALID, /* not a record's size; or the other side's cursors make no sense */
    RING_CLOSED,  /* the consumer has gone */
    RING_RESULTS
};

int ring_create(struct ring_handles *ring, size_t size, struct error *error);
/* The handles for one side: what the other writes is opened anew, for reading only, so that no
 * mapping of it can be made writable. ring_close_side closes what is new. */
int ring_open_for_producer(const struct ring_handles *ring, struct ring_handles *side,
                           struct error *error);
int ring_open_for_consumer(const struct ring_handles *ring, struct ring_handles *side,
                           struct error *error);
void ring_close_side(const struct ring_handles *ring, struct ring_handles *side);
void ring_destroy(struct ring_handles *ring); /* closes the descriptors; mappings live on */

struct ring_producer;
struct ring_producer *ring_producer_open(const struct ring_handles *ring, struct error *error);
void ring_producer_free(struct ring_producer *producer);
/* `record` begins with its uint32_t size; `size` a multiple of 8, ≤ RECORD_MAX_BYTES. */
enum ring_result ring_push(struct ring_producer *producer, const void *record, size_t size);
/* The same where more follows before the consumer can do anything with it: it is woken by a later
 * ring_push, or when there is much to read. */
enum ring_result ring_push_more(struct ring_producer *producer, const void *record, size_t size);
/* Waits for room; returns RING_CLOSED once the consumer said so. */
enum ring_result ring_push_wait(struct ring_producer *producer, const void *record, size_t size);

int ring_producer_event(const struct ring_producer *producer); /* the one it writes to */

struct ring_consumer;
struct ring_consumer *ring_consumer_open(const struct ring_handles *ring, struct error *error);
/* Begins at `position`, which its own log of what it read says: released <= position <= head, else
 * NULL and an error. What lies before it is released. */
struct ring_consumer *ring_consumer_open_at(const struct ring_handles *ring, uint64_t position,
                                            struct error *error);
void ring_consumer_free(struct ring_consumer *consumer); /* says "closed" to the producer */
/* The same without a word: another consumer goes on with the ring. */
void ring_consumer_leave(struct ring_consumer *consumer);
/* Copies the next record (≤ `room` bytes, 8-aligned `copy`) and steps over it. */
enum ring_result ring_pop(struct ring_consumer *consumer, void *copy, size_t room, size_t *size);
size_t ring_size(const struct ring_consumer *consumer);      /* of the data */
uint64_t ring_waiting(const struct ring_consumer *consumer); /* bytes to read, about */
uint64_t ring_read_position(const struct ring_consumer *consumer);
/* Gives the room up to `position` (a value of ring_read_position) back to the producer. */
void ring_release(struct ring_consumer *consumer, uint64_t position);
int ring_data_event(const struct ring_consumer *consumer); /* readable while there is data */
/* Makes it unreadable, unless there is something to read. Call it before draining or once the ring
 * was found empty; a drain that stops early finds the event readable still. */
void ring_clear_event(struct ring_consumer *consumer);

#endif
