/* S7comm and S7comm-plus of Siemens controllers, in ISO transport on TCP: RFC 1006 (TPKT), RFC 905
 * (COTP); the two themselves are not published, and read as Wireshark's documentation describes
 * them.
 *
 *   TPKT: 3  0  length (2)   COTP: its length, type, …   of a DT: 0x32 (S7comm) or 0x72 (plus)
 *
 * A connection request and its confirmation are COTP's, which remote desktops and IEC 61850 have
 * too: they say nothing, the first DT does. One telegram may span several DTs; only its first has a
 * header (memory). Read: variables, blocks uploaded, lists and clocks asked for. Written:
 * variables, blocks downloaded, clocks, and commands to the program (start, stop, delete).
 * S7comm-plus inside TLS is not seen. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define TPKT_SIZE    4u
#define TPKT_VERSION 3u
#define DT_HEAD_SIZE 3u
#define COTP_DT      0xf0u
#define COTP_EOT     0x80u
#define S7_ID        0x32u
#define S7_PLUS_ID   0x72u
enum { INSIDE = 1 }; /* memory: a telegram goes on */
#define ROSCTR_JOB    1u
#define ROSCTR_DATA   3u
#define ROSCTR_USER   7u
#define USER_CODE     0x7000u /* function.h */
#define HEAD_SIZE     10u
#define PLUS_REQUEST  0x31u
#define PLUS_DIGESTED 3u /* version: a digest comes first */
#define PLUS_ALIVE    0xfeu

/* A segment is read by itself: what the sender put into the next one is not guessed. */
static void count_unseen(struct control_message *message)
{
    function_set_add(&message->functions, FUNCTION_S7_UNSEEN);
}

/* Not even its header is in the first segment. */
static enum parse_result begun_only(struct control_message *message)
{
    count_unseen(message);
    return PARSE_OK;
}

/* --- S7comm ------------------------------------------------------------------------------------
 */

static void count_job(struct control_message *message, struct cursor *c)
{
    static const uint16_t reads[] = {0x04, 0x1d, 0x1e, 0x1f, 0};
    uint8_t function = cursor_u8(c);
    if (c->failed) {
        count_unseen(message);
        return;
    }
    function_set_add(&message->functions, function);
    message->reads = control_lists(reads, function);
    message->writes = function_writes(SERVICE_S7, function);
}

/* Parameters: 0 1 0x12, their length, method, type and group, function. Type 4 asks. */
static void count_user(struct control_message *message, struct cursor *c)
{
    enum { CYCLIC = 2, BLOCKS, CPU, TIME = 7, CLOCK_READ = 1, CLOCK_READ_ON = 3 };
    cursor_skip(c, 5);
    uint8_t kind = cursor_u8(c), function = cursor_u8(c), group = kind & 15;
    if (c->failed)
        count_unseen(message);
    if (c->failed || kind >> 4 != 4)
        return;
    function_set_add(&message->functions, (uint16_t)(USER_CODE + group * 256u + function));
    bool clock_read = group == TIME && (function == CLOCK_READ || function == CLOCK_READ_ON);
    message->reads = group == CYCLIC || group == BLOCKS || group == CPU || clock_read;
    message->writes = group == TIME && !clock_read;
}

static enum parse_result parse_s7(struct cursor c, size_t telegram, bool whole,
                                  struct control_message *message)
{
    size_t there = cursor_left(&c);
    cursor_skip(&c, 1);
    uint8_t kind = cursor_u8(&c);
    cursor_skip(&c, 4);
    size_t parameters = cursor_be16(&c), data = cursor_be16(&c);
    size_t head = kind == 2 || kind == ROSCTR_DATA ? HEAD_SIZE + 2 : HEAD_SIZE;
    bool cut = there < telegram;
    if (c.failed && !cut && !whole)
        return begun_only(message);
    if (c.failed)
        return telegram < HEAD_SIZE ? PARSE_NOT : PARSE_MORE;
    bool known = (kind >= ROSCTR_JOB && kind <= ROSCTR_DATA) || kind == ROSCTR_USER;
    if (!known || (whole && head + parameters + data != telegram))
        return PARSE_NOT;
    message->weight = CONTROL_CERTAIN;
    if (cut && cursor_left(&c) < (parameters < 7 ? parameters : 7))
        return PARSE_MORE;
    if (kind == ROSCTR_JOB && parameters > 0)
        count_job(message, &c);
    else if (kind == ROSCTR_USER)
        count_user(message, &c);
    return PARSE_OK;
}

/* --- S7comm-plus -------------------------------------------------------------------------------
 */

static void count_plus(struct control_message *message, uint16_t function)
{
    static const uint16_t reads[] = {0x04bb, 0x04fc, 0x0524, 0x054c, 0x0586, 0x0590, 0};
    function_set_add(&message->functions, function);
    message->reads = control_lists(reads, function);
    message->writes = function_writes(SERVICE_S7, function);
}

/* Version, length, in version 3 a digest after its size, opcode, two bytes, function. */
static enum parse_result parse_plus(struct cursor c, size_t telegram, bool whole,
                                    struct control_message *message)
{
    size_t there = cursor_left(&c);
    cursor_skip(&c, 1);
    uint8_t version = cursor_u8(&c);
    size_t length = cursor_be16(&c);
    bool known = (version >= 1 && version <= PLUS_DIGESTED) || version == PLUS_ALIVE;
    if (c.failed && there == telegram && !whole)
        return begun_only(message);
    if (c.failed)
        return telegram < 4 ? PARSE_NOT : PARSE_MORE;
    if (known && version != PLUS_ALIVE && length + 4 > telegram && !whole)
        return begun_only(message);
    if (!known || (version != PLUS_ALIVE && length + 4 > telegram))
        return PARSE_NOT;
    message->weight = CONTROL_CERTAIN;
    if (version == PLUS_ALIVE || length < 5)
        return PARSE_OK;
    if (version == PLUS_DIGESTED)
        cursor_skip(&c, cursor_u8(&c));
    uint8_t opcode = cursor_u8(&c);
    cursor_skip(&c, 2);
    uint16_t function = cursor_be16(&c);
    if (c.failed)
        return there < telegram ? PARSE_MORE : PARSE_OK;
    if (opcode == PLUS_REQUEST)
        count_plus(message, function);
    return PARSE_OK;
}

/* --- TPKT and COTP -----------------------------------------------------------------------------
 */

static enum parse_result parse_dt(struct cursor c, size_t telegram, const struct control_view *view,
                                  struct control_message *message, bool last)
{
    bool begins = telegram > 0 || view->memory == INSIDE;
    message->memory = last || !begins ? 0 : INSIDE;
    if (telegram == 0 || view->memory == INSIDE)
        return PARSE_OK;
    if (cursor_left(&c) == 0)
        return PARSE_MORE;
    if (*c.at == S7_ID)
        return parse_s7(c, telegram, last, message);
    return *c.at == S7_PLUS_ID ? parse_plus(c, telegram, last, message) : PARSE_NOT;
}

static bool is_other(uint8_t type)
{
    static const uint16_t types[] = {0x10, 0x20, 0x70, 0x80, 0xc0, 0xd0, 0xe0, 0};
    return control_lists(types, (uint16_t)(type & 0xf0));
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t version = cursor_u8(&c), reserved = cursor_u8(&c);
    size_t size = cursor_be16(&c), head = cursor_u8(&c);
    uint8_t type = cursor_u8(&c);
    if ((view->size > 0 && version != TPKT_VERSION) || reserved != 0)
        return PARSE_NOT;
    if (c.failed)
        return PARSE_MORE;
    if (head < 2 || size < TPKT_SIZE + 1 + head)
        return PARSE_NOT;
    message->size = size;
    if (type != COTP_DT)
        return is_other(type) ? PARSE_OK : PARSE_NOT;
    if (head != DT_HEAD_SIZE - 1)
        return PARSE_NOT;
    uint8_t number = cursor_u8(&c);
    if (c.failed)
        return PARSE_MORE;
    size_t telegram = size - TPKT_SIZE - DT_HEAD_SIZE;
    size_t there = cursor_left(&c) < telegram ? cursor_left(&c) : telegram;
    return parse_dt(cursor_sub(&c, there), telegram, view, message, number & COTP_EOT);
}

static const struct control s7 = {.parse = parse, .port = 102};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&s7, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&s7, side, data, size);
}

const struct protocol s7_protocol = {.service = SERVICE_S7,
                                     .joins = true,
                                     .begins = begins,
                                     .open = control_open,
                                     .close = control_close,
                                     .step = step,
                                     .cut = control_cut};
