/* Any bytes as the beginning of a file of held packets: every packet lies within what was read, the
 * place never goes back, and the reader ends. */
#include "weir/record/evidence_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEGMENT HELD_SEGMENT_MIN

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void on_packet(void *context, const struct held_packet *packet)
{
    uint64_t *sum = context;
    must(packet->kept <= HELD_BYTES_MAX && packet->kept < SEGMENT &&
         packet->kept <= packet->wire_bytes);
    for (uint32_t i = 0; i < packet->kept; i++)
        *sum += packet->data[i];
    must(++*sum < UINT64_MAX / 2);
}

/* The input is laid into both segments, so that a head of either can be any. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    static uint8_t file[2 * SEGMENT];
    struct error error = {0};
    if (fd < 0) {
        fd = memfd_create("held", MFD_CLOEXEC);
        must(fd >= 0 && ftruncate(fd, sizeof file) == 0);
        snprintf(path, sizeof path, "/dev/fd/%d", fd);
    }
    size_t half = size / 2;
    if (half > SEGMENT)
        half = SEGMENT;
    memset(file, 0, sizeof file);
    if (half > 0)
        memcpy(file, data, half);
    if (half > 0)
        memcpy(file + SEGMENT, data + half, half);
    must(pwrite(fd, file, sizeof file, 0) == (ssize_t)sizeof file);
    struct evidence_reader *reader = evidence_reader_of(dup(fd), SEGMENT, &error);
    must(reader);
    struct held_place place = {0, 0, 0}, end = evidence_reader_end(reader);
    struct held_loss loss = {0, 0};
    uint64_t sum = 0, generation = 0;
    evidence_reader_oldest(reader);
    for (int again = 0; again < 3; again++) {
        evidence_reader_each(reader, &place, again == 0 ? &end : NULL, on_packet, &sum, &loss);
        must(place.generation >= generation && place.offset <= SEGMENT);
        generation = place.generation;
    }
    evidence_reader_close(reader);
    return 0;
}
