/* OPC UA, binary over TCP: OPC 10000-6 (7.1 connection protocol, 6.7 secure conversation).
 *
 *   HEL ACK ERR RHE, OPN MSG CLO   F, C or A   size (4)      little-endian
 *   OPN: channel (4)  the security policy's URI      MSG: channel, token, number, request (4 each),
 *   then in a message's first chunk the type of what is asked or answered
 *
 * Three letters, a chunk's kind and a size are certain alone. The side's own OPN says by which
 * policy it speaks: of any but None bodies are taken as encrypted, and nothing is counted. Read:
 * Read, HistoryRead, Browse, Translate, Query. Written: Write, HistoryUpdate, Call, and changes of
 * nodes. What subscriptions bring is neither. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define HEAD_SIZE        8u
#define SIZE_MAX_OK      (UINT32_C(1) << 24) /* of a chunk; servers agree on some 64 KiB */
#define LETTERS(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
#define POLICY_MAX       255u

enum { INSIDE = 1, SEALED = 2 }; /* memory: a message goes on; the policy is not None */

static const char policies[] = "http://opcfoundation.org/UA/SecurityPolicy#";
static const char none[] = "None";

static bool is_type(uint32_t letters)
{
    static const uint32_t types[] = {LETTERS('H', 'E', 'L'), LETTERS('A', 'C', 'K'),
                                     LETTERS('E', 'R', 'R'), LETTERS('R', 'H', 'E'),
                                     LETTERS('O', 'P', 'N'), LETTERS('M', 'S', 'G'),
                                     LETTERS('C', 'L', 'O')};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == letters)
            return true;
    return false;
}

/* A numeric node id of the standard's own namespace; 0: another. */
static uint32_t node_id(struct cursor *c)
{
    uint8_t encoding = cursor_u8(c);
    if (encoding == 0)
        return cursor_u8(c);
    if (encoding == 1)
        return cursor_u8(c) == 0 ? cursor_le16(c) : 0;
    if (encoding == 2)
        return cursor_le16(c) == 0 ? cursor_le32(c) : 0;
    return 0;
}

/* Types of answers. Whatever else is in a message asks, whoever sends it. */
static bool is_answer(uint16_t type)
{
    static const uint16_t answers[] = {397, 425, 431, 440, 449, 455,   464,   470, 476, 482, 491,
                                       497, 503, 509, 530, 536, 557,   563,   569, 618, 624, 634,
                                       667, 676, 703, 715, 754, 766,   772,   778, 784, 790, 796,
                                       802, 829, 835, 844, 850, 12209, 12212, 0};
    return control_lists(answers, type);
}

static enum parse_result parse_body(struct cursor *c, size_t body, struct control_message *message)
{
    enum { NODE_ID_MAX = 7 };
    static const uint16_t reads[] = {527, 533, 554, 615, 621, 631, 664, 0};
    if (body < 16)
        return PARSE_NOT;
    cursor_skip(c, 16);
    size_t wanted = body - 16 < NODE_ID_MAX ? body - 16 : NODE_ID_MAX;
    if (c->failed || cursor_left(c) < wanted)
        return PARSE_MORE;
    uint32_t type = node_id(c);
    if (c->failed || type > UINT16_MAX)
        return PARSE_OK;
    if (type > 0 && !is_answer((uint16_t)type))
        function_set_add(&message->functions, (uint16_t)type);
    message->reads = control_lists(reads, (uint16_t)type);
    message->writes = function_writes(SERVICE_OPCUA, (uint16_t)type);
    return PARSE_OK;
}

static enum parse_result parse_open(struct cursor *c, size_t body, struct control_message *message)
{
    cursor_skip(c, 4);
    uint32_t length = cursor_le32(c);
    if (body < 8 || (!c->failed && (length > POLICY_MAX || length > body - 8)))
        return PARSE_NOT;
    const uint8_t *uri = cursor_take(c, length);
    if (!uri)
        return PARSE_MORE;
    size_t prefix = sizeof policies - 1;
    if (length < prefix || memcmp(uri, policies, prefix) != 0)
        return PARSE_NOT;
    bool open = length - prefix == sizeof none - 1 && memcmp(uri + prefix, none, 4) == 0;
    message->memory = open ? 0 : SEALED;
    return PARSE_OK;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint32_t letters = cursor_be24(&c);
    uint8_t chunk = cursor_u8(&c);
    bool begun = !c.failed;
    uint32_t size = cursor_le32(&c);
    if (view->size > 0 && !memchr("HAEROMC", view->data[0], 7))
        return PARSE_NOT;
    if (begun && (!is_type(letters) || !memchr("FCA", chunk, 3)))
        return PARSE_NOT;
    if (c.failed)
        return PARSE_MORE;
    if (size < HEAD_SIZE || size > SIZE_MAX_OK)
        return PARSE_NOT;
    message->size = size;
    message->weight = CONTROL_CERTAIN;
    message->memory = view->memory;
    if (letters == LETTERS('O', 'P', 'N'))
        return parse_open(&c, size - HEAD_SIZE, message);
    if (letters != LETTERS('M', 'S', 'G'))
        return PARSE_OK;
    message->memory = (uint8_t)((view->memory & SEALED) | (chunk == 'C' ? INSIDE : 0));
    return view->memory ? PARSE_OK : parse_body(&c, size - HEAD_SIZE, message);
}

static const struct control opcua = {.parse = parse, .port = 4840};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&opcua, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&opcua, side, data, size);
}

const struct protocol opcua_protocol = {.service = SERVICE_OPCUA,
                                        .joins = true,
                                        .begins = begins,
                                        .open = control_open,
                                        .close = control_close,
                                        .step = step,
                                        .cut = control_cut};
