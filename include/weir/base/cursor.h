/* A bounded cursor: the only way parsers read bytes that came from outside. Reading past the end
 * yields zeros and sets `failed`; the parser checks once, at the end or before it trusts a length.
 * Nothing here allocates or aborts. After dsc's and mercury's bounded readers. */
#ifndef WEIR_BASE_CURSOR_H
#define WEIR_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at;  /* next byte; invariant: at <= end */
    const uint8_t *end; /* one past the last byte that may be read */
    bool failed;        /* sticky: something was read that was not there */
};

static inline struct cursor cursor_make(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    return (struct cursor){bytes, size ? bytes + size : bytes, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* Borrows `size` bytes and steps over them; NULL (and failed) when they are not there. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t size)
{
    if (c->failed || cursor_left(c) < size) {
        c->failed = true;
        c->at = c->end;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    if (size)
        c->at += size;
    return bytes;
}

static inline bool cursor_skip(struct cursor *c, size_t size)
{
    cursor_take(c, size);
    return !c->failed;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 1);
    return b ? b[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 2);
    return (uint16_t)(b ? (b[0] << 8) | b[1] : 0);
}

static inline uint32_t cursor_be24(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 3);
    return b ? ((uint32_t)b[0] << 16) | ((uint32_t)b[1] << 8) | b[2] : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 4);
    return b ? ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3] : 0;
}

static inline uint64_t cursor_be64(struct cursor *c)
{
    uint64_t high = cursor_be32(c);
    return (high << 32) | cursor_be32(c);
}

/* Little-endian, for what Weir itself packs (profiles, tables). */
static inline uint16_t cursor_le16(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 2);
    return (uint16_t)(b ? b[0] | (b[1] << 8) : 0);
}

static inline uint32_t cursor_le32(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 4);
    return b ? b[0] | ((uint32_t)b[1] << 8) | ((uint32_t)b[2] << 16) | ((uint32_t)b[3] << 24) : 0;
}

static inline uint64_t cursor_le64(struct cursor *c)
{
    uint64_t low = cursor_le32(c);
    return low | ((uint64_t)cursor_le32(c) << 32);
}

/* A sub-cursor over the next `size` bytes; empty and failed when they are not there (the outer
 * cursor fails with it). */
static inline struct cursor cursor_sub(struct cursor *c, size_t size)
{
    const uint8_t *bytes = cursor_take(c, size);
    struct cursor sub = cursor_make(bytes, bytes ? size : 0);
    sub.failed = bytes == NULL;
    return sub;
}

#endif
