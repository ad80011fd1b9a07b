/* Reading pcap where it is simple. libpcap copies each packet out of stdio, and cannot show what
 * comes next; so what it says of the head (link type, snap length) is asked of it, and the packets
 * are read here: sixteen bytes of time and lengths, and as many bytes as these say. A length that
 * no packet has, and an end within a packet, are damage, told in libpcap's words where it has them.
 *
 * Invariants: [at, end) of `window` is read and not given; `scout` is where what was not shown
 * begins, at or behind `at`, perhaps beyond `end`. Where somebody else still looks at what was read
 * (hasher.h), two windows take turns: the one before lies still until the next is being read.
 * Source: draft-ietf-opsawg-pcap. */
#include "savefile.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_MICRO  0xa1b2c3d4u
#define MAGIC_NANO   0xa1b23c4du
#define RECORD_HEAD  16u
#define CAPTURED_MAX 262144u /* libpcap's bound for the link types that are read */
/* Headers of its packets lie in the order of the machine that wrote them; libpcap turns them. */
#define LINK_NFLOG 239u
#define LINK_BITS  0xffffu

struct savefile {
    ssize_t (*read)(void *context, void *to, size_t size);
    void *context;
    uint8_t *window, *other; /* `other`: NULL if one window is enough */
    size_t room, other_room, at, end, scout;
    bool swapped, nano;
    int link;
    uint32_t snapshot;
    char problem[SAVEFILE_PROBLEM];
};

struct record { /* as it lies before a packet */
    uint32_t seconds, part, captured, wire;
};
_Static_assert(sizeof(struct record) == RECORD_HEAD, "four words");

struct savefile *savefile_new(ssize_t (*read)(void *context, void *to, size_t size), void *context,
                              size_t buffer_bytes)
{
    struct savefile *s = xcalloc(1, sizeof *s);
    s->read = read;
    s->context = context;
    s->room = buffer_bytes < SAVEFILE_HEAD ? SAVEFILE_HEAD : buffer_bytes;
    s->window = xrealloc(NULL, s->room);
    return s;
}

void savefile_free(struct savefile *s)
{
    if (!s)
        return;
    free(s->window);
    free(s->other);
    free(s);
}

/* --- the window ------------------------------------------------------------------------------ */

static void turn(struct savefile *s)
{
    uint8_t *window = s->window;
    size_t room = s->room;
    s->window = s->other;
    s->room = s->other_room;
    s->other = window;
    s->other_room = room;
}

/* What is left goes to the front, where there are two windows to that of the other. */
static void make_room(struct savefile *s, size_t size)
{
    size_t left = s->end - s->at;
    if (s->other)
        turn(s);
    if (size > s->room) {
        s->window = xrealloc(s->window, size);
        s->room = size;
    }
    memmove(s->window, (s->other ? s->other : s->window) + s->at, left);
    s->end = left;
    s->scout = s->scout > s->at ? s->scout - s->at : 0;
    s->at = 0;
}

/* Makes [at, at + size) lie in it. False: the file ends before that. */
static bool fill(struct savefile *s, size_t size)
{
    make_room(s, size);
    while (s->end < size) {
        ssize_t got = s->read(s->context, s->window + s->end, s->room - s->end);
        if (got <= 0)
            return false;
        s->end += (size_t)got;
    }
    return true;
}

static bool have(struct savefile *s, size_t size)
{
    return s->end - s->at >= size || fill(s, size);
}

ssize_t savefile_read(struct savefile *s, void *to, size_t size)
{
    size_t left = s->end - s->at, some = left < size ? left : size;
    if (left == 0)
        return s->read(s->context, to, size);
    memcpy(to, s->window + s->at, some);
    s->at += some;
    return (ssize_t)some;
}

/* --- the head -------------------------------------------------------------------------------- */

static uint32_t word(const struct savefile *s, uint32_t as_it_lies)
{
    return s->swapped ? __builtin_bswap32(as_it_lies) : as_it_lies;
}

const uint8_t *savefile_head(struct savefile *s)
{
    uint32_t magic, link;
    uint16_t version[2];
    if (!have(s, SAVEFILE_HEAD))
        return NULL;
    const uint8_t *head = s->window + s->at;
    memcpy(&magic, head, sizeof magic);
    memcpy(version, head + sizeof magic, sizeof version);
    memcpy(&link, head + SAVEFILE_HEAD - sizeof link, sizeof link);
    s->swapped = magic != MAGIC_MICRO && magic != MAGIC_NANO;
    magic = word(s, magic);
    s->nano = magic == MAGIC_NANO;
    bool is_2_4 = s->swapped ? version[0] == 0x0200 && version[1] == 0x0400
                             : version[0] == 2 && version[1] == 4;
    bool is_turned = s->swapped && (word(s, link) & LINK_BITS) == LINK_NFLOG;
    return is_2_4 && !is_turned && (s->nano || magic == MAGIC_MICRO) ? head : NULL;
}

void savefile_begin(struct savefile *s, int link, uint32_t snapshot, bool stays)
{
    s->at += SAVEFILE_HEAD;
    s->other_room = stays ? s->room : 0;
    s->other = stays ? xrealloc(NULL, s->room) : NULL;
    s->link = link;
    s->snapshot = snapshot;
}

/* --- packets --------------------------------------------------------------------------------- */

struct ptime savefile_time(int64_t seconds, int64_t part_ns)
{
    if (seconds > SAVEFILE_SECONDS || seconds < -SAVEFILE_SECONDS)
        return (struct ptime){(seconds < 0 ? -SAVEFILE_SECONDS : SAVEFILE_SECONDS) * NS_PER_S};
    return (struct ptime){seconds * NS_PER_S + part_ns % NS_PER_S};
}

/* libpcap takes the words of a file in this machine's order as signed, of the other as unsigned. */
static int64_t number(const struct savefile *s, uint32_t as_it_lies)
{
    return s->swapped ? (int64_t)word(s, as_it_lies) : (int64_t)(int32_t)as_it_lies;
}

static struct ptime time_of(const struct savefile *s, const struct record *record)
{
    int64_t seconds = number(s, record->seconds), part = number(s, record->part);
    if (!s->nano)
        part *= 1000;
    return savefile_time(seconds, part);
}

static enum savefile_result damaged(struct savefile *s, const char *what, uint32_t size)
{
    snprintf(s->problem, sizeof s->problem, what, size, s->end - s->at);
    return SAVEFILE_DAMAGED;
}

enum savefile_result savefile_next(struct savefile *s, struct packet_raw *raw)
{
    struct record record;
    if (!have(s, RECORD_HEAD))
        return s->end == s->at
                   ? SAVEFILE_END
                   : damaged(s, "truncated dump file; tried to read %u header bytes, only got %zu",
                             RECORD_HEAD);
    memcpy(&record, s->window + s->at, sizeof record);
    uint32_t captured = word(s, record.captured), wire = word(s, record.wire);
    if (captured > CAPTURED_MAX)
        return damaged(s, "invalid packet capture length %u, bigger than any packet's", captured);
    if (!have(s, RECORD_HEAD + captured)) {
        s->at += RECORD_HEAD;
        return damaged(s, "truncated dump file; tried to read %u captured bytes, only got %zu",
                       captured);
    }
    raw->data = s->window + s->at + RECORD_HEAD;
    raw->captured = captured < s->snapshot ? captured : s->snapshot;
    raw->wire_bytes = wire < raw->captured ? raw->captured : wire;
    raw->link = s->link;
    raw->time = time_of(s, &record);
    s->at += RECORD_HEAD + captured;
    return SAVEFILE_PACKET;
}

bool savefile_ahead(struct savefile *s, struct packet_raw *raw)
{
    struct record record;
    if (s->scout < s->at)
        s->scout = s->at;
    if (s->scout + RECORD_HEAD > s->end)
        return false;
    memcpy(&record, s->window + s->scout, sizeof record);
    uint32_t captured = word(s, record.captured);
    size_t there = s->end - s->scout - RECORD_HEAD;
    if (captured > CAPTURED_MAX)
        return false;
    raw->data = s->window + s->scout + RECORD_HEAD;
    raw->captured = there < captured ? (uint32_t)there : captured;
    raw->link = s->link;
    s->scout += RECORD_HEAD + captured;
    return true;
}

const char *savefile_problem(const struct savefile *s)
{
    return s->problem;
}
