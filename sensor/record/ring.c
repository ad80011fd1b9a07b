/* The ring: see weir/record/ring.h for the layout and the invariant.
 *
 * Cursors are 64-bit byte positions that only grow; position modulo size is the place. A record is
 * stored as its own bytes (it begins with its size), in two parts where it crosses the end. Each
 * side keeps its own cursor privately and only publishes it, so nothing the other side writes can
 * move it; what it reads from the other side is held against the invariant each time.
 *
 * Waking. What one side is about to sleep for is agreed on as in Dekker's algorithm: each stores
 * its own word, then loads the other's, all sequentially consistent, so at least one sees the
 * other. data_event  A record behind an empty ring (head, then read) signals; further ones need
 * not: the event stays readable until ring_clear_event finds the ring empty. So while there is
 *               something to read, the event is readable or about to be; but what was pushed with
 *               the word that more follows waits for that, or for an eighth of the ring.
 *   space_event A producer about to wait says from which `released` on it wants to be woken
 *               (`wanted`, 0: not waiting), an eighth of the ring ahead so that it does not wake
 * for every record; the release that reaches it signals. A consumer that never releases that much
 * is found out by looking again each RECHECK_MS.
 *
 * Threads: one producer, one consumer, in one process or two. */
#include "weir/record/ring.h"

#include "weir/base/buffer.h"
#include "weir/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE       4096u
#define RECHECK_MS 100
#define WAKE_PART  8u /* of the ring must be free before a waiting producer is woken */

_Static_assert(RING_SIZE_MIN / WAKE_PART >= RECORD_MAX_BYTES, "what is woken for has room for any");

struct producer_page {
    _Atomic uint64_t head, wanted;
};

struct consumer_page {
    _Atomic uint64_t read, released;
    _Atomic uint32_t closed;
};

struct ring_producer {
    struct producer_page *own; /* writable; the data follow one page on */
    const struct consumer_page *other;
    uint8_t *data;
    size_t size;
    uint64_t head, released; /* private copies */
    bool silent;             /* the consumer may sleep though there is something to read */
    int data_event, space_event;
};

struct ring_consumer {
    const struct producer_page *other;
    struct consumer_page *own;
    const uint8_t *data;
    size_t size;
    uint64_t read, released;
    uint64_t head; /* as last seen; it never goes back */
    int data_event, space_event;
};

/* --- making ---------------------------------------------------------------------------------- */

static int sealed_memory(const char *name, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    close(fd);
    return -1;
}

int ring_create(struct ring_handles *ring, size_t size, struct error *error)
{
    *ring = (struct ring_handles){-1, -1, -1, -1, size};
    if (size < RING_SIZE_MIN || (size & (size - 1)) != 0)
        return error_set(error, ERROR_RUN, "ring: size %zu, expected a power of two from 64 KiB",
                         size);
    ring->producer_fd = sealed_memory("weir-ring-producer", PAGE + size);
    ring->consumer_fd = sealed_memory("weir-ring-consumer", PAGE);
    ring->data_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring->space_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->producer_fd >= 0 && ring->consumer_fd >= 0 && ring->data_event >= 0 &&
        ring->space_event >= 0)
        return 0;
    error_set(error, ERROR_RUN, "ring: cannot make shared memory: %s", strerror(errno));
    ring_destroy(ring);
    return -1;
}

static int read_only(int fd, int *reader, struct error *error)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *reader = open(path, O_RDONLY | O_CLOEXEC);
    if (*reader >= 0)
        return 0;
    return error_set(error, ERROR_RUN, "ring: cannot be opened for reading only: %s",
                     strerror(errno));
}

int ring_open_for_producer(const struct ring_handles *ring, struct ring_handles *side,
                           struct error *error)
{
    *side = *ring;
    return read_only(ring->consumer_fd, &side->consumer_fd, error);
}

int ring_open_for_consumer(const struct ring_handles *ring, struct ring_handles *side,
                           struct error *error)
{
    *side = *ring;
    return read_only(ring->producer_fd, &side->producer_fd, error);
}

void ring_close_side(const struct ring_handles *ring, struct ring_handles *side)
{
    if (side->consumer_fd >= 0 && side->consumer_fd != ring->consumer_fd)
        close(side->consumer_fd);
    if (side->producer_fd >= 0 && side->producer_fd != ring->producer_fd)
        close(side->producer_fd);
}

void ring_destroy(struct ring_handles *ring)
{
    int *each[] = {&ring->producer_fd, &ring->consumer_fd, &ring->data_event, &ring->space_event};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        int fd = *each[i];
        if (fd >= 0)
            close(fd);
        *each[i] = -1;
    }
}

static void *map_area(int fd, size_t size, bool writable, struct error *error)
{
    void *area = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (area != MAP_FAILED)
        return area;
    error_set(error, ERROR_RUN, "ring: cannot map shared memory: %s", strerror(errno));
    return NULL;
}

static void unmap(const void *area, size_t size)
{
    union {
        const void *borrowed;
        void *mapped;
    } cast = {.borrowed = area};
    if (area)
        munmap(cast.mapped, size);
}

/* --- producer -------------------------------------------------------------------------------- */

static int copy_descriptor(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

struct ring_producer *ring_producer_open(const struct ring_handles *ring, struct error *error)
{
    struct ring_producer *p = xcalloc(1, sizeof *p);
    p->size = ring->size;
    p->data_event = copy_descriptor(ring->data_event);
    p->space_event = copy_descriptor(ring->space_event);
    p->own = map_area(ring->producer_fd, PAGE + ring->size, true, error);
    p->other = map_area(ring->consumer_fd, PAGE, false, error);
    if (!p->own || !p->other || p->data_event < 0 || p->space_event < 0) {
        error_set(error, ERROR_RUN, "ring: %s", strerror(errno));
        ring_producer_free(p);
        return NULL;
    }
    p->data = (uint8_t *)p->own + PAGE;
    p->head = atomic_load_explicit(&p->own->head, memory_order_relaxed);
    p->released = atomic_load_explicit(&p->other->released, memory_order_acquire);
    return p;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

void ring_producer_free(struct ring_producer *p)
{
    if (!p)
        return;
    unmap(p->own, PAGE + p->size);
    unmap(p->other, PAGE);
    close_descriptor(p->data_event);
    close_descriptor(p->space_event);
    free(p);
}

int ring_producer_event(const struct ring_producer *p)
{
    return p->data_event;
}

static void signal_event(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0)
        return; /* the counter is full: the other side is awake long since */
}

static void clear_event(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0)
        return; /* nothing was signalled */
}

static void copy_in(struct ring_producer *p, const void *record, size_t size)
{
    size_t at = p->head & (p->size - 1), first = p->size - at;
    if (first > size)
        first = size;
    memcpy(p->data + at, record, first);
    memcpy(p->data, (const uint8_t *)record + first, size - first);
}

/* Looks at the consumer's cursors again. Released first: a consumer that keeps the invariant stored
 * its read before. */
static enum ring_result look(struct ring_producer *p)
{
    uint64_t released = atomic_load(&p->other->released);
    uint64_t read = atomic_load(&p->other->read);
    if (released < p->released || read < released || read > p->head)
        return RING_INVALID;
    p->released = released;
    return RING_OK;
}

static bool has_room(const struct ring_producer *p, size_t size)
{
    return p->head - p->released <= p->size - size;
}

/* `read`: where the consumer was when the record behind `before` was there to be seen. */
static void wake(struct ring_producer *p, uint64_t before, uint64_t read, bool more)
{
    p->silent |= read == before;
    if (!p->silent || (more && p->head - read < p->size / WAKE_PART))
        return;
    p->silent = false;
    signal_event(p->data_event);
}

static enum ring_result push(struct ring_producer *p, const void *record, size_t size, bool more)
{
    if (size < sizeof(struct record_header) || size > RECORD_MAX_BYTES || size % 8 != 0)
        return RING_INVALID;
    if (atomic_load_explicit(&p->other->closed, memory_order_relaxed))
        return RING_CLOSED;
    if (!has_room(p, size)) {
        enum ring_result result = look(p);
        if (result != RING_OK)
            return result;
        if (!has_room(p, size))
            return RING_FULL;
    }
    uint64_t before = p->head;
    copy_in(p, record, size);
    p->head += size;
    atomic_store(&p->own->head, p->head);
    wake(p, before, atomic_load(&p->other->read), more);
    return RING_OK;
}

enum ring_result ring_push(struct ring_producer *p, const void *record, size_t size)
{
    return push(p, record, size, false);
}

enum ring_result ring_push_more(struct ring_producer *p, const void *record, size_t size)
{
    return push(p, record, size, true);
}

enum ring_result ring_push_wait(struct ring_producer *p, const void *record, size_t size)
{
    enum ring_result result = ring_push(p, record, size);
    if (result != RING_FULL)
        return result;
    atomic_store(&p->own->wanted, p->head - p->size + p->size / WAKE_PART);
    while ((result = ring_push(p, record, size)) == RING_FULL) {
        struct pollfd wait = {.fd = p->space_event, .events = POLLIN};
        poll(&wait, 1, RECHECK_MS);
        clear_event(p->space_event);
    }
    atomic_store(&p->own->wanted, 0);
    return result;
}

/* --- consumer -------------------------------------------------------------------------------- */

void ring_consumer_leave(struct ring_consumer *c)
{
    unmap(c->other, PAGE + c->size);
    unmap(c->own, PAGE);
    close_descriptor(c->data_event);
    close_descriptor(c->space_event);
    free(c);
}

struct ring_consumer *ring_consumer_open(const struct ring_handles *ring, struct error *error)
{
    struct ring_consumer *c = xcalloc(1, sizeof *c);
    c->size = ring->size;
    c->data_event = copy_descriptor(ring->data_event);
    c->space_event = copy_descriptor(ring->space_event);
    c->other = map_area(ring->producer_fd, PAGE + ring->size, false, error);
    c->own = map_area(ring->consumer_fd, PAGE, true, error);
    if (!c->other || !c->own || c->data_event < 0 || c->space_event < 0) {
        error_set(error, ERROR_RUN, "ring: %s", strerror(errno));
        ring_consumer_leave(c);
        return NULL;
    }
    c->data = (const uint8_t *)c->other + PAGE;
    c->released = atomic_load_explicit(&c->own->released, memory_order_relaxed);
    c->read = c->head = c->released; /* a restarted engine begins at its checkpoint */
    atomic_store(&c->own->read, c->read);
    atomic_store(&c->own->closed, 0);
    signal_event(c->data_event); /* what an earlier consumer left would wake nobody */
    return c;
}

struct ring_consumer *ring_consumer_open_at(const struct ring_handles *ring, uint64_t position,
                                            struct error *error)
{
    struct ring_consumer *c = ring_consumer_open(ring, error);
    if (!c)
        return NULL;
    uint64_t head = atomic_load(&c->other->head), released = c->released;
    if (head - released <= c->size && position - released <= head - released) {
        c->read = c->head = position;
        atomic_store(&c->own->read, position);
        ring_release(c, position);
        return c;
    }
    error_set(error, ERROR_RUN,
              "ring: to be read from %" PRIu64 " on, but it holds %" PRIu64 " to %" PRIu64,
              position, released, head);
    ring_consumer_leave(c); /* not closed: it may be opened otherwise */
    return NULL;
}

void ring_consumer_free(struct ring_consumer *c)
{
    if (!c)
        return;
    atomic_store(&c->own->closed, 1);
    signal_event(c->space_event);
    ring_consumer_leave(c);
}

static void copy_out(const struct ring_consumer *c, uint64_t from, void *copy, size_t size)
{
    size_t at = from & (c->size - 1), first = c->size - at;
    if (first > size)
        first = size;
    memcpy(copy, c->data + at, first);
    memcpy((uint8_t *)copy + first, c->data, size - first);
}

enum ring_result ring_pop(struct ring_consumer *c, void *copy, size_t room, size_t *size)
{
    uint64_t head = atomic_load(&c->other->head);
    if (head < c->head || head - c->released > c->size)
        return RING_INVALID;
    c->head = head;
    uint64_t there = head - c->read;
    if (there == 0)
        return RING_EMPTY;
    uint32_t bytes; /* read once: what shared memory says later does not matter */
    if (there < sizeof(struct record_header))
        return RING_INVALID;
    copy_out(c, c->read, &bytes, sizeof bytes);
    if (bytes < sizeof(struct record_header) || bytes % 8 != 0 || bytes > room || bytes > there)
        return RING_INVALID;
    copy_out(c, c->read, copy, bytes);
    memcpy(copy, &bytes, sizeof bytes);
    c->read += bytes;
    atomic_store(&c->own->read, c->read);
    *size = bytes;
    return RING_OK;
}

size_t ring_size(const struct ring_consumer *c)
{
    return c->size;
}

uint64_t ring_waiting(const struct ring_consumer *c)
{
    uint64_t head = atomic_load(&c->other->head), waiting = head - c->read;
    return waiting <= c->size ? waiting : 0; /* a head that makes no sense is ring_pop's business */
}

uint64_t ring_read_position(const struct ring_consumer *c)
{
    return c->read;
}

void ring_release(struct ring_consumer *c, uint64_t position)
{
    if (position <= c->released || position > c->read)
        return;
    uint64_t before = c->released;
    c->released = position;
    atomic_store(&c->own->released, position);
    uint64_t wanted = atomic_load(&c->other->wanted);
    if (before < wanted && wanted <= position)
        signal_event(c->space_event);
}

int ring_data_event(const struct ring_consumer *c)
{
    return c->data_event;
}

void ring_clear_event(struct ring_consumer *c)
{
    clear_event(c->data_event);
    if (atomic_load(&c->other->head) != c->read)
        signal_event(c->data_event);
}
