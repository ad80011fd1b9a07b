/* Checked allocation and a growable byte buffer. Running out of memory ends the process with one
 * line. Thread: the caller's. */
#include "weir/base/buffer.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_BYTES 1024u

static void *or_die(void *memory)
{
    if (memory)
        return memory;
    fputs("weir: out of memory\n", stderr);
    _Exit(1);
}

/* What is small comes from malloc and is cleared here: glibc's calloc passes by the thread's own
 * cache of freed blocks (before 2.41), which is where most small blocks lie. */
void *xcalloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SMALL_BYTES)
        return or_die(calloc(count ? count : 1, size ? size : 1));
    void *memory = or_die(malloc(bytes ? bytes : 1));
    __asm__("" ::"r"(memory) : "memory"); /* else the compiler makes a calloc of the two */
    memset(memory, 0, bytes ? bytes : 1);
    return memory;
}

void *xrealloc(void *old, size_t size)
{
    return or_die(realloc(old, size ? size : 1));
}

void *xaligned(size_t align, size_t size)
{
    return or_die(aligned_alloc(align, size));
}

char *xstrdup(const char *text)
{
    return or_die(strdup(text));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return or_die(text);
}

void buffer_fini(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_reserve(struct buffer *b, size_t size)
{
    if (b->room - b->size < size) {
        size_t room = b->room ? b->room : 64;
        while (room - b->size < size)
            room *= 2;
        b->data = xrealloc(b->data, room);
        b->room = room;
    }
}

static uint8_t *make_room(struct buffer *b, size_t size)
{
    buffer_reserve(b, size);
    uint8_t *at = b->data + b->size;
    b->size += size;
    return at;
}

void buffer_put(struct buffer *b, const void *data, size_t size)
{
    if (size)
        memcpy(make_room(b, size), data, size);
}

/* Inlined where `size` is known, this is one store. */
static inline void put_le(struct buffer *b, uint64_t value, size_t size)
{
    uint64_t little = htole64(value);
    memcpy(make_room(b, size), &little, size);
}

void buffer_u8(struct buffer *b, uint8_t value)
{
    put_le(b, value, 1);
}

void buffer_le16(struct buffer *b, uint16_t value)
{
    put_le(b, value, 2);
}

void buffer_le32(struct buffer *b, uint32_t value)
{
    put_le(b, value, 4);
}

void buffer_le64(struct buffer *b, uint64_t value)
{
    put_le(b, value, 8);
}

void buffer_f64(struct buffer *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_le(b, bits, 8);
}

void buffer_text(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > 0) { /* vsnprintf writes a NUL too: it gets room, but is not counted */
        char *at = (char *)make_room(b, (size_t)size + 1);
        vsnprintf(at, (size_t)size + 1, format, again);
        b->size--;
    }
    va_end(again);
}
