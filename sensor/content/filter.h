/* Bytes on their way through decoders: each is given pieces, and hands what it makes of them to the
 * next, which it owns. The last one counts (inspect.h). None keeps a piece beyond its call, all are
 * bounded, none fails: what cannot be decoded is counted, and its bytes go no further.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_FILTER_H
#define WEIR_SENSOR_CONTENT_FILTER_H

#include <stddef.h>
#include <stdint.h>

struct filter {
    const struct filter_ops *ops;
};

struct filter_ops {
    void (*put)(struct filter *filter, const uint8_t *data, size_t size);
    void (*gap)(struct filter *filter, uint64_t bytes); /* bytes that never come */
    void (*end)(struct filter *filter); /* nothing comes any more: it ends its next and is freed */
};

static inline void filter_put(struct filter *filter, const uint8_t *data, size_t size)
{
    if (size)
        filter->ops->put(filter, data, size);
}

static inline void filter_gap(struct filter *filter, uint64_t bytes)
{
    filter->ops->gap(filter, bytes);
}

static inline void filter_end(struct filter *filter)
{
    if (filter)
        filter->ops->end(filter);
}

#endif
