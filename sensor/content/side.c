/* One side of a flow: how much of it is looked at, what was found in it, what is gathered of it.
 *
 * Every byte of a side that may be clear text is inspected; names are stage.c's part. When a side's
 * budget is spent, or both sides are encrypted and their names taken, the side is told, freed and
 * marked as stopped: from then on its packets cost a comparison.
 *
 * Bounds: items.h; all gathered heads together stay below
 * CONTENT_GATHER_BYTES: past it a head is not gathered, and read as far as it is there. */
#include "flow_content.h"
#include "protocol.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_FIRST   128u
#define SAMPLE_BYTES 256u /* of a piece, to know text by */

/* --- life --------------------------------------------------------------------------------------
 */

struct side *side_of(struct content_flow *cf, enum flow_side side, enum stage stage)
{
    if (!cf->side[side]) {
        cf->side[side] = pool_take(&cf->content->side_pool);
        cf->side[side]->owner = cf;
        side_set_stage(cf->side[side], stage);
    }
    return cf->side[side];
}

static void close_protocol(struct side *side)
{
    const struct protocol *protocol = side->owner->protocol;
    if (side->opened && protocol->close)
        protocol->close(side, side->state);
    side->opened = false;
    side->state = NULL;
}

/* --- entropy -----------------------------------------------------------------------------------
 */

static void forget_entropy(struct side *side)
{
    pool_give(&side->owner->content->entropy_pool, side->entropy);
    side->entropy = NULL;
}

/* What is counted becomes a fact; of a service that is encrypted nothing is learnt by it. */
static void tell_entropy(struct side *side)
{
    struct content_flow *cf = side->owner;
    uint16_t known = side->entropy ? entropy_thousandths(side->entropy) : 0;
    if (known && cf->service != SERVICE_TLS && cf->service != SERVICE_SSH)
        content_facts_of(cf)->entropy[side_index(side)] = known;
}

/* The side's first bytes, whatever their segments: while it may be clear. */
static void count_entropy(struct side *side, const uint8_t *data, size_t size)
{
    if (side->entropy_known)
        return;
    if (!stage_scans(side->stage)) {
        forget_entropy(side);
        return;
    }
    if (!side->entropy)
        side->entropy = pool_take(&side->owner->content->entropy_pool);
    if (!entropy_put(side->entropy, data, size))
        return;
    tell_entropy(side);
    forget_entropy(side);
    side->entropy_known = true;
}

void side_close(struct side *side)
{
    if (!side)
        return;
    close_protocol(side);
    filter_end(side->inspector);
    side->inspector = NULL;
    tell_entropy(side);
    side_tell(side);
}

void side_free(struct side *side)
{
    if (!side)
        return;
    close_protocol(side);
    side_drop_head(side, side->head_size);
    filter_end(side->inspector);
    forget_entropy(side);
    items_free(side->items);
    pool_give(&side->owner->content->side_pool, side);
}

static void stop(struct content_flow *cf, enum flow_side which)
{
    side_close(cf->side[which]);
    side_free(cf->side[which]);
    cf->side[which] = NULL;
    cf->stopped[which] = true;
    if (cf->stream)
        stream_stop(cf->stream, which);
}

void side_set_stage(struct side *side, enum stage stage)
{
    bool was_handshake = side->stage == STAGE_HELLO || side->stage == STAGE_SERVER;
    side->stage = (uint8_t)stage;
    side->held = false;
    if (stage == STAGE_HELLO || stage == STAGE_SERVER || stage == STAGE_ENCRYPTED) {
        filter_end(side->inspector);
        side->inspector = NULL;
        if (!was_handshake)
            side->limit_bytes = side->inspected_bytes + CONTENT_HANDSHAKE_BYTES;
    } else if (stage == STAGE_PROBE || stage == STAGE_RECORDS) {
        side->limit_bytes = side->inspected_bytes + CONTENT_PROBE_BYTES;
    } else if (stage != STAGE_UNKNOWN) { /* which goes on with what PROBE left */
        side->limit_bytes = CONTENT_CLEAR_BYTES;
    }
}

/* --- items -------------------------------------------------------------------------------------
 */

void side_tell(struct side *side)
{
    if (side->waits)
        items_tell(side->items);
}

static void on_items(void *context, const struct content_items *items)
{
    struct side *side = context;
    struct content_flow *cf = side->owner;
    struct content *content = cf->content;
    struct content_items told = *items;
    told.inspected_bytes = side->inspected_bytes;
    told.gap_bytes = side->gap_bytes;
    content->events.items(content->context, cf->flow, side_index(side), content->now, &told);
}

struct finder side_finder(struct side *side)
{
    if (!side->items)
        side->items = items_new(&side->owner->content->items, on_items, side, &side->waits);
    return items_finder(side->items);
}

struct filter *side_inspector(struct side *side)
{
    struct finder finder = side_finder(side);
    return inspector_new(&side->owner->content->inspection, &finder);
}

void side_inspect(struct side *side, const uint8_t *data, size_t size)
{
    if (!side->inspector)
        side->inspector = side_inspector(side);
    if (side->datagrams) /* the first alone is a beginning */
        inspector_break(side->inspector);
    filter_put(side->inspector, data, size);
}

void side_inspect_gap(struct side *side, uint64_t bytes)
{
    if (side->inspector)
        filter_gap(side->inspector, bytes);
}

/* --- its protocol ------------------------------------------------------------------------------
 */

void side_set_protocol(struct side *side, const struct protocol *protocol)
{
    content_set_protocol(side->owner, protocol);
    if (side->owner->protocol != protocol || side->opened)
        return;
    side_set_stage(side, STAGE_PROTOCOL);
    if (protocol->open)
        side->state = protocol->open(side);
    side->opened = true;
}

void side_leave_protocol(struct side *side)
{
    struct content_flow *cf = side->owner;
    for (enum flow_side which = SIDE_ORIG; which < SIDES; which++) {
        struct side *one = cf->side[which];
        if (one)
            close_protocol(one);
        if (one && one->stage == STAGE_PROTOCOL)
            side_set_stage(one, STAGE_PROBE);
    }
    content_leave_protocol(cf);
}

/* --- gathered heads ----------------------------------------------------------------------------
 */

bool side_gather(struct side *side, const uint8_t *data, size_t size)
{
    struct content *content = side->owner->content;
    size_t wanted = side->head_size + size, room = side->head_room ? side->head_room : HEAD_FIRST;
    while (room < wanted)
        room *= 2;
    if (room > side->head_room) {
        if (content->gathered_bytes + room - side->head_room > CONTENT_GATHER_BYTES)
            return false;
        content->gathered_bytes += room - side->head_room;
        side->head = xrealloc(side->head, room);
        side->head_room = (uint32_t)room;
    }
    memcpy(side->head + side->head_size, data, size);
    side->head_size = (uint32_t)wanted;
    return true;
}

void side_drop_head(struct side *side, size_t bytes)
{
    if (bytes == 0 && side->head_size)
        return; /* a byte more came, and is not enough: nothing is moved for it */
    if (bytes < side->head_size) {
        memmove(side->head, side->head + bytes, side->head_size - bytes);
        side->head_size -= (uint32_t)bytes;
        return;
    }
    side->owner->content->gathered_bytes -= side->head_room;
    free(side->head);
    side->head = NULL;
    side->head_size = side->head_room = 0;
}

/* --- budgets -----------------------------------------------------------------------------------
 */

static bool is_encrypted(const struct side *side)
{
    return side && records_are_certain(side);
}

/* Nothing is certain: it may be text. */
static bool is_open(const struct side *side)
{
    return side->stage == STAGE_PROBE || side->stage == STAGE_UNKNOWN ||
           side->stage == STAGE_RECORDS;
}

static void sample(struct side *side, const uint8_t *data, size_t size)
{
    if (is_open(side))
        text_count(&side->sample, data, size < SAMPLE_BYTES ? size : SAMPLE_BYTES);
}

/* The stage's budget is spent: true when that is the end of looking. */
static bool is_spent(struct side *side)
{
    uint8_t service = side->owner->service;
    bool clear = service == SERVICE_HTTP || service == SERVICE_WEBSOCKET ||
                 service == SERVICE_SMTP || service == SERVICE_FTP;
    if (side->inspected_bytes < side->limit_bytes)
        return false;
    if (!is_open(side))
        return true;
    if ((!clear || side->stage == STAGE_RECORDS) && !text_is_most(&side->sample))
        return true;
    side_set_stage(side, STAGE_CLEAR);
    return false;
}

bool side_has_room(struct side *side)
{
    if (side->inspected_bytes < CONTENT_CLEAR_BYTES)
        return true;
    side->owner->content->beyond += !side->beyond;
    side->beyond = true;
    return false;
}

/* What is not looked at any further, though it may be clear, is said; records in their places are
 * TLS. */
static void count_spent(struct side *side)
{
    side->owner->content->let_go += is_open(side) && side->stage != STAGE_RECORDS;
    if (!is_open(side))
        side_has_room(side);
}

static void settle(struct side *side)
{
    struct content_flow *cf = side->owner;
    if (is_encrypted(cf->side[SIDE_ORIG]) && is_encrypted(cf->side[SIDE_RESP])) {
        stop(cf, SIDE_ORIG);
        stop(cf, SIDE_RESP);
    } else if (is_spent(side)) {
        count_spent(side);
        stop(cf, side_index(side));
    }
}

/* --- bytes -------------------------------------------------------------------------------------
 */

void side_take(struct side *side, const uint8_t *data, size_t size)
{
    side->inspected_bytes += size;
    sample(side, data, size);
    stage_take(side, data, size);
    count_entropy(side, data, size);
    settle(side);
}

void side_gap(struct side *side, uint64_t bytes)
{
    bool row = side->stage == STAGE_PROTOCOL;
    side->gap_bytes += bytes;
    stage_cut(side, bytes);                    /* what is gathered comes before what is missing */
    if (!row && side->stage != STAGE_PROTOCOL) /* a row that it had, or has now, was told */
        side_inspect_gap(side, bytes);
}

void side_datagram(struct side *side, const uint8_t *data, size_t size)
{
    side->inspected_bytes += size;
    sample(side, data, size);
    count_entropy(side, data, size);
    side_inspect(side, data, size);
    side->datagrams = true;
    filter_end(side->inspector); /* nothing of it goes on in the next one */
    side->inspector = NULL;
    settle(side);
}

void side_end(struct side *side)
{
    stage_cut(side, 0);
    close_protocol(side);
    if (side->inspector)
        inspector_break(side->inspector);
    tell_entropy(side);
    side_tell(side);
}
