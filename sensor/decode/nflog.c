/* Packets that Linux's netfilter logged: a head and attributes, one of which is the IP packet.
 *
 * Attributes are in the byte order of the host that captured, which their types show: they are
 * small numbers. Where an attribute is cut or its length cannot be, the frame ends. Source:
 * tcpdump.org/linktypes/LINKTYPE_NFLOG. Pure; no state, any thread. */
#include "decode.h"

#define ATTRIBUTES_MAX    32 /* of a packet; the kernel knows about 20 kinds */
#define ATTRIBUTE_HEADER  4
#define ATTRIBUTE_PAYLOAD 9

struct attribute {
    uint32_t size, type; /* `size` with this header */
};

static struct attribute attribute_of(const uint8_t *head)
{
    if (head[3] == 0) /* the type's second byte is its high one: little-endian */
        return (struct attribute){head[0] | (uint32_t)head[1] << 8, head[2]};
    return (struct attribute){read_be16(head), read_be16(head + 2)};
}

/* Steps over one attribute; of the payload only over its header, and *found is set. */
static enum decode_result attribute_step(struct frame *frame, bool *found)
{
    const uint8_t *head, *value;
    enum decode_result result = frame_step(frame, ATTRIBUTE_HEADER, &head);
    if (result != DECODE_OK)
        return result;
    struct attribute a = attribute_of(head);
    if (a.size < ATTRIBUTE_HEADER || a.size - ATTRIBUTE_HEADER > frame->left)
        return DECODE_MALFORMED;
    *found = a.type == ATTRIBUTE_PAYLOAD;
    if (*found) {
        frame_trim(frame, a.size - ATTRIBUTE_HEADER);
        return DECODE_OK;
    }
    uint32_t padded = ((a.size + 3) & ~3u) - ATTRIBUTE_HEADER; /* the last may be not */
    return frame_step(frame, padded < frame->left ? padded : frame->left, &value);
}

enum decode_result nflog_read(struct walk *walk)
{
    const uint8_t *head;
    bool found = false;
    enum decode_result result = frame_step(&walk->frame, 4, &head);
    for (int i = 0; result == DECODE_OK && !found; i++)
        result = i == ATTRIBUTES_MAX || walk->frame.left == 0
                     ? DECODE_NOT_IP /* logged without its packet */
                     : attribute_step(&walk->frame, &found);
    return result == DECODE_OK ? next_by_version(walk) : result;
}
