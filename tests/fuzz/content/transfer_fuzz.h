/* A transfer decoder: the same bytes in one piece and in pieces make the same, never more than was
 * put, and gaps never make bytes. Shared by fuzz_base64 and fuzz_quoted. */
#ifndef WEIR_FUZZ_CONTENT_TRANSFER_FUZZ_H
#define WEIR_FUZZ_CONTENT_TRANSFER_FUZZ_H

#include "../../../sensor/content/transfer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TRANSFER_FUZZ_MAX 65536u

struct sink {
    struct filter filter;
    uint8_t data[TRANSFER_FUZZ_MAX];
    size_t size, ends;
    uint64_t gaps;
};

static void sink_put(struct filter *filter, const uint8_t *data, size_t size)
{
    struct sink *sink = (struct sink *)filter;
    if (size == 0 || size > sizeof sink->data - sink->size)
        abort();
    memcpy(sink->data + sink->size, data, size);
    sink->size += size;
}

static void sink_gap(struct filter *filter, uint64_t bytes)
{
    ((struct sink *)filter)->gaps += bytes;
}

static void sink_end(struct filter *filter)
{
    ((struct sink *)filter)->ends++;
}

static void transfer_run(struct filter *(*make)(struct filter *next), struct sink *sink,
                         const uint8_t *data, size_t size, const uint8_t *cuts, bool loses)
{
    static const struct filter_ops ops = {sink_put, sink_gap, sink_end};
    sink->filter.ops = &ops;
    sink->size = sink->ends = 0;
    sink->gaps = 0;
    struct filter *filter = make(&sink->filter);
    size_t piece, lost = 0;
    for (size_t at = 0, i = 0; at < size; at += piece, i++) {
        piece = cuts ? cuts[i % 4] / 2u + 1u : size;
        if (piece > size - at)
            piece = size - at;
        if (loses && (cuts[i % 4] & 1)) {
            filter_gap(filter, piece);
            lost += piece;
            continue;
        }
        uint8_t *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, data + at, piece);
        filter_put(filter, copy, piece);
        free(copy);
    }
    filter_end(filter);
    if (sink->ends != 1 || sink->gaps != lost || sink->size > size - lost)
        abort();
}

static int transfer_fuzz(struct filter *(*make)(struct filter *next), const uint8_t *data,
                         size_t size)
{
    static struct sink whole, pieces;
    if (size < 5 || size > TRANSFER_FUZZ_MAX)
        return 0;
    transfer_run(make, &whole, data + 4, size - 4, NULL, false);
    transfer_run(make, &pieces, data + 4, size - 4, data, false);
    if (whole.size != pieces.size || memcmp(whole.data, pieces.data, whole.size) != 0)
        abort();
    transfer_run(make, &pieces, data + 4, size - 4, data, true);
    return 0;
}

#endif
