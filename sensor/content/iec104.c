/* IEC 60870-5-104: APDUs over TCP.
 *
 *   0x68  length (4–253)  control (4)   in the I format an ASDU:
 *   type  number  cause, originator  common address (2)  objects
 *
 * S (acknowledge) and U (start, stop, test) carry nothing. Causes 6 and 8 activate and deactivate,
 * 5 asks; a controlled station answers with others. Read: interrogations and read commands.
 * Written: commands (selected or executed: the header does not tell), set points, clocks, resets
 * and parameters. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define START       0x68u
#define LENGTH_MIN  4u
#define LENGTH_MAX  253u
#define ASDU_MIN    9u /* up to the first object's address */
#define ASKED       5u
#define ACTIVATED   6u
#define DEACTIVATED 8u
#define OF_FILE     13u
#define CAUSE_MAX   47u
enum { FIRST_COMMAND = 45, INITIALIZED = 70 }; /* types: below, a station reports */
#define NUMBERED 0x80u                         /* memory: there was one */

static bool is_unnumbered(uint32_t control)
{
    static const uint16_t functions[] = {0x07, 0x0b, 0x13, 0x23, 0x43, 0x83, 0};
    return (control & 0xffffff) == 0 && control_lists(functions, (uint16_t)(control >> 24));
}

/* STARTDT and its confirmation differ in one bit of neighbours: 0x07 0x0b, 0x13 0x23, 0x43 0x83. */
static uint32_t tag_of(uint32_t control)
{
    uint32_t function = control >> 24;
    return function < 0x10 ? 1 : function < 0x40 ? 2 : 3;
}

/* A side numbers its I formats one by one: memory has the next number's last bits. */
static bool is_next(uint32_t control, const struct control_view *view,
                    struct control_message *message)
{
    uint8_t number = (uint8_t)((control >> 25) & 0x7f);
    message->memory = (uint8_t)(NUMBERED | ((number + 1) & 0x7f));
    return !view->strict || view->memory == 0 || view->memory == (NUMBERED | number);
}

static bool is_known(uint8_t type)
{
    return (type >= 1 && type <= 40) || (type >= 45 && type <= 51) || (type >= 58 && type <= 64) ||
           type == 70 || (type >= 100 && type <= 107) || (type >= 110 && type <= 113) ||
           (type >= 120 && type <= 127);
}

static void count(struct control_message *message, uint8_t type, uint8_t cause)
{
    message->reads =
        cause == ACTIVATED ? type == 100 || type == 101 : cause == ASKED && type == 102;
    message->writes = cause == ACTIVATED && function_writes(SERVICE_IEC104, type);
    bool asks = cause == ASKED || cause == ACTIVATED || cause == DEACTIVATED || cause == OF_FILE;
    if (asks && type >= FIRST_COMMAND && type != INITIALIZED)
        function_set_add(&message->functions, type);
}

static enum parse_result parse_asdu(struct cursor *c, size_t size, struct control_message *message)
{
    uint8_t type = cursor_u8(c), number = cursor_u8(c), cause = cursor_u8(c) & 0x3f;
    if (size < ASDU_MIN || (!c->failed && (!is_known(type) || cause == 0 || cause > CAUSE_MAX ||
                                           (number & 0x7f) == 0)))
        return PARSE_NOT;
    if (c->failed)
        return PARSE_MORE;
    count(message, type, cause);
    return PARSE_OK;
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint8_t start = cursor_u8(&c), length = cursor_u8(&c);
    uint32_t control = cursor_be32(&c);
    if ((view->size > 0 && start != START) ||
        (view->size > 1 && (length < LENGTH_MIN || length > LENGTH_MAX)))
        return PARSE_NOT;
    if (c.failed)
        return PARSE_MORE;
    message->size = 2u + length;
    message->weight = 1;
    message->memory = view->memory;
    bool numbered = !(control >> 24 & 1), supervises = control >> 24 == 1;
    if (!numbered && length != LENGTH_MIN)
        return PARSE_NOT;
    if (!numbered && !supervises) {
        message->tag = tag_of(control);
        return is_unnumbered(control) ? PARSE_OK : PARSE_NOT;
    }
    if (control >> 8 & 1) /* the receive number's lowest bit is always 0 */
        return PARSE_NOT;
    if (!numbered)
        return (control >> 16 & 0xff) == 0 ? PARSE_OK : PARSE_NOT;
    if (!is_next(control, view, message))
        return PARSE_NOT;
    return parse_asdu(&c, length - LENGTH_MIN, message);
}

static const struct control iec104 = {.parse = parse, .port = 2404, .tag_answers = true};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&iec104, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&iec104, side, data, size);
}

const struct protocol iec104_protocol = {.service = SERVICE_IEC104,
                                         .joins = true,
                                         .begins = begins,
                                         .open = control_open,
                                         .close = control_close,
                                         .step = step,
                                         .cut = control_cut};
