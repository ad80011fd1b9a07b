/* TFTP (RFC 1350, 2347 to 2349, 7440): a request says which port of the client's a transfer will
 * come to; what is sent there in blocks is one body.
 *
 * Blocks are counted from 1 and wrap. One that came before is a retransmission. One from further on
 * shows that bytes are missing, unless several may be under way (a window): then its receiver drops
 * it too, and it comes again, until an acknowledgement says that the receiver had what was not seen
 * here. The transfer ends with the first block that is not full. A block behind that, or of a
 * number that was not used, is no part of it: it is anybody's datagram, and hides nothing.
 *
 * Some servers answer from the port they were asked at: the transfer is then the request's flow.
 * Bounds: CONTENT_CLEAR_BYTES a side, as everywhere. Thread: the capture thread. */
#include "body.h"
#include "expect.h"
#include "protocol.h"
#include "tftp.h"
#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdlib.h>

#define HALF_THE_BLOCKS 0x8000u

struct transfer {         /* both sides' */
    uint32_t block_bytes; /* 0: whatever the first block has */
    uint32_t window;
    int64_t declared_bytes;
};

struct blocks { /* a side's */
    struct body *body;
    uint16_t next;
    uint16_t passed; /* blocks, at most HALF_THE_BLOCKS: these may come again */
    bool done;
    bool acknowledges; /* it is the receiver, and seen */
};

static void *flow_open(struct content_flow *cf)
{
    struct transfer *transfer = xcalloc(1, sizeof *transfer);
    transfer->block_bytes = TFTP_BLOCK_BYTES;
    transfer->declared_bytes = BODY_UNDECLARED;
    if (cf->expected) {
        transfer->block_bytes = cf->expected->block_bytes;
        transfer->window = cf->expected->window;
        transfer->declared_bytes = cf->expected->declared_bytes;
    }
    return transfer;
}

static void *side_open(struct side *side)
{
    struct blocks *blocks = xcalloc(1, sizeof *blocks);
    (void)side;
    blocks->next = 1;
    return blocks;
}

static void side_closed(struct side *side, void *state)
{
    struct blocks *blocks = state;
    (void)side;
    body_end(blocks->body);
    free(blocks);
}

/* NULL: there is none to be had any more. */
static struct side *open_side(struct content_flow *cf, enum flow_side which)
{
    if (cf->stopped[which])
        return NULL;
    struct side *side = side_of(cf, which, STAGE_PROBE);
    if (!side->opened)
        side_set_protocol(side, &tftp_protocol);
    return side->opened && side_has_room(side) ? side : NULL;
}

/* --- requests ----------------------------------------------------------------------------------
 */

/* A transfer on the request's own flow begins anew. */
static void begin_anew(struct content_flow *cf, const struct expected *expected)
{
    struct transfer *transfer = cf->state;
    for (enum flow_side which = SIDE_ORIG; which < SIDES; which++) {
        struct side *side = cf->side[which];
        if (!side || !side->opened)
            continue;
        struct blocks *blocks = side->state;
        body_end(blocks->body);
        *blocks = (struct blocks){.next = 1};
    }
    *transfer =
        (struct transfer){expected->block_bytes, expected->window, expected->declared_bytes};
}

static void take_request(struct content_flow *cf, enum flow_side client,
                         const struct tftp_datagram *datagram, uint16_t client_port)
{
    struct content *content = cf->content;
    struct channel channel = expect_channel(cf, client, PROTO_UDP, client_port);
    struct expected expected = {
        .protocol = &tftp_protocol,
        .declared_bytes = BODY_UNDECLARED,
        .block_bytes = datagram->has_block_bytes ? 0 : TFTP_BLOCK_BYTES,
    };
    if (datagram->kind == TFTP_WRITE_REQUEST) /* a reader's 0 only asks */
        expected.declared_bytes = datagram->transfer_size;
    content_set_protocol(cf, &tftp_protocol);
    if (cf->protocol != &tftp_protocol)
        return;
    expect_add(content->expectations, &channel, &expected, content->now);
    begin_anew(cf, &expected);
}

static void take_options(struct content_flow *cf, const struct tftp_datagram *datagram)
{
    struct transfer *transfer = cf->state;
    transfer->block_bytes = datagram->block_bytes ? datagram->block_bytes : TFTP_BLOCK_BYTES;
    transfer->window = datagram->window;
    if (datagram->transfer_size >= 0)
        transfer->declared_bytes = datagram->transfer_size;
}

/* --- blocks ------------------------------------------------------------------------------------
 */

static void begin_body(struct side *side, size_t first_bytes)
{
    struct transfer *transfer = side->owner->state;
    struct blocks *blocks = side->state;
    struct body_said said = {.declared_bytes = transfer->declared_bytes};
    if (blocks->body)
        return;
    if (transfer->block_bytes == 0)
        transfer->block_bytes =
            first_bytes > TFTP_BLOCK_BYTES ? (uint32_t)first_bytes : TFTP_BLOCK_BYTES;
    blocks->body = body_begin(side, &said);
}

static void advance(struct blocks *blocks, uint16_t count)
{
    uint32_t passed = (uint32_t)blocks->passed + count;
    blocks->next = (uint16_t)(blocks->next + count);
    blocks->passed = (uint16_t)(passed < HALF_THE_BLOCKS ? passed : HALF_THE_BLOCKS);
}

/* Is it one that came before, or that may come? */
static bool is_of_transfer(const struct blocks *blocks, uint16_t block)
{
    uint16_t behind = (uint16_t)(blocks->next - block);
    if (behind == 0 || behind > HALF_THE_BLOCKS)
        return !blocks->done;
    return behind <= blocks->passed;
}

static void skip_blocks(struct side *side, uint16_t count)
{
    struct transfer *transfer = side->owner->state;
    struct blocks *blocks = side->state;
    begin_body(side, 0);
    body_gap(blocks->body, (uint64_t)count * transfer->block_bytes);
    advance(blocks, count);
}

static bool is_acknowledged(struct side *side)
{
    const struct content_flow *cf = side->owner;
    const struct side *other = cf->side[side_index(side) == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG];
    return other && other->opened && ((const struct blocks *)other->state)->acknowledges;
}

/* `missing` bytes of the block were cut off by the capture. */
static void take_block(struct side *side, uint16_t block, struct cursor data, size_t missing)
{
    struct transfer *transfer = side->owner->state;
    struct blocks *blocks = side->state;
    uint16_t ahead = (uint16_t)(block - blocks->next);
    size_t size = cursor_left(&data);
    if (blocks->done || ahead >= HALF_THE_BLOCKS)
        return; /* again */
    if (ahead && transfer->window > 1 && is_acknowledged(side))
        return;
    begin_body(side, size + missing);
    if (ahead)
        skip_blocks(side, ahead);
    body_put(blocks->body, data.at, size);
    if (missing)
        body_gap(blocks->body, missing);
    advance(blocks, 1);
    blocks->done = size + missing < transfer->block_bytes;
    if (!blocks->done)
        return;
    body_end(blocks->body);
    blocks->body = NULL;
}

/* The other side has all blocks up to this one. */
static void take_acknowledgement(struct content_flow *cf, enum flow_side from, uint16_t block)
{
    struct side *receiver = open_side(cf, from);
    struct side *sender = cf->side[from == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG];
    if (receiver)
        ((struct blocks *)receiver->state)->acknowledges = true;
    if (!sender || !sender->opened)
        return;
    struct blocks *blocks = sender->state;
    uint16_t more = (uint16_t)(block + 1 - blocks->next);
    if (blocks->body && !blocks->done && more && more < HALF_THE_BLOCKS)
        skip_blocks(sender, more);
}

static bool take_data(struct content_flow *cf, enum flow_side from,
                      const struct tftp_datagram *datagram, const struct packet *packet)
{
    struct side *side = open_side(cf, from);
    struct cursor data = cursor_make(packet->payload, packet->payload_captured);
    size_t missing = packet->payload_bytes - packet->payload_captured;
    if (!side)
        return true;
    if (!is_of_transfer(side->state, datagram->block))
        return false;
    side->inspected_bytes += packet->payload_captured;
    side->gap_bytes += missing;
    cursor_skip(&data, TFTP_HEAD);
    take_block(side, datagram->block, data, missing);
    return true;
}

/* --- datagrams ---------------------------------------------------------------------------------
 */

static bool is_request(const struct tftp_datagram *datagram)
{
    return datagram->kind == TFTP_READ_REQUEST || datagram->kind == TFTP_WRITE_REQUEST;
}

/* Whether the flow is a transfer's. An announced one becomes it with what a transfer begins with.
 */
static bool begin_transfer(struct content_flow *cf, const struct tftp_datagram *datagram)
{
    bool begins = datagram->kind != TFTP_ERROR && datagram->block <= 1;
    if (!cf->protocol && cf->expected && cf->expected->protocol == &tftp_protocol && begins)
        content_set_protocol(cf, &tftp_protocol);
    return cf->protocol == &tftp_protocol;
}

static bool take_datagram(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    struct tftp_datagram datagram;
    if (tftp_parse(packet->payload, packet->payload_captured, &datagram) != PARSE_OK)
        return false;
    if (is_request(&datagram))
        take_request(cf, side, &datagram, packet->src_port);
    else if (!begin_transfer(cf, &datagram) || datagram.kind == TFTP_ERROR)
        return false; /* an ERROR's text ends the transfer: nothing keeps it from being read */
    else if (datagram.kind == TFTP_DATA)
        return take_data(cf, side, &datagram, packet);
    else if (datagram.kind == TFTP_ACK)
        take_acknowledgement(cf, side, datagram.block);
    else if (datagram.kind == TFTP_OPTIONS)
        take_options(cf, &datagram);
    return true;
}

const struct protocol tftp_protocol = {
    .service = SERVICE_TFTP,
    .flow_open = flow_open,
    .flow_close = free,
    .open = side_open,
    .close = side_closed,
    .datagram = take_datagram,
};
