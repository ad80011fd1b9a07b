/* Frames as they come; payloads go to the side's inspector, unmasked on the stack, with a line's
 * end after each message so that two of them do not run together. Pings and other control frames
 * are read like any other. Thread: the capture thread. */
#include "websocket.h"

#include "weir/base/cursor.h"

#include <string.h>

#define PIECE_BYTES 4096u
#define FIN         0x80u
#define RESERVED    0x30u /* 0x40 is an extension's "compressed" (RFC 7692) */
#define MASKED      0x80u

static bool is_opcode(uint8_t opcode)
{
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/* A frame's head; 0: more of it is wanted. */
static size_t take_head(struct websocket *websocket, const uint8_t *data, size_t size, bool *lost)
{
    struct cursor c = cursor_make(data, size);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c);
    uint64_t length = second & 0x7f;
    if (!c.failed && ((first & RESERVED) || !is_opcode(first & 0x0f))) {
        *lost = true;
        return 0;
    }
    if (length == 126)
        length = cursor_be16(&c);
    else if (length == 127)
        length = cursor_be64(&c);
    websocket->masked = second & MASKED;
    for (size_t i = 0; websocket->masked && i < sizeof websocket->mask; i++)
        websocket->mask[i] = cursor_u8(&c);
    if (c.failed)
        return 0;
    *lost = length >> 63; /* RFC 6455 5.2: never set */
    websocket->mask_at = 0;
    websocket->left_bytes = length;
    websocket->last = first & FIN;
    return size - cursor_left(&c);
}

static void inspect_masked(struct websocket *websocket, struct side *side, const uint8_t *data,
                           size_t size)
{
    uint8_t plain[PIECE_BYTES];
    for (size_t at = 0; at < size;) {
        size_t n = size - at < sizeof plain ? size - at : sizeof plain;
        for (size_t i = 0; i < n; i++)
            plain[i] = data[at + i] ^ websocket->mask[(websocket->mask_at + i) & 3];
        side_inspect(side, plain, n);
        websocket->mask_at = (uint8_t)((websocket->mask_at + n) & 3);
        at += n;
    }
}

static void end_frame(const struct websocket *websocket, struct side *side)
{
    if (websocket->left_bytes == 0 && websocket->last)
        side_inspect(side, (const uint8_t *)"\n", 1);
}

size_t websocket_step(struct websocket *websocket, struct side *side, const uint8_t *data,
                      size_t size, bool *lost)
{
    if (websocket->left_bytes == 0) {
        size_t used = take_head(websocket, data, size, lost);
        if (!*lost && used)
            end_frame(websocket, side); /* an empty one */
        return used;
    }
    size_t n = websocket->left_bytes < size ? (size_t)websocket->left_bytes : size;
    if (websocket->masked)
        inspect_masked(websocket, side, data, n);
    else
        side_inspect(side, data, n);
    websocket->left_bytes -= n;
    end_frame(websocket, side);
    return n;
}

bool websocket_gap(struct websocket *websocket, struct side *side, uint64_t bytes)
{
    side_inspect_gap(side, bytes);
    if (bytes > websocket->left_bytes)
        return false;
    websocket->left_bytes -= bytes;
    websocket->mask_at = (uint8_t)((websocket->mask_at + bytes) & 3);
    return true;
}
