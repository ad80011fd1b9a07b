/* Modbus/TCP: MODBUS Messaging on TCP/IP Implementation Guide 1.0b (the MBAP header), MODBUS
 * Application Protocol 1.1b3 (function codes).
 *
 *   transaction (2)  protocol = 0 (2)  length (2)  unit (1)  function (1)  data
 *
 * Neither header nor function says whether it asks or answers: the client does (control.h). Read
 * and written are values, files and what a device says of itself; 23 does both, 8 (diagnostics)
 * neither. Where the port promises nothing, the length has to be the function's, of a request or an
 * answer. Pure. */
#include "control.h"
#include "weir/base/cursor.h"

#define LENGTH_MIN 2u /* unit and function */
#define LENGTH_MAX 254u
#define BEFORE     6u /* the fields that the length does not count */
#define EXCEPTION  0x80u

/* What follows unit and function: a fixed size, or as many bytes as the byte at `count` says. */
struct shape {
    uint8_t function;
    uint8_t ask_size, ask_count;       /* ask_count 0: none */
    uint8_t answer_size, answer_count; /* the count's place, from 1 */
};

static const struct shape shapes[] = {
    {1, 4, 0, 1, 1},  {2, 4, 0, 1, 1},  {3, 4, 0, 1, 1},  {4, 4, 0, 1, 1},  {5, 4, 0, 4, 0},
    {6, 4, 0, 4, 0},  {7, 0, 0, 1, 0},  {8, 4, 0, 4, 0},  {11, 0, 0, 4, 0}, {12, 0, 0, 1, 1},
    {15, 5, 5, 4, 0}, {16, 5, 5, 4, 0}, {17, 0, 0, 1, 1}, {20, 1, 1, 1, 1}, {21, 1, 1, 1, 1},
    {22, 6, 0, 6, 0}, {23, 9, 9, 1, 1},
};

static bool has_size(const struct control_view *view, size_t there, uint8_t size, uint8_t count)
{
    size_t wanted = size;
    if (count && there >= count) {
        if (view->size < BEFORE + LENGTH_MIN + count)
            return false;
        wanted += view->data[BEFORE + LENGTH_MIN + count - 1u];
    }
    return there == wanted;
}

static bool has_shape(const struct control_view *view, size_t length, uint8_t function)
{
    size_t there = length - LENGTH_MIN;
    if (function & EXCEPTION)
        return there == 1;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i];
        if (s->function == function)
            return has_size(view, there, s->ask_size, s->ask_count) ||
                   has_size(view, there, s->answer_size, s->answer_count);
    }
    return false;
}

static void count(struct control_message *message, uint8_t function)
{
    static const uint16_t reads[] = {1, 2, 3, 4, 7, 11, 12, 17, 20, 23, 24, 43, 0};
    if (function & EXCEPTION)
        return; /* only answers are: who asks was guessed wrong */
    message->reads = control_lists(reads, function);
    message->writes = function_writes(SERVICE_MODBUS, function);
    function_set_add(&message->functions, function);
}

static enum parse_result parse(const struct control_view *view, struct control_message *message)
{
    struct cursor c = cursor_make(view->data, view->size);
    uint16_t transaction = cursor_be16(&c), protocol = cursor_be16(&c), length = cursor_be16(&c);
    uint8_t unit = cursor_u8(&c), function = cursor_u8(&c);
    if (protocol != 0 || (view->size >= BEFORE && (length < LENGTH_MIN || length > LENGTH_MAX)))
        return PARSE_NOT; /* what is not there yet reads as zeros */
    if (c.failed)
        return PARSE_MORE;
    if (function == 0 ||
        (view->strict && view->size >= BEFORE + length && !has_shape(view, length, function)))
        return PARSE_NOT;
    message->size = BEFORE + length;
    message->weight = 1;
    message->tag = (uint32_t)transaction << 16 | (uint32_t)unit << 8 | (function & ~EXCEPTION);
    if (view->asks)
        count(message, function);
    return PARSE_OK;
}

static const struct control modbus = {.parse = parse, .port = 502, .tag_answers = true};

static enum parse_result begins(const struct opening *opening)
{
    return control_begins(&modbus, opening);
}

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    return control_step(&modbus, side, data, size);
}

const struct protocol modbus_protocol = {.service = SERVICE_MODBUS,
                                         .joins = true,
                                         .begins = begins,
                                         .open = control_open,
                                         .close = control_close,
                                         .step = step,
                                         .cut = control_cut};
