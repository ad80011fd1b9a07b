/* Small numbers in few bytes, for packed blobs: seven bits a byte, lowest first, the high bit says
 * that more follow (LEB128); signed ones are zigzagged. Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCAL_VARINT_H
#define WEIR_BASELINE_LOCAL_VARINT_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

static inline void put_unsigned(struct buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    if (value < 0x80 && out->size < out->room) { /* nearly all of them */
        out->data[out->size++] = (uint8_t)value;
        return;
    }
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    buffer_put(out, bytes, size);
}

/* Anything beyond 64 bits fails the cursor. */
static inline uint64_t take_unsigned(struct cursor *in)
{
    uint64_t value = 0;
    if (!in->failed && in->at < in->end && *in->at < 0x80) /* nearly all of them */
        return *in->at++;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(in);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    in->failed = true;
    in->at = in->end;
    return 0;
}

static inline void put_signed(struct buffer *out, int64_t value)
{
    put_unsigned(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static inline int64_t take_signed(struct cursor *in)
{
    uint64_t value = take_unsigned(in);
    return (int64_t)((value >> 1) ^ (value & 1 ? UINT64_MAX : 0));
}

/* Fails the cursor above `most`. */
static inline uint64_t take_at_most(struct cursor *in, uint64_t most)
{
    uint64_t value = take_unsigned(in);
    if (value <= most)
        return value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

/* A real number that is a float already (IEEE bits, little-endian). */
static inline void put_f32(struct buffer *out, double value)
{
    float rounded = (float)value;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    buffer_le32(out, bits);
}

/* A count or a logarithm: finite and not negative, or the cursor fails. */
static inline double take_checked(struct cursor *in, double value)
{
    if (value >= 0 && value <= 1e20)
        return value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

static inline double take_f32(struct cursor *in)
{
    uint32_t bits = cursor_le32(in);
    float value;
    memcpy(&value, &bits, sizeof value);
    return take_checked(in, (double)value);
}

static inline double take_f64(struct cursor *in)
{
    uint64_t bits = cursor_le64(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return take_checked(in, value);
}

/* Likewise, of either sign. */
static inline double take_either_f64(struct cursor *in)
{
    uint64_t bits = cursor_le64(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value < 0 ? -take_checked(in, -value) : take_checked(in, value);
}

#endif
