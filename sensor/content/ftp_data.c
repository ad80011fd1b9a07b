/* An FTP data connection that its control connection announced (ftp_control.c): all that a side
 * sends is one body, from its first byte to its FIN, RST or the flow's end. An empty file has no
 * byte, and is no body. One that begins with a TLS hello is TLS: its names are taken, so that an
 * announcement hides none. Thread: the capture thread. */
#include "expect.h"
#include "protocol.h"
#include "recognise.h"

#define HELLO_BEGINS 6u /* bytes that tell a hello */

/* What was declared is of the side that sends first. */
static void begin_body(struct side *side)
{
    struct expected *expected = side->owner->expected;
    struct body_said said = {.declared_bytes = BODY_UNDECLARED};
    if (side->state)
        return;
    if (expected) {
        said.declared_bytes = expected->declared_bytes;
        said.coding[0] = expected->coding;
        expected->declared_bytes = BODY_UNDECLARED;
    }
    side->state = body_begin(side, &said);
}

static void data_close(struct side *side, void *state)
{
    (void)side;
    body_end(state);
}

static size_t data_step(struct side *side, const uint8_t *data, size_t size)
{
    if (!side->state && tls_begins(data, size) != PARSE_NOT) {
        if (size < HELLO_BEGINS)
            return 0;
        if (tls_begins_hello(data, size)) {
            stage_begin_tls(side, data, size);
            return 0;
        }
    }
    begin_body(side);
    body_put(side->state, data, size);
    return size;
}

static void data_cut(struct side *side, uint64_t bytes)
{
    begin_body(side);
    body_put(side->state, side->head, side->head_size);
    if (bytes)
        body_gap(side->state, bytes);
}

const struct protocol ftp_data_protocol = {
    .service = SERVICE_FTP_DATA,
    .close = data_close,
    .step = data_step,
    .cut = data_cut,
};
