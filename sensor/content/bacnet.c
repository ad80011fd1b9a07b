/* BACnet/IP, ANSI/ASHRAE 135 annex J and clauses 6 and 20: one message a datagram.
 *
 *   BVLC: 0x81  function  length (2)   NPDU: 1  control  addresses   APDU: type, …, service
 *
 * A length that is the datagram's, a version and a PDU that can be are certain alone on any port.
 * Counted are requests, a segmented one by its first segment. Read: properties, files, alarms and
 * events. Written: properties, files, lists, objects, clocks, and what controls the device. COV
 * subscriptions and Who-Is are neither. Of BVLC's own messages (registration, tables) none is.
 * Pure.
 */
#include "control.h"
#include "weir/base/cursor.h"

#define BVLC_TYPE        0x81u
#define BVLC_HEAD_SIZE   4u
#define BVLC_LAST        0x0bu
#define FORWARDED        0x04u
#define DISTRIBUTE       0x09u
#define UNICAST          0x0au
#define BROADCAST        0x0bu
#define HAS_DESTINATION  0x20u
#define HAS_SOURCE       0x08u
#define NETWORK_MESSAGE  0x80u
#define RESERVED         0x50u
#define PDU_CONFIRMED    0u
#define PDU_UNCONFIRMED  1u
#define PDU_LAST         7u
#define SEGMENTED        0x08u
#define UNCONFIRMED_CODE 256u /* function.h */

static void count_confirmed(struct control_message *message, struct cursor *c, uint8_t head)
{
    static const bool reads[] = {[3] = true,  [4] = true,  [6] = true,  [12] = true,
                                 [13] = true, [14] = true, [26] = true, [29] = true};
    cursor_skip(c, 2); /* sizes, invoke id */
    uint8_t sequence = head & SEGMENTED ? cursor_u8(c) : 0;
    if (head & SEGMENTED)
        cursor_skip(c, 1);
    uint8_t service = cursor_u8(c);
    if (c->failed || sequence > 0)
        return;
    function_set_add(&message->functions, service);
    message->reads = service < sizeof reads && reads[service];
    message->writes = function_writes(SERVICE_BACNET, service);
}

static void count_unconfirmed(struct control_message *message, struct cursor *c)
{
    uint16_t code = (uint16_t)(UNCONFIRMED_CODE + cursor_u8(c));
    if (c->failed)
        return;
    function_set_add(&message->functions, code);
    message->writes = function_writes(SERVICE_BACNET, code);
}

/* A network and an address of as many bytes as it says. */
static void skip_address(struct cursor *c)
{
    cursor_skip(c, 2);
    cursor_skip(c, cursor_u8(c));
}

static enum parse_result parse_npdu(struct cursor *c, struct control_message *message)
{
    uint8_t version = cursor_u8(c), control = cursor_u8(c);
    if (version != 1 || control & RESERVED)
        return PARSE_NOT;
    if (control & HAS_DESTINATION)
        skip_address(c);
    if (control & HAS_SOURCE)
        skip_address(c);
    if (control & HAS_DESTINATION)
        cursor_skip(c, 1); /* hop count */
    uint8_t head = cursor_u8(c);
    if (c->failed)
        return PARSE_NOT;
    message->weight = CONTROL_CERTAIN;
    if (control & NETWORK_MESSAGE)
        return PARSE_OK;
    if (head >> 4 > PDU_LAST)
        return PARSE_NOT;
    if (head >> 4 == PDU_CONFIRMED)
        count_confirmed(message, c, head);
    else if (head >> 4 == PDU_UNCONFIRMED)
        count_unconfirmed(message, c);
    return PARSE_OK;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t type = cursor_u8(&c), function = cursor_u8(&c);
    size_t length = cursor_be16(&c);
    if (c.failed || type != BVLC_TYPE || function > BVLC_LAST || length < BVLC_HEAD_SIZE)
        return PARSE_NOT;
    message->size = length;
    message->weight = 1;
    if (function == FORWARDED)
        cursor_skip(&c, 6); /* whom it is forwarded for */
    bool carries = function == FORWARDED || function == DISTRIBUTE || function == UNICAST ||
                   function == BROADCAST;
    return carries ? parse_npdu(&c, message) : PARSE_OK;
}

static const struct control bacnet = {.parse = parse, .port = 47808};

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    return control_datagram(&bacnet, cf, side, packet);
}

const struct protocol bacnet_protocol = {.service = SERVICE_BACNET, .datagram = datagram};
