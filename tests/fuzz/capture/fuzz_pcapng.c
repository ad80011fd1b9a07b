/* Any bytes as a pcapng, given in pieces of a size that the first byte chooses. Whatever they are:
 * every packet lies within its bounds and has a time that a record can carry; notes are one line;
 * the end is reached; and the same bytes in other pieces give the same packets. */
#include "../../../sensor/capture/pcapng.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t left, piece;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static ssize_t give(void *context, void *to, size_t size)
{
    struct bytes *bytes = context;
    size_t count = size < bytes->left ? size : bytes->left;
    if (count > bytes->piece)
        count = bytes->piece;
    if (count == 0)
        return 0;
    memcpy(to, bytes->at, count);
    bytes->at += count;
    bytes->left -= count;
    return (ssize_t)count;
}

static bool accept_most(void *context, int link)
{
    (void)context;
    return link != 147;
}

struct seen {
    uint64_t packets, sum;
    enum pcapng_result end;
};

static void look(const struct packet_raw *raw, struct seen *seen)
{
    must(raw->captured <= PCAPNG_BLOCK_BYTES && raw->captured <= raw->wire_bytes);
    must(raw->time.ns == SOURCE_NO_TIME.ns ||
         (raw->time.ns > INT64_MIN / 2 && raw->time.ns < INT64_MAX / 2));
    for (uint32_t i = 0; i < raw->captured; i++)
        seen->sum = seen->sum * 31 + raw->data[i];
    seen->sum = seen->sum * 31 + (uint64_t)raw->time.ns + (uint64_t)raw->link;
    seen->packets++;
}

static struct seen read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct bytes bytes = {data, size, piece};
    struct pcapng_io io = {.read = give, .accept = accept_most, .context = &bytes};
    struct pcapng *pcapng = pcapng_new(&io, 64);
    struct packet_raw raw;
    struct source_notes notes;
    struct seen seen = {.end = pcapng_head(pcapng)};
    while (seen.end == PCAPNG_PACKET && (seen.end = pcapng_next(pcapng, &raw)) == PCAPNG_PACKET)
        look(&raw, &seen);
    must(seen.packets <= size / 16);
    must((seen.end == PCAPNG_DAMAGED) == (*pcapng_problem(pcapng) != '\0'));
    pcapng_notes(pcapng, &notes);
    must(memchr(notes.comment, '\0', sizeof notes.comment) && !strchr(notes.comment, '\n'));
    must(notes.untimed <= seen.packets);
    pcapng_free(pcapng);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct seen whole = read_all(data + 1, size - 1, SIZE_MAX);
    struct seen pieces = read_all(data + 1, size - 1, 1u + data[0]);
    must(whole.packets == pieces.packets && whole.sum == pieces.sum && whole.end == pieces.end);
    return 0;
}
