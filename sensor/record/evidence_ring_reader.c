/* The reading end: see weir/record/evidence_ring.h. A segment is copied, its generation looked at
 * again, and only the copy is walked. The file is read, not mapped: one that was made shorter ends
 * nobody. Bounds: one segment of memory; HELD_SEGMENTS heads. */
#include "evidence_ring.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct evidence_reader {
    int fd;
    uint32_t segment_bytes, segments;
    uint8_t *copy; /* of a segment, from `offset` on */
};

struct evidence_reader *evidence_reader_of(int fd, uint32_t segment_bytes, struct error *error)
{
    struct stat st;
    uint64_t segments = 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && segment_bytes >= HELD_SEGMENT_MIN &&
        segment_bytes <= HELD_SEGMENT_MAX)
        segments = (uint64_t)st.st_size / segment_bytes;
    if (segments < 2 || segments > HELD_SEGMENTS) {
        error_set(error, ERROR_RUN, "a file of held packets of another size than its segments");
        close(fd);
        return NULL;
    }
    struct evidence_reader *r = xcalloc(1, sizeof *r);
    r->fd = fd;
    r->segment_bytes = segment_bytes;
    r->segments = (uint32_t)segments;
    r->copy = xcalloc(1, segment_bytes);
    return r;
}

struct evidence_reader *evidence_reader_open(const char *path, uint32_t segment_bytes,
                                             struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0)
        return evidence_reader_of(fd, segment_bytes, error);
    error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    return NULL;
}

void evidence_reader_close(struct evidence_reader *r)
{
    if (!r)
        return;
    close(r->fd);
    free(r->copy);
    free(r);
}

/* --- heads -------------------------------------------------------------------------------------
 */

static bool read_whole(int fd, void *to, size_t size, uint64_t at)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, (uint8_t *)to + have, size - have, (off_t)(at + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    atomic_thread_fence(memory_order_acquire);
    return true;
}

/* False: there is no segment that makes sense at this place now. */
static bool look_at(const struct evidence_reader *r, uint32_t place, struct held_seen *seen)
{
    uint64_t raw[8];
    if (!read_whole(r->fd, raw, sizeof raw, (uint64_t)place * r->segment_bytes))
        return false;
    *seen = (struct held_seen){raw[0], raw[1], raw[2], raw[3], raw[4], 0, 0};
    memcpy(&seen->first_ns, &raw[5], sizeof seen->first_ns);
    memcpy(&seen->made_ns, &raw[6], sizeof seen->made_ns);
    return held_makes_sense(seen, place, r->segments, r->segment_bytes);
}

/* The newest, and of those that can be held beside it the oldest. */
static bool find_ends(const struct evidence_reader *r, struct held_seen *oldest,
                      struct held_seen *newest)
{
    struct held_seen seen;
    newest->generation = 0;
    for (uint32_t place = 0; place < r->segments; place++)
        if (look_at(r, place, &seen) && seen.generation > newest->generation)
            *newest = seen;
    *oldest = *newest;
    for (uint32_t place = 0; place < r->segments; place++)
        if (look_at(r, place, &seen) && seen.generation + r->segments > newest->generation &&
            seen.generation < oldest->generation)
            *oldest = seen;
    return newest->generation > 0;
}

struct held_place evidence_reader_end(struct evidence_reader *r)
{
    struct held_seen oldest, newest;
    if (!find_ends(r, &oldest, &newest))
        return (struct held_place){0, 0, 0};
    return (struct held_place){newest.generation, newest.used,
                               newest.first_number + newest.packets};
}

struct ptime evidence_reader_oldest(struct evidence_reader *r)
{
    struct held_seen oldest, newest;
    if (!find_ends(r, &oldest, &newest) || oldest.first_ns == INT64_MIN)
        return PTIME_MAX;
    return (struct ptime){oldest.generation == 1 ? oldest.made_ns : oldest.first_ns};
}

/* --- packets -----------------------------------------------------------------------------------
 */

struct walk {
    struct evidence_reader *reader;
    struct held_place *place;
    void (*each)(void *context, const struct held_packet *packet);
    void *context;
    struct held_loss *loss;
};

/* How many there were between the one expected and this one. */
static void count_gap(const struct walk *w, uint64_t number)
{
    if (w->place->number > 0 && number > w->place->number)
        w->loss->overwritten += number - w->place->number;
}

static bool makes_sense(const struct held_head *head, uint64_t left)
{
    return head->size >= sizeof *head && head->size <= left && head->size % 8 == 0 &&
           head->kept <= head->size - sizeof *head && head->kept <= HELD_BYTES_MAX;
}

static void walk_copy(const struct walk *w, uint64_t size)
{
    struct held_head head;
    const uint8_t *copy = w->reader->copy;
    uint64_t at = 0;
    while (size - at >= sizeof head) {
        memcpy(&head, copy + at, sizeof head);
        if (!makes_sense(&head, size - at))
            break;
        const struct held_packet packet = {
            .time = {head.time_ns},
            .key = head.key,
            .wire_bytes = head.wire_bytes < head.kept ? head.kept : head.wire_bytes,
            .kept = head.kept,
            .link = head.link,
            .interface = head.interface,
            .data = copy + at + sizeof head};
        w->each(w->context, &packet);
        w->place->number++;
        at += head.size;
    }
    w->loss->damaged += at != size;
    w->place->offset += size; /* what makes no sense is not looked at again */
}

/* From the place on to `end`, in this segment. False: it was overwritten meanwhile. */
static bool read_segment(const struct walk *w, uint64_t end)
{
    struct evidence_reader *r = w->reader;
    struct held_seen before, after;
    uint32_t index = (uint32_t)(w->place->generation % r->segments);
    if (!look_at(r, index, &before) || before.generation != w->place->generation)
        return false;
    if (end > before.used)
        end = before.used;
    if (w->place->offset < sizeof(struct held_segment)) {
        w->place->offset = sizeof(struct held_segment);
        count_gap(w, before.first_number);
        w->place->number = before.first_number;
    }
    if (end <= w->place->offset)
        return true;
    uint64_t size = end - w->place->offset;
    if (!read_whole(r->fd, r->copy, size, (uint64_t)index * r->segment_bytes + w->place->offset) ||
        !look_at(r, index, &after) || after.generation != w->place->generation)
        return false;
    walk_copy(w, size);
    return true;
}

static void go_to(struct held_place *place, uint64_t generation)
{
    place->generation = generation;
    place->offset = 0; /* its number stays: the gap shows in the next segment */
}

void evidence_reader_each(struct evidence_reader *r, struct held_place *place,
                          const struct held_place *until,
                          void (*each)(void *context, const struct held_packet *packet),
                          void *context, struct held_loss *loss)
{
    const struct walk walk = {r, place, each, context, loss};
    struct held_seen oldest, newest;
    if (!find_ends(r, &oldest, &newest))
        return;
    if (place->generation > newest.generation) /* another ring than the one that was read */
        *place = (struct held_place){0, 0, 0};
    if (place->generation < oldest.generation)
        go_to(place, oldest.generation);
    uint64_t last =
        until && until->generation < newest.generation ? until->generation : newest.generation;
    while (place->generation <= last) {
        bool here = until && place->generation == until->generation;
        read_segment(&walk, here ? until->offset : UINT64_MAX);
        if (place->generation == last)
            return;
        go_to(place, place->generation + 1);
    }
}
