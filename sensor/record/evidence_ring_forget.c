/* Forgetting in a ring: see weir/record/evidence_ring.h. In slices, each under the lock that a
 * segment begins anew under, so nobody waits for more than one. Packets that were put are never
 * written to again, and what is behind the last one is the writer's: so a host's packets go here
 * in every segment, and what stands behind the packets in every segment but the one being written,
 * which the capture thread clears (evidence_ring_tend). One that begins anew meanwhile is cleared
 * by it too, and one that ends has its end cleared: so when all were looked through, and the one
 * being written is clear, nothing is left. Thread: whoever forgets, one. */
#include "evidence_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE_BYTES ((uint64_t)4 << 20)
#define ZEROS_BYTES 4096u

/* Whether there was anything. What is zeros already is only read: a file that was never written to
 * is not written now. */
static bool clear(uint8_t *from, uint64_t size)
{
    static const uint8_t zeros[ZEROS_BYTES];
    bool any = false;
    for (uint64_t at = 0, now; at < size; at += now) {
        now = size - at < sizeof zeros ? size - at : sizeof zeros;
        if (memcmp(from + at, zeros, now) == 0)
            continue;
        memset(from + at, 0, now);
        any = true;
    }
    return any;
}

static int sync_range(uint8_t *from, uint64_t size)
{
    size_t before = (uintptr_t)from % (size_t)sysconf(_SC_PAGESIZE);
    return msync(from - before, size + before, MS_SYNC) == 0 ? 0 : errno;
}

/* --- a slice -----------------------------------------------------------------------------------
 */

static uint8_t *place_of(const struct evidence_ring *w, uint32_t place)
{
    return w->file + (uint64_t)place * w->segment_bytes;
}

static bool look_at(const struct evidence_ring *w, uint32_t place, struct held_seen *seen)
{
    const struct held_segment *segment = (const void *)place_of(w, place);
    seen->magic = segment->magic;
    seen->generation = atomic_load_explicit(&segment->generation, memory_order_acquire);
    seen->used = atomic_load_explicit(&segment->used, memory_order_acquire);
    seen->first_number = segment->first_number;
    seen->packets = atomic_load(&segment->packets);
    return held_makes_sense(seen, place, w->segments, w->segment_bytes);
}

static void next_place(struct held_forgetting *f)
{
    *f = (struct held_forgetting){
        .under_way = true, .ip = f->ip, .place = f->place + 1, .so_far = f->so_far};
}

/* True: it was the host's, and is not any more. */
static bool take_away(const struct held_forgetting *f, uint8_t *at, struct held_head *head)
{
    if (ip_compare(&head->key.orig_ip, &f->ip) != 0 && ip_compare(&head->key.resp_ip, &f->ip) != 0)
        return false;
    memset(&head->key, 0, sizeof head->key);
    memcpy(at, head, sizeof *head);
    memset(at + sizeof *head, 0, head->size - sizeof *head);
    return true;
}

/* Packets up to `used`. Nothing of a head is believed before it was held against what is left. */
static bool forget_packets(struct held_forgetting *f, uint8_t *segment, uint64_t used)
{
    uint64_t begin = f->at;
    bool any = false;
    while (f->at < used && f->at - begin < SLICE_BYTES) {
        struct held_head head;
        f->damaged = used - f->at < sizeof head;
        if (f->damaged)
            break;
        memcpy(&head, segment + f->at, sizeof head);
        f->damaged = head.size < sizeof head || head.size > used - f->at || head.size % 8 != 0;
        if (f->damaged)
            break;
        if (take_away(f, segment + f->at, &head)) {
            f->so_far.packets++;
            any = true;
        }
        f->at += head.size;
    }
    f->rest = f->damaged || f->at >= used;
    return any;
}

static bool forget_rest(struct held_forgetting *f, uint8_t *segment, uint64_t end)
{
    uint64_t now = end - f->at < SLICE_BYTES ? end - f->at : SLICE_BYTES;
    bool any = clear(segment + f->at, now);
    if (any && f->damaged && !f->told) {
        f->so_far.unreadable++;
        f->told = true;
    }
    f->at += now;
    return any;
}

/* Whether anything changed. */
static bool forget_slice(struct evidence_ring *w)
{
    struct held_forgetting *f = &w->forgetting;
    struct held_seen seen;
    uint8_t *segment = place_of(w, f->place);
    bool sense = look_at(w, f->place, &seen), any = false;
    bool written = w->generation > 0 && w->generation % w->segments == f->place;
    uint64_t generation = sense ? seen.generation : 0;
    if (f->at == 0) {
        f->generation = generation;
        f->damaged = f->rest = !sense;
        f->at = sense ? sizeof(struct held_segment) : 0;
    }
    if (generation != f->generation || (written && !sense)) { /* begun anew; scribbled over */
        f->so_far.unreadable += written && !sense;
        next_place(f);
        return false;
    }
    uint64_t end = written ? seen.used : w->segment_bytes;
    if (!f->rest)
        any = forget_packets(f, segment, seen.used);
    else if (f->at < end)
        any = forget_rest(f, segment, end);
    if (f->rest && f->at >= end)
        next_place(f);
    return any;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

void evidence_ring_forget(struct evidence_ring *w, const struct ip *ip)
{
    w->forgetting = (struct held_forgetting){.under_way = true, .ip = *ip};
    atomic_store_explicit(&w->clear, 0, memory_order_relaxed);
    atomic_store_explicit(&w->clearing, true, memory_order_release);
}

/* All were looked through: is there nothing behind the last packet either? NULL: nobody writes. */
static bool is_clear(struct evidence_ring *w, uint8_t **segment)
{
    pthread_mutex_lock(&w->turning);
    bool is = atomic_load_explicit(&w->clear, memory_order_acquire) == w->generation;
    *segment = w->generation > 0 ? place_of(w, (uint32_t)(w->generation % w->segments)) : NULL;
    pthread_mutex_unlock(&w->turning);
    return is;
}

bool evidence_ring_forget_some(struct evidence_ring *w, struct held_forgotten *forgotten)
{
    struct held_forgetting *f = &w->forgetting;
    uint8_t *from;
    int failed = 0;
    if (f->under_way && f->place < w->segments) {
        from = place_of(w, f->place);
        uint64_t at = f->at;
        pthread_mutex_lock(&w->turning);
        bool any = forget_slice(w);
        pthread_mutex_unlock(&w->turning);
        uint64_t left = w->segment_bytes - at;
        if (any) /* a slice, and the packet that it ends in */
            failed = sync_range(from + at, left < 2 * SLICE_BYTES ? left : 2 * SLICE_BYTES);
    } else if (f->under_way && is_clear(w, &from)) {
        failed = from ? sync_range(from, w->segment_bytes) : 0;
        atomic_store_explicit(&w->clearing, false, memory_order_relaxed);
        f->under_way = false;
    }
    if (failed)
        f->so_far.failed = failed;
    *forgotten = f->so_far;
    return !f->under_way;
}

/* --- a file ------------------------------------------------------------------------------------
 */

static void add(struct held_forgotten *to, const struct held_forgotten *more)
{
    to->packets += more->packets;
    to->unreadable += more->unreadable;
    to->failed = to->failed ? to->failed : more->failed;
}

static void forget_mapped(uint8_t *file, uint64_t size, uint32_t segment_bytes, const struct ip *ip,
                          struct held_forgotten *forgotten)
{
    struct evidence_ring w = {.segment_bytes = segment_bytes,
                              .segments = (uint32_t)(size / segment_bytes),
                              .turning = PTHREAD_MUTEX_INITIALIZER};
    struct held_forgotten found;
    bool done = false;
    w.file = file;
    evidence_ring_forget(&w, ip);
    while (!done)
        done = evidence_ring_forget_some(&w, &found);
    add(forgotten, &found);
}

int evidence_ring_forget_in(int fd, uint32_t segment_bytes, const struct ip *ip,
                            struct held_forgotten *forgotten)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    if (st.st_size == 0)
        return 0;
    uint64_t size = (uint64_t)st.st_size;
    uint8_t *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        return errno;
    int failed = 0;
    if (held_fits(size, segment_bytes)) {
        forget_mapped(file, size, segment_bytes, ip, forgotten);
        failed = forgotten->failed;
    } else if (clear(file, size)) {
        forgotten->unreadable++;
        failed = sync_range(file, size);
    }
    munmap(file, size);
    return failed;
}

int evidence_ring_forget_file(const char *path, uint32_t segment_bytes, const struct ip *ip,
                              struct held_forgotten *forgotten, struct error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int failed = fd < 0 ? errno : evidence_ring_forget_in(fd, segment_bytes, ip, forgotten);
    if (fd >= 0)
        close(fd);
    return failed ? error_set(error, ERROR_RUN, "%s: %s", path, strerror(failed)) : 0;
}
