/* PROFINET's context manager over UDP: IEC 61158-6-10 in connectionless DCE/RPC (C706 chapter 12).
 *
 *   version = 4  type  flags (2)  representation (3)  serial  object (16)  interface (16)
 *   activity (16)  boot (4)  version (4)  number (4)  operation (2)  hints (4)  length (2)
 *   fragment (2)  authentication  serial     80 bytes
 *
 * The interface's UUID is PROFINET's own, so a header is certain alone on any port; requests of
 * operation 2 and 5 read records, 3 writes one. The first fragment counts; one that is repeated for
 * want of an answer counts again. Cyclic data and alarms travel in Ethernet frames without IP,
 * which no flow is made of. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define HEAD_SIZE 80u
#define REQUEST   0u
#define TYPE_LAST 10u

enum { CONNECT, RELEASE, READ, WRITE, CONTROL, READ_IMPLICIT };

/* DEA0000x-6C97-11D1-8271-00A02442DF7D: x is 1 (device) to 4 (parameter server). */
static bool is_interface(const uint8_t *uuid, bool little)
{
    static const uint8_t big[] = {0xde, 0xa0, 0x00, 0x00, 0x6c, 0x97, 0x11, 0xd1};
    static const uint8_t small[] = {0x00, 0x00, 0xa0, 0xde, 0x97, 0x6c, 0xd1, 0x11};
    static const uint8_t rest[] = {0x82, 0x71, 0x00, 0xa0, 0x24, 0x42, 0xdf, 0x7d};
    size_t place = little ? 0 : 3;
    uint8_t head[8];
    memcpy(head, uuid, sizeof head);
    uint8_t which = head[place];
    head[place] = 0;
    return which >= 1 && which <= 4 && memcmp(head, little ? small : big, sizeof head) == 0 &&
           memcmp(uuid + 8, rest, sizeof rest) == 0;
}

static uint16_t number16(struct cursor *c, bool little)
{
    return little ? cursor_le16(c) : cursor_be16(c);
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t version = cursor_u8(&c), type = cursor_u8(&c);
    cursor_skip(&c, 2);
    bool little = cursor_u8(&c) >> 4 == 1;
    cursor_skip(&c, 19); /* representation, serial number, object */
    const uint8_t *interface = cursor_take(&c, 16);
    cursor_skip(&c, 28);
    uint16_t operation = number16(&c, little);
    cursor_skip(&c, 4);
    uint16_t length = number16(&c, little), fragment = number16(&c, little);
    cursor_skip(&c, 2);
    if (c.failed || version != 4 || type > TYPE_LAST || !is_interface(interface, little))
        return PARSE_NOT;
    message->size = HEAD_SIZE + length;
    message->weight = CONTROL_CERTAIN;
    if (type != REQUEST || fragment != 0)
        return PARSE_OK;
    function_set_add(&message->functions, operation);
    message->reads = operation == READ || operation == READ_IMPLICIT;
    message->writes = operation == WRITE;
    return PARSE_OK;
}

static const struct control profinet = {.parse = parse, .port = 34964};

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    return control_datagram(&profinet, cf, side, packet);
}

const struct protocol profinet_protocol = {.service = SERVICE_PROFINET, .datagram = datagram};
