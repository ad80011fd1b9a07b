/* The last packets: see weir/capture/recent.h for the area.
 *
 * The writer takes a slot's number away before it writes there and gives the new one after, so a
 * slot that was being written when the process died is no packet (it is the oldest's slot, and that
 * of a packet nothing had read yet). The reader copies the area first and looks at the copy: even a
 * writer that lives still cannot change what was checked.
 * Threads: writer, the capture thread; reader, the supervisor, which parses nothing else of what
 * comes from a capture process and nothing of the packets here. */
#include "weir/capture/recent.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct slot {
    _Atomic uint64_t number; /* from 1; 0: no packet */
    int64_t time_ns;
    uint32_t stored, wire_bytes; /* stored ≤ RECENT_BYTES, ≤ wire_bytes */
    int32_t link;
    uint32_t unused;
    uint8_t data[RECENT_BYTES];
};

struct area {
    struct slot slot[RECENT_PACKETS];
};
_Static_assert(sizeof(struct slot) == 32 + RECENT_BYTES, "no bytes of the area are padding");

struct recent {
    struct area *area;
    uint64_t number; /* of the last packet; private, never read back */
};

/* --- writer ---------------------------------------------------------------------------------- */

int recent_create(struct error *error)
{
    int fd = memfd_create("weir-recent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, (off_t)sizeof(struct area)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    error_set(error, ERROR_RUN, "recent packets: cannot make shared memory: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int check_size(int fd, struct error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set(error, ERROR_RUN, "recent packets: %s", strerror(errno));
    if (st.st_size != (off_t)sizeof(struct area))
        return error_set(error, ERROR_RUN, "recent packets: an area of %lld bytes, expected %zu",
                         (long long)st.st_size, sizeof(struct area));
    return 0;
}

struct recent *recent_open(int fd, struct error *error)
{
    if (check_size(fd, error) != 0)
        return NULL;
    void *area = mmap(NULL, sizeof(struct area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area == MAP_FAILED) {
        error_set(error, ERROR_RUN, "recent packets: %s", strerror(errno));
        return NULL;
    }
    struct recent *recent = xcalloc(1, sizeof *recent);
    recent->area = memset(area, 0, sizeof(struct area));
    return recent;
}

void recent_put(struct recent *recent, const struct packet_raw *raw)
{
    uint64_t number = ++recent->number;
    struct slot *slot = &recent->area->slot[number % RECENT_PACKETS];
    uint32_t stored = raw->captured < RECENT_BYTES ? raw->captured : RECENT_BYTES;
    atomic_store_explicit(&slot->number, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    slot->time_ns = raw->time.ns;
    slot->stored = stored;
    slot->wire_bytes = raw->wire_bytes < raw->captured ? raw->captured : raw->wire_bytes;
    slot->link = raw->link;
    if (stored)
        memcpy(slot->data, raw->data, stored);
    atomic_store_explicit(&slot->number, number, memory_order_release);
}

void recent_close(struct recent *recent)
{
    if (!recent)
        return;
    munmap(recent->area, sizeof *recent->area);
    free(recent);
}

/* --- reader ---------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct slot *one = *(const struct slot *const *)a;
    const struct slot *other = *(const struct slot *const *)b;
    return (one->number > other->number) - (one->number < other->number);
}

/* In its place, within its bounds, and of a link type that libpcap knows. */
static bool makes_sense(const struct slot *slot, size_t place)
{
    return slot->number > 0 && slot->number % RECENT_PACKETS == place &&
           slot->stored <= RECENT_BYTES && slot->stored <= slot->wire_bytes &&
           pcap_datalink_val_to_name(slot->link);
}

/* The slots to save, oldest first, all of the last one's link type; returns how many. */
static size_t choose(const struct area *area, const struct slot *chosen[RECENT_PACKETS])
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < RECENT_PACKETS; i++)
        if (makes_sense(&area->slot[i], i))
            chosen[count++] = &area->slot[i];
    qsort(chosen, count, sizeof *chosen, by_number);
    for (size_t i = 0; i < count; i++)
        if (chosen[i]->link == chosen[count - 1]->link)
            chosen[kept++] = chosen[i];
    return kept;
}

static struct timeval time_of(const struct slot *slot)
{
    int64_t seconds = slot->time_ns / NS_PER_S;
    if (slot->time_ns < 0)
        return (struct timeval){0};
    if (seconds > UINT32_MAX)
        return (struct timeval){UINT32_MAX, NS_PER_S - 1};
    return (struct timeval){seconds, slot->time_ns % NS_PER_S};
}

static int write_packets(FILE *file, const struct slot *const *chosen, size_t count,
                         struct error *error)
{
    pcap_t *pcap = pcap_open_dead_with_tstamp_precision(chosen[0]->link, RECENT_BYTES,
                                                        PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t *dumper = pcap ? pcap_dump_fopen(pcap, file) : NULL;
    int failed = !dumper;
    if (dumper) {
        for (size_t i = 0; i < count; i++) {
            struct pcap_pkthdr header = {time_of(chosen[i]), chosen[i]->stored,
                                         chosen[i]->wire_bytes};
            pcap_dump((u_char *)dumper, &header, chosen[i]->data);
        }
        failed = pcap_dump_flush(dumper) != 0 || ferror(file);
    }
    if (failed)
        error_set(error, ERROR_RUN, "recent packets: %s",
                  pcap && !dumper ? pcap_geterr(pcap) : strerror(errno));
    if (dumper)
        pcap_dump_close(dumper); /* and the file */
    else
        fclose(
            file); /* libpcap has not: only a failed write of the head would, which is buffered */
    if (pcap)
        pcap_close(pcap);
    return failed ? -1 : 0;
}

static int save_as(const char *path, const struct slot *const *chosen, size_t count,
                   struct error *error)
{
    char *beside = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC); /* 0600 */
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int failed = !file || write_packets(file, chosen, count, error) != 0;
    if (!failed)
        failed = rename(beside, path) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno)); /* the first cause stays */
    if (fd >= 0 && !file)
        close(fd);
    if (fd >= 0 && failed)
        unlink(beside);
    free(beside);
    return failed ? -1 : 0;
}

static int copy_area(int fd, struct area *copy, struct error *error)
{
    size_t have = 0;
    if (check_size(fd, error) != 0)
        return -1;
    while (have < sizeof *copy) {
        ssize_t got = pread(fd, (uint8_t *)copy + have, sizeof *copy - have, (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(error, ERROR_RUN, "recent packets: %s",
                             got < 0 ? strerror(errno) : "the area ends early");
        have += (size_t)got;
    }
    return 0;
}

int recent_save(int fd, const char *path, struct error *error)
{
    const struct slot *chosen[RECENT_PACKETS];
    struct area *copy = xcalloc(1, sizeof *copy);
    int result = copy_area(fd, copy, error);
    size_t count = result == 0 ? choose(copy, chosen) : 0;
    if (count > 0)
        result = save_as(path, chosen, count, error);
    free(copy);
    return result == 0 ? (int)count : -1;
}
