/* Records whose contents follow from their number, for the ring's tests. */
#ifndef WEIR_TESTS_RING_CASE_H
#define WEIR_TESTS_RING_CASE_H

#include "weir/record/record.h"
#include "weir/record/ring.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_record {
    struct record_header header;
    uint64_t word[(RECORD_MAX_BYTES - sizeof(struct record_header)) / sizeof(uint64_t)];
};

static inline uint64_t ring_mix(uint64_t x) /* splitmix64 */
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Mostly small, now and then the largest. */
static inline size_t ring_words_of(uint64_t number)
{
    uint64_t random = ring_mix(number ^ 0x5a5a);
    size_t most = sizeof(((struct ring_record *)NULL)->word) / sizeof(uint64_t);
    return random % 64 == 0 ? most : (size_t)(random >> 8) % (random % 8 == 0 ? most : 40);
}

static inline size_t ring_make_record(struct ring_record *record, uint64_t number)
{
    size_t words = ring_words_of(number);
    size_t size = sizeof record->header + words * sizeof(uint64_t);
    record->header = (struct record_header){.size = (uint32_t)size, .number = number};
    for (size_t i = 0; i < words; i++)
        record->word[i] = ring_mix(number + i);
    return size;
}

static inline bool ring_is_record(const struct ring_record *record, size_t size, uint64_t number)
{
    size_t words = ring_words_of(number);
    if (size != sizeof record->header + words * sizeof(uint64_t) || record->header.size != size ||
        record->header.number != number)
        return false;
    for (size_t i = 0; i < words; i++)
        if (record->word[i] != ring_mix(number + i))
            return false;
    return true;
}

static inline bool ring_is_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

#endif
