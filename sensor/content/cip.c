/* EtherNet/IP and CIP of ODVA (The CIP Networks Library, volumes 1 and 2), over TCP and UDP.
 *
 *   command (2)  length (2)  session (4)  status (4)  context (8)  options = 0 (4) little-endian
 *   SendRRData, SendUnitData: interface = 0 (4)  time-out (2)  items: number (2), each type (2),
 *   length (2), data; in an item of data a CIP message: service, path, data
 *
 * A service below 0x80 asks. Unconnected Send carries another message, and a Multiple Service
 * Packet up to SERVICES_MAX: these are looked into, one deep; what is asked for beyond that, or
 * behind LOOKED_AT, has one code of ours (FUNCTION_CIP_UNSEEN). Read and written are attributes,
 * members, tags and what starts, stops, creates and deletes. Cyclic I/O (UDP port 2222) has no
 * requests: it is recognised, and counts as neither. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define HEAD_SIZE    24u
#define LENGTH_MAX   (65535u - HEAD_SIZE)
#define PORT         44818
#define IO_PORT      2222
#define ITEMS_MAX    8u
#define SERVICES_MAX 64u
#define LOOKED_AT    1024u /* of a message: a request with all that it carries */

enum { NOP = 0, LIST_SERVICES = 4, LIST_IDENTITY = 0x63, LIST_INTERFACES = 0x64 };
enum { REGISTER_SESSION = 0x65, UNREGISTER_SESSION, SEND_RR = 0x6f, SEND_UNIT = 0x70 };
enum { ITEM_CONNECTED = 0xb1, ITEM_UNCONNECTED = 0xb2, ITEM_SEQUENCED = 0x8002 };
enum { MULTIPLE = 0x0a, UNCONNECTED_SEND = 0x52 };
enum { CLASS = 0x20, INSTANCE = 0x24, MANAGER_CLASS = 6, MANAGER_INSTANCE = 1 }; /* of a path */
enum { MANAGER_FIRST = 0x4b, MANAGER_CODE = 0x600 }; /* of its own services; function.h */

/* --- CIP ---------------------------------------------------------------------------------------
 */

static void count(struct control_message *message, uint16_t code)
{
    static const uint16_t reads[] = {0x01, 0x03, 0x0e, 0x11, 0x18, 0x4c, 0x52, 0x55, 0};
    message->reads += control_lists(reads, code);
    message->writes += function_writes(SERVICE_CIP, code);
    function_set_add(&message->functions, code);
}

static void count_unseen(struct control_message *message)
{
    function_set_add(&message->functions, FUNCTION_CIP_UNSEEN);
}

/* A segment's value in one byte, or, one type further, in two behind a pad. */
static bool leads_to(struct cursor *path, uint8_t type, uint16_t value)
{
    uint8_t has = cursor_u8(path);
    if (has == type)
        return cursor_u8(path) == value;
    cursor_skip(path, 1);
    return has == type + 1 && cursor_le16(path) == value;
}

static bool is_manager(struct cursor path)
{
    return leads_to(&path, CLASS, MANAGER_CLASS) && leads_to(&path, INSTANCE, MANAGER_INSTANCE) &&
           !path.failed;
}

/* The connection manager's own services have numbers that others have too: 0x4e closes there. */
static uint16_t code_of(uint8_t service, bool manager)
{
    return manager && service >= MANAGER_FIRST ? MANAGER_CODE | service : service;
}

/* One of a batch: a message that is a wrapper itself stays closed. */
static void count_part(struct cursor c, struct control_message *message)
{
    uint8_t service = cursor_u8(&c);
    size_t path_size = (size_t)2 * cursor_u8(&c);
    bool manager = is_manager(cursor_sub(&c, path_size));
    count(message, code_of(service, manager));
    if (c.failed || service == MULTIPLE || (manager && service == UNCONNECTED_SEND))
        count_unseen(message);
}

/* Number, as many offsets from the number on; at each a message. */
static void count_multiple(struct cursor c, struct control_message *message)
{
    struct cursor body = c;
    uint16_t number = cursor_le16(&c);
    bool all = number <= SERVICES_MAX;
    for (uint16_t i = 0; i < number && i < SERVICES_MAX && !c.failed; i++) {
        struct cursor part = body;
        cursor_skip(&part, cursor_le16(&c));
        all = all && !c.failed && cursor_left(&part) > 0;
        if (!c.failed && cursor_left(&part) > 0)
            count_part(part, message);
    }
    if (!all || c.failed)
        count_unseen(message);
}

/* `cut`: it goes on behind what is looked at. */
static void count_request(struct cursor c, bool cut, struct control_message *message)
{
    for (int deep = 0; deep < 2; deep++) {
        uint8_t service = cursor_u8(&c);
        size_t path_size = (size_t)2 * cursor_u8(&c);
        struct cursor path = cursor_sub(&c, path_size);
        if (c.failed && cut && !(service & 0x80))
            count_unseen(message);
        if (c.failed || service & 0x80)
            return;
        bool manager = is_manager(path);
        if (!manager || service != UNCONNECTED_SEND) {
            count(message, code_of(service, manager));
            if (service == MULTIPLE)
                count_multiple(c, message);
            return;
        }
        function_set_add(&message->functions, code_of(service, manager));
        cursor_skip(&c, 2); /* time-out */
        size_t size = cursor_le16(&c);
        cut = cut && (c.failed || size > cursor_left(&c));
        c = cursor_make(c.at, size < cursor_left(&c) ? size : cursor_left(&c));
    }
    count_unseen(message); /* wrapped twice */
}

/* --- items -------------------------------------------------------------------------------------
 */

/* False: they are not as long as they say; those that are not there yet are not looked at. */
static bool read_items(struct cursor *c, size_t size, bool asks, struct control_message *message)
{
    uint16_t number = cursor_le16(c);
    size_t used = 2;
    if (c->failed || number == 0 || number > ITEMS_MAX)
        return false;
    for (uint16_t i = 0; i < number; i++) {
        uint16_t type = cursor_le16(c), length = cursor_le16(c);
        used += 4u + length;
        if (c->failed && asks && size > LOOKED_AT - 6)
            count_unseen(message);
        if (c->failed)
            return size > LOOKED_AT - 6;
        if (used > size)
            return false;
        size_t there = length < cursor_left(c) ? length : cursor_left(c);
        struct cursor item = cursor_sub(c, there);
        if (type == ITEM_CONNECTED)
            cursor_skip(&item, 2); /* its number */
        if (type == ITEM_CONNECTED || type == ITEM_UNCONNECTED)
            count_request(item, there < length, message);
    }
    return used == size;
}

/* --- encapsulation -----------------------------------------------------------------------------
 */

static enum parse_result parse_data(struct cursor *c, size_t length, bool asks,
                                    struct control_message *message)
{
    size_t wanted = length < LOOKED_AT ? length : LOOKED_AT;
    uint32_t interface = cursor_le32(c);
    cursor_skip(c, 2);
    if (length < 8 || (!c->failed && interface != 0))
        return PARSE_NOT;
    if (c->failed || cursor_left(c) + 6 < wanted)
        return PARSE_MORE;
    struct cursor items = cursor_make(c->at, wanted - 6);
    message->weight = CONTROL_CERTAIN;
    return read_items(&items, length - 6, asks, message) ? PARSE_OK : PARSE_NOT;
}

static uint8_t weight_of(uint16_t command, size_t length)
{
    if (command == REGISTER_SESSION)
        return length == 4 ? CONTROL_CERTAIN : 0;
    return command == NOP ? 0 : 1;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    static const uint16_t commands[] = {
        LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES,    REGISTER_SESSION,
        SEND_RR,       SEND_UNIT,     UNREGISTER_SESSION, 0};
    struct cursor c = cursor_make(view->data, view->size);
    uint16_t command = cursor_le16(&c), length = cursor_le16(&c);
    bool begun = !c.failed;
    cursor_skip(&c, 4);
    uint32_t status = cursor_le32(&c);
    cursor_skip(&c, 8);
    uint32_t options = cursor_le32(&c);
    if (begun && command != NOP && !control_lists(commands, command))
        return PARSE_NOT;
    if (begun && (length > LENGTH_MAX || (command == REGISTER_SESSION && length != 4)))
        return PARSE_NOT;
    if (c.failed)
        return PARSE_MORE;
    if (options != 0 || (view->strict && status > 0x69))
        return PARSE_NOT;
    message->size = HEAD_SIZE + length;
    message->weight = weight_of(command, length);
    message->tag = command == NOP ? 0 : command;
    if ((command == SEND_RR || command == SEND_UNIT) && status == 0)
        return parse_data(&c, length, view->asks, message);
    return PARSE_OK;
}

static const struct control cip = {.parse = parse, .port = PORT, .tag_answers = true};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&cip, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&cip, side, data, size);
}

/* Cyclic data: an address with its number, and data. */
static bool is_io(struct content_flow *cf, const struct packet *packet)
{
    struct cursor c = cursor_make(packet->payload, packet->payload_captured);
    if (!content_has_port(cf, IO_PORT) || cursor_le16(&c) < 2 ||
        cursor_le16(&c) != ITEM_SEQUENCED || cursor_le16(&c) != 8)
        return false;
    cursor_skip(&c, 8);
    uint16_t type = cursor_le16(&c), length = cursor_le16(&c);
    return !c.failed && type == ITEM_CONNECTED && length <= packet->payload_bytes - 18;
}

static bool datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (!is_io(cf, packet))
        return control_datagram(&cip, cf, side, packet);
    datagram_inspect(cf, side, STAGE_CLEAR, packet);
    return true;
}

const struct protocol cip_protocol = {.service = SERVICE_CIP,
                                      .joins = true,
                                      .begins = begins,
                                      .open = control_open,
                                      .close = control_close,
                                      .step = step,
                                      .cut = control_cut,
                                      .datagram = datagram};
