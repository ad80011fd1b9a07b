/* The writing end: see weir/record/evidence_ring.h. Everything that decides where is written next
 * is this process's own memory: what is in the file is looked at once, when it is opened. Cost of a
 * packet: one copy. Thread: the capture thread. */
#include "evidence_ring.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define TOUCHED_BYTES                                                                              \
    ((size_t)1 << 30) /* the rest of a larger one as it comes: a start has an end */

#define CLEARED_BYTES ((uint64_t)1 << 20) /* a turn */

/* --- the file ----------------------------------------------------------------------------------
 */

/* One that exists keeps what it holds, when it is as large as it is to be. */
static int make_room(int fd, uint64_t bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    if ((uint64_t)st.st_size != bytes && ftruncate(fd, 0) != 0)
        return errno;
    return posix_fallocate(fd, 0, (off_t)bytes);
}

int evidence_ring_create(const char *path, uint64_t bytes, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    int failed = fd < 0 ? errno : make_room(fd, bytes);
    if (!failed)
        return fd;
    error_set(error, ERROR_RUN, "%s: no room for %llu MiB of packets for evidence: %s", path,
              (unsigned long long)(bytes >> 20), strerror(failed));
    if (fd >= 0) {
        unlink(path); /* half of it would take the room of others */
        close(fd);
    }
    return -1;
}

/* --- segments ----------------------------------------------------------------------------------
 */

static struct held_segment *segment_at(const struct evidence_ring *w, uint64_t generation)
{
    return (void *)(w->file + generation % w->segments * w->segment_bytes);
}

/* Behind the last packet of a full one nothing of its generation before stays. */
static void end_segment(struct evidence_ring *w)
{
    if (w->segment)
        memset((uint8_t *)w->segment + w->used, 0, w->segment_bytes - w->used);
}

static void begin_segment(struct evidence_ring *w)
{
    pthread_mutex_lock(&w->turning);
    end_segment(w);
    struct past *past = &w->past[++w->generation % w->segments];
    struct held_segment *segment = segment_at(w, w->generation);
    w->counts.overwritten_packets += past->packets;
    *past = (struct past){0, INT64_MIN};
    atomic_store_explicit(&segment->generation, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    segment->magic = HELD_MAGIC;
    segment->first_number = w->number;
    segment->made_ns = w->made_ns;
    atomic_store_explicit(&segment->packets, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->first_ns, INT64_MIN, memory_order_relaxed);
    atomic_store_explicit(&segment->used, sizeof *segment, memory_order_relaxed);
    atomic_store_explicit(&segment->generation, w->generation, memory_order_release);
    pthread_mutex_unlock(&w->turning);
    w->segment = segment;
    w->used = sizeof *segment;
    w->clean_from = w->segment_bytes;
    w->packets = 0;
}

/* From its end down, so that what is put meanwhile is met once. */
void evidence_ring_tend(struct evidence_ring *w)
{
    if (!atomic_load_explicit(&w->clearing, memory_order_acquire))
        return;
    if (w->clean_from > w->used) {
        uint64_t left = w->clean_from - w->used, now = left < CLEARED_BYTES ? left : CLEARED_BYTES;
        w->clean_from -= now;
        memset((uint8_t *)w->segment + w->clean_from, 0, now);
    }
    if (w->clean_from <= w->used)
        atomic_store_explicit(&w->clear, w->generation, memory_order_release);
}

/* What a predecessor left counts, where it makes sense and leaves room to count on: the next packet
 * has the next number. */
static void go_on(struct evidence_ring *w)
{
    w->number = 1;
    for (uint32_t place = 0; place < w->segments; place++) {
        const struct held_segment *s = segment_at(w, place);
        uint64_t generation = atomic_load(&s->generation), packets = atomic_load(&s->packets);
        w->past[place] = (struct past){0, INT64_MIN};
        if (s->magic != HELD_MAGIC || generation == 0 || generation >= HELD_GENERATION / 2 ||
            generation % w->segments != place || packets > w->segment_bytes ||
            s->first_number >= HELD_GENERATION / 2)
            continue;
        w->past[place] = (struct past){packets, atomic_load(&s->first_ns)};
        if (generation > w->generation) {
            w->generation = generation;
            w->made_ns = s->made_ns;
        }
        if (s->first_number + packets > w->number)
            w->number = s->first_number + packets;
    }
}

/* The first write to a page of a file costs the file system as much as several packets cost us: it
 * is paid before the first packet. What is there stays. */
static void touch(uint8_t *file, size_t size)
{
    for (size_t at = 0; at < size && at < TOUCHED_BYTES; at += PAGE_BYTES) {
        volatile uint8_t *byte = file + at;
        // cppcheck-suppress selfAssignment ; the write is what is wanted
        *byte = *byte;
    }
}

struct evidence_ring *evidence_ring_open(int fd, uint32_t segment_bytes, struct ptime now,
                                         struct error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !held_fits((uint64_t)st.st_size, segment_bytes)) {
        error_set(error, ERROR_RUN,
                  "packets for evidence: a file of another size than its segments");
        return NULL;
    }
    void *file = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED) {
        error_set(error, ERROR_RUN, "packets for evidence: %s", strerror(errno));
        return NULL;
    }
    touch(file, (size_t)st.st_size);
    struct evidence_ring *w = xcalloc(1, sizeof *w);
    w->file = file;
    w->size = (size_t)st.st_size;
    w->segment_bytes = segment_bytes;
    w->segments = (uint32_t)((uint64_t)st.st_size / segment_bytes);
    w->past = xcalloc(w->segments, sizeof *w->past);
    w->made_ns = now.ns;
    pthread_mutex_init(&w->turning, NULL);
    go_on(w);
    begin_segment(w);
    return w;
}

void evidence_ring_close(struct evidence_ring *w)
{
    if (!w)
        return;
    munmap(w->file, w->size);
    pthread_mutex_destroy(&w->turning);
    free(w->past);
    free(w);
}

/* --- packets -----------------------------------------------------------------------------------
 */

void evidence_ring_put(struct evidence_ring *w, const struct held_packet *packet)
{
    uint32_t most =
        w->segment_bytes - (uint32_t)(sizeof *w->segment + sizeof(struct held_head) + 8);
    uint32_t kept = packet->kept < HELD_BYTES_MAX ? packet->kept : HELD_BYTES_MAX;
    if (kept > most)
        kept = most;
    uint32_t bare = (uint32_t)sizeof(struct held_head) + kept, size = (bare + 7) / 8 * 8;
    if (w->used + size > w->segment_bytes)
        begin_segment(w);
    uint8_t *at = (uint8_t *)w->segment + w->used;
    const struct held_head head = {.size = size,
                                   .kept = kept,
                                   .wire_bytes = packet->wire_bytes,
                                   .link = packet->link,
                                   .interface = packet->interface,
                                   .time_ns = packet->time.ns,
                                   .key = packet->key};
    memcpy(at, &head, sizeof head);
    if (kept > 0)
        memcpy(at + sizeof head, packet->data, kept);
    memset(at + bare, 0, size - bare);
    struct past *past = &w->past[w->generation % w->segments];
    if (w->packets == 0) {
        past->first_ns = packet->time.ns;
        atomic_store_explicit(&w->segment->first_ns, packet->time.ns, memory_order_relaxed);
    }
    w->used += size;
    w->number++;
    past->packets = ++w->packets;
    w->counts.packets++;
    w->counts.bytes += size;
    atomic_store_explicit(&w->segment->packets, w->packets, memory_order_relaxed);
    atomic_store_explicit(&w->segment->used, w->used, memory_order_release);
}

struct held_counts evidence_ring_counts(const struct evidence_ring *w)
{
    struct held_counts counts = w->counts;
    counts.oldest_ns = INT64_MIN;
    for (uint64_t back = w->segments; back-- > 0;) { /* from the oldest place on */
        const struct past *past = &w->past[(w->generation - back + w->segments) % w->segments];
        if (past->first_ns == INT64_MIN)
            continue;
        counts.oldest_ns = past->first_ns;
        break;
    }
    return counts;
}
