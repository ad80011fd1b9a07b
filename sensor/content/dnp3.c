/* DNP3, IEEE 1815: link frames over TCP and UDP.
 *
 *   0x05 0x64  length  control  destination (2)  source (2)  CRC (2)   blocks of 16 bytes and a CRC
 *
 * A header whose CRC holds is certain alone. The first frame of an application message (FIR) has
 * its function; numbers below 0x80 ask. Read: READ and GET_FILE_INFO. Written: WRITE, OPERATE and
 * the direct ones, freezes, restarts, applications, configuration, unsolicited answers, files
 * deleted; SELECT changes nothing before its OPERATE. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define START         0x0564u
#define HEAD_SIZE     10u
#define LENGTH_MIN    5u /* control and the addresses */
#define BLOCK_SIZE    16u
#define CRC_SIZE      2u
#define PRIMARY       0x40u
#define TRANSPORT_FIR 0x40u

enum { CONFIRM = 0, ANSWERS = 0x80 }; /* functions that ask for nothing */

static uint16_t crc_of(const uint8_t *data, size_t size)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa6bc : crc >> 1);
    }
    return (uint16_t)~crc;
}

static void count(struct control_message *message, uint8_t function)
{
    static const uint16_t reads[] = {1, 28, 0};
    if (function == CONFIRM || function >= ANSWERS)
        return;
    function_set_add(&message->functions, function);
    message->reads = control_lists(reads, function);
    message->writes = function_writes(SERVICE_DNP3, function);
}

/* Transport octet, application control, function: in the first block. */
static enum parse_result parse_user(struct cursor *c, size_t user, struct control_message *message)
{
    if (user < 3)
        return PARSE_OK;
    uint8_t transport = cursor_u8(c);
    cursor_skip(c, 1);
    uint8_t function = cursor_u8(c);
    if (c->failed)
        return PARSE_MORE;
    if (transport & TRANSPORT_FIR)
        count(message, function);
    return PARSE_OK;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t first = cursor_u8(&c), second = cursor_u8(&c), length = cursor_u8(&c);
    uint8_t control = cursor_u8(&c);
    if ((view->size > 0 && first != START >> 8) || (view->size > 1 && second != (START & 0xff)) ||
        (view->size > 2 && length < LENGTH_MIN))
        return PARSE_NOT;
    cursor_skip(&c, 4);
    uint16_t crc = cursor_le16(&c);
    if (c.failed)
        return PARSE_MORE;
    if (crc != crc_of(view->data, HEAD_SIZE - CRC_SIZE))
        return PARSE_NOT;
    size_t user = length - LENGTH_MIN;
    message->size = HEAD_SIZE + user + (user + BLOCK_SIZE - 1) / BLOCK_SIZE * CRC_SIZE;
    message->weight = CONTROL_CERTAIN;
    bool carries = control & PRIMARY && ((control & 15) == 3 || (control & 15) == 4);
    return carries ? parse_user(&c, user, message) : PARSE_OK;
}

static const struct control dnp3 = {.parse = parse, .port = 20000};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&dnp3, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&dnp3, side, data, size);
}

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    return control_datagram(&dnp3, cf, side, packet);
}

const struct protocol dnp3_protocol = {.service = SERVICE_DNP3,
                                       .joins = true,
                                       .begins = begins,
                                       .open = control_open,
                                       .close = control_close,
                                       .step = step,
                                       .cut = control_cut,
                                       .datagram = datagram};
