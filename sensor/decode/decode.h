/* What the layers of a frame hand to each other; private to the decode room. */
#ifndef WEIR_SENSOR_DECODE_DECODE_H
#define WEIR_SENSOR_DECODE_DECODE_H

#include "weir/base/cursor.h"
#include "weir/decode/packet.h"

struct decoder {
    struct decoder_config config;
};

/* The rest of a frame, inwards from the next header. Two lengths, because they fail differently: a
 * header that runs past `left` cannot be (malformed), one that runs past the cursor was cut off by
 * the snap length (truncated). Invariant: cursor_left(&cursor) <= left. */
struct frame {
    struct cursor cursor; /* captured bytes from the next header on */
    uint32_t left;        /* bytes the layer has on the wire from the next header on */
};

/* Steps over `size` bytes and shows them in *bytes; leaves the frame alone when it fails. */
static inline enum decode_result frame_step(struct frame *frame, uint32_t size,
                                            const uint8_t **bytes)
{
    if (size > frame->left)
        return DECODE_MALFORMED;
    if (size > cursor_left(&frame->cursor))
        return DECODE_TRUNCATED;
    *bytes = cursor_take(&frame->cursor, size);
    frame->left -= size;
    return DECODE_OK;
}

/* What follows `size` more bytes is not this layer's: padding, trailers. size <= frame->left. */
static inline void frame_trim(struct frame *frame, uint32_t size)
{
    frame->left = size;
    if (cursor_left(&frame->cursor) > size)
        frame->cursor.end = frame->cursor.at + size;
}

static inline uint16_t read_be16(const uint8_t *b)
{
    return (uint16_t)((b[0] << 8) | b[1]);
}

static inline uint32_t read_be32(const uint8_t *b)
{
    return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3];
}

/* link.c: up to the IP header; fills vlan, and ip_version as the link layer names it. */
enum decode_result link_read(struct frame *frame, int link, struct packet *packet);
/* ip.c: up to the transport header; fills addresses, lengths, proto, fragment. */
enum decode_result ip_read(struct frame *frame, struct packet *packet);
/* transport.c: fills ports and TCP's fields, and steps over the transport header. */
enum decode_result transport_read(struct frame *frame, struct packet *packet);

#endif
