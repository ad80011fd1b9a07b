/* Any bytes as a log of entries: what is let through is walked to its last byte, as a restart does.
 * The checksums are made right once, so that the sizes behind them are reached. */
#include "../../../sensor/engine/entry_log.h"

#include "weir/base/digest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void walk(const uint8_t *bytes, size_t size, uint64_t layout)
{
    struct log_header header;
    size_t end = 0, at = LOG_FIRST;
    uint64_t sum = 0;
    if (log_check(bytes, size, layout, &header, &end) != LOG_OK)
        return;
    must(end >= LOG_FIRST && end <= size);
    while (at < end) {
        const struct entry *entry = log_entry(bytes, at);
        const uint8_t *payload = (const uint8_t *)(entry + 1);
        must(entry->worker < ENGINE_WORKERS_MAX && entry->size % 8 == 0);
        for (size_t i = 0; i < entry->size; i++)
            sum += payload[i];
        at += sizeof *entry + entry->size;
    }
    must(at == end && sum <= size * UINT8_MAX);
}

/* As log_append and log_begin would have hashed them. */
static void make_right(uint8_t *bytes, size_t size)
{
    struct log_header *header = (void *)bytes;
    memcpy(header->magic, "Weir log", sizeof header->magic);
    header->hash = hash64(header, offsetof(struct log_header, hash), 0);
    for (size_t at = LOG_FIRST; size - at >= sizeof(struct entry);) {
        struct entry *entry = (void *)(bytes + at);
        if (entry->size > size - at - sizeof *entry || entry->size % 8 != 0)
            return;
        entry->hash = hash64(entry + 1, entry->size,
                             hash64(entry, offsetof(struct entry, hash), header->number));
        at += sizeof *entry + entry->size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(1, size ? size : 1); /* 8-aligned, exact */
    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    walk(copy, size, 0);
    if (size >= LOG_FIRST) {
        make_right(copy, size);
        walk(copy, size, ((const struct log_header *)(const void *)copy)->layout);
    }
    free(copy);
    return 0;
}
