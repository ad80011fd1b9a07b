/* The writing end: see weir/record/evidence_ring.h. Everything that decides where is written next
 * is this process's own memory: what is in the file is looked at once, when it is opened. Cost of a
 * packet: one copy. Thread: the capture thread. */
#include "evidence_ring.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define TOUCHED_BYTES                                                                              \
    ((size_t)1 << 30) /* the rest of a larger one as it comes: a start has an end */

struct evidence_ring {
    uint8_t *file;
    size_t size;
    uint32_t segment_bytes, segments;
    struct held_segment *segment; /* that is written */
    uint64_t generation, used, number, packets;
    int64_t made_ns;
    struct past { /* of each place, what stands there */
        uint64_t packets;
        int64_t first_ns;
    } * past;
    struct held_counts counts;
    pthread_mutex_t turning; /* a segment begins anew, or somebody's packets in one are forgotten */
};

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

static void begin_segment(struct evidence_ring *w)
{
    struct past *past = &w->past[++w->generation % w->segments];
    struct held_segment *segment = segment_at(w, w->generation);
    w->counts.overwritten_packets += past->packets;
    *past = (struct past){0, INT64_MIN};
    pthread_mutex_lock(&w->turning);
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
    w->packets = 0;
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

static bool fits(const struct stat *st, uint32_t segment_bytes)
{
    return segment_bytes >= HELD_SEGMENT_MIN && segment_bytes <= HELD_SEGMENT_MAX &&
           segment_bytes % 64 == 0 && st->st_size % segment_bytes == 0 &&
           st->st_size / segment_bytes >= 2 && st->st_size / segment_bytes <= HELD_SEGMENTS;
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
    if (fstat(fd, &st) != 0 || !fits(&st, segment_bytes)) {
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

/* --- forgetting --------------------------------------------------------------------------------
 */

/* Packets that were put are never written to again, so only the beginning of a segment anew must
 * wait. */
static uint64_t forget_in(struct held_segment *segment, uint32_t segment_bytes, const struct ip *ip)
{
    uint64_t used = atomic_load_explicit(&segment->used, memory_order_acquire), count = 0;
    uint8_t *at = (uint8_t *)segment;
    if (segment->magic != HELD_MAGIC || atomic_load(&segment->generation) == 0 ||
        used > segment_bytes)
        return 0;
    for (uint64_t place = sizeof *segment; used - place >= sizeof(struct held_head);) {
        struct held_head head;
        memcpy(&head, at + place, sizeof head);
        if (head.size < sizeof head || head.size > used - place || head.size % 8 != 0)
            break;
        if (ip_compare(&head.key.orig_ip, ip) == 0 || ip_compare(&head.key.resp_ip, ip) == 0) {
            memset(&head.key, 0, sizeof head.key);
            memcpy(at + place, &head, sizeof head);
            memset(at + place + sizeof head, 0, head.size - sizeof head);
            count++;
        }
        place += head.size;
    }
    return count;
}

uint64_t evidence_ring_forget(struct evidence_ring *w, const struct ip *ip)
{
    uint64_t count = 0;
    for (uint32_t place = 0; place < w->segments; place++) {
        pthread_mutex_lock(&w->turning);
        count += forget_in(segment_at(w, place), w->segment_bytes, ip);
        pthread_mutex_unlock(&w->turning);
    }
    return count;
}

/* Empty, or a segment at its place: else its segments are of another size. */
static bool is_segment(const struct held_segment *segment, uint32_t place, uint32_t segments)
{
    uint64_t generation = atomic_load(&segment->generation);
    return segment->magic == 0 ||
           (segment->magic == HELD_MAGIC && (generation == 0 || generation % segments == place));
}

static bool forget_mapped(uint8_t *file, uint32_t segments, uint32_t segment_bytes,
                          const struct ip *ip, uint64_t *packets)
{
    for (uint32_t place = 0; place < segments; place++)
        if (!is_segment((void *)(file + (size_t)place * segment_bytes), place, segments))
            return false;
    for (uint32_t place = 0; place < segments; place++)
        *packets += forget_in((void *)(file + (size_t)place * segment_bytes), segment_bytes, ip);
    return true;
}

static int forget_open(int fd, uint32_t segment_bytes, const struct ip *ip, uint64_t *packets,
                       bool *whole)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    size_t size = (size_t)st.st_size;
    *whole = !fits(&st, segment_bytes);
    if (!*whole) {
        uint8_t *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (file == MAP_FAILED)
            return errno;
        *whole = !forget_mapped(file, (uint32_t)(size / segment_bytes), segment_bytes, ip, packets);
        int failed = msync(file, size, MS_SYNC) != 0 ? errno : 0;
        munmap(file, size);
        if (failed)
            return failed;
    }
    return *whole && ftruncate(fd, 0) != 0 ? errno : 0;
}

int evidence_ring_forget_file(const char *path, uint32_t segment_bytes, const struct ip *ip,
                              uint64_t *packets, bool *whole, struct error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int failed = fd < 0 ? errno : forget_open(fd, segment_bytes, ip, packets, whole);
    if (fd >= 0)
        close(fd);
    return failed ? error_set(error, ERROR_RUN, "%s: %s", path, strerror(failed)) : 0;
}
