/* ASTERIX of EUROCONTROL (SPEC-149, part 1): surveillance data, over UDP, multicast too, and TCP.
 *
 *   category  length (2)  records: which items there are (FSPEC: seven bits and "more" a byte),
 * items
 *
 * It has no port of its own. Blocks have to fill the datagram, or follow each other in the stream,
 * each of a category whose first item is its data source (system area and identification code), the
 * item there, and with room for the items that the first record announces; and a second datagram or
 * block has to name the same source. Records are not walked further: that takes each category's own
 * list of items. Nothing is read or written: it is a report. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define HEAD_SIZE  3u
#define FSPEC_MAX  7u
#define BLOCK_MIN  6u /* one byte of FSPEC, the source */
#define HAS_SOURCE 0x80u
#define MORE       1u

/* Whose first item (FRN 1) is 010, the data source. Not 4 (safety nets): a SOCKS 4 request begins
 * as such a block does, and what comes behind that must not wait for its end. */
static bool is_category(uint8_t category)
{
    static const uint16_t categories[] = {1,  2,  8,  9,  10, 11, 15, 16, 17, 18,  19,  20,  21,
                                          23, 24, 25, 30, 34, 48, 62, 63, 65, 205, 240, 247, 0};
    return control_lists(categories, category);
}

static unsigned count_bits(uint8_t byte)
{
    unsigned bits = 0;
    for (; byte; byte >>= 1)
        bits += byte & 1;
    return bits;
}

/* The items of a record by its FSPEC; 0: that cannot be. */
static unsigned read_fspec(struct cursor *c)
{
    unsigned items = 0;
    for (unsigned i = 0; i < FSPEC_MAX; i++) {
        uint8_t byte = cursor_u8(c);
        if (c->failed || (i == 0 && !(byte & HAS_SOURCE)))
            return 0;
        items += count_bits(byte >> 1);
        if (!(byte & MORE))
            return byte ? items : 0; /* a last byte without items is not sent */
    }
    return 0;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t category = cursor_u8(&c);
    uint16_t length = cursor_be16(&c);
    if (view->size > 0 && !is_category(category))
        return PARSE_NOT;
    if (c.failed)
        return PARSE_MORE;
    if (length < BLOCK_MIN)
        return PARSE_NOT;
    size_t record = length - HEAD_SIZE;
    size_t wanted = record < FSPEC_MAX + 2 ? record : FSPEC_MAX + 2;
    if (cursor_left(&c) < wanted)
        return PARSE_MORE;
    struct cursor head = cursor_make(c.at, wanted);
    unsigned items = read_fspec(&head);
    size_t fspec = wanted - cursor_left(&head);
    uint16_t source = cursor_be16(&head);
    if (items == 0 || head.failed || source == 0 || fspec + items + 1 > record)
        return PARSE_NOT;
    message->size = length;
    message->weight = 1;
    message->tag = source;
    return PARSE_OK;
}

static const struct control asterix = {.parse = parse, .one_source = true};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&asterix, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&asterix, side, data, size);
}

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    return control_datagram(&asterix, cf, side, packet);
}

const struct protocol asterix_protocol = {.service = SERVICE_ASTERIX,
                                          .joins = true,
                                          .begins = begins,
                                          .open = control_open,
                                          .close = control_close,
                                          .step = step,
                                          .cut = control_cut,
                                          .datagram = datagram};
