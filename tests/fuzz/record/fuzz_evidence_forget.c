/* Any bytes as a file of held packets in which a host is to be forgotten: nothing is written beyond
 * it, nothing of the host is read from it afterwards, and a second time there is nothing to do. */
#include "weir/record/evidence_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEGMENT HELD_SEGMENT_MIN

static const uint8_t v4[4] = {10, 0, 0, 5};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void on_packet(void *context, const struct held_packet *packet)
{
    const struct ip *host = context;
    must(ip_compare(&packet->key.orig_ip, host) != 0 &&
         ip_compare(&packet->key.resp_ip, host) != 0);
}

static struct held_forgotten forget(int fd, const struct ip *host)
{
    struct held_forgotten forgotten = {.packets = 0};
    must(evidence_ring_forget_in(fd, SEGMENT, host, &forgotten) == 0);
    return forgotten;
}

/* The input is laid into both segments, so that a head of either can be any. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static uint8_t file[2 * SEGMENT], after[2 * SEGMENT];
    struct error error = {0};
    struct ip host = ip_from_v4(v4);
    if (fd < 0)
        fd = memfd_create("held", MFD_CLOEXEC);
    must(fd >= 0 && ftruncate(fd, sizeof file) == 0);
    size_t half = size / 2;
    if (half > SEGMENT)
        half = SEGMENT;
    memset(file, 0, sizeof file);
    if (half > 0)
        memcpy(file, data, half);
    if (half > 0)
        memcpy(file + SEGMENT, data + half, half);
    must(pwrite(fd, file, sizeof file, 0) == (ssize_t)sizeof file);
    forget(fd, &host);
    must(pread(fd, file, sizeof file, 0) == (ssize_t)sizeof file);
    struct evidence_reader *reader = evidence_reader_of(dup(fd), SEGMENT, &error);
    must(reader);
    struct held_place place = {0, 0, 0};
    struct held_loss loss = {0, 0};
    evidence_reader_each(reader, &place, NULL, on_packet, &host, &loss);
    evidence_reader_close(reader);
    struct held_forgotten again = forget(fd, &host);
    must(again.packets == 0 && again.unreadable == 0);
    must(pread(fd, after, sizeof after, 0) == (ssize_t)sizeof after);
    must(memcmp(file, after, sizeof file) == 0);
    return 0;
}
