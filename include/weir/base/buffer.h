/* A growable byte buffer and checked allocation. Allocation failure outside the packet path ends
 * the process with one line: every container has its own bound, so memory can only run out by a
 * mistake of ours or of the machine. */
#ifndef WEIR_BASE_BUFFER_H
#define WEIR_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Not cleared; `align` a power of two, `size` a multiple of it. */
void *xaligned(size_t align, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct buffer {
    uint8_t *data;
    size_t size, room;
};

void buffer_fini(struct buffer *b);
/* Room for `size` more bytes at data + size. */
void buffer_reserve(struct buffer *b, size_t size);
void buffer_put(struct buffer *b, const void *data, size_t size);
void buffer_u8(struct buffer *b, uint8_t value);
void buffer_le16(struct buffer *b, uint16_t value);
void buffer_le32(struct buffer *b, uint32_t value);
void buffer_le64(struct buffer *b, uint64_t value);
void buffer_f64(struct buffer *b, double value); /* IEEE bits, little-endian */
void buffer_text(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
