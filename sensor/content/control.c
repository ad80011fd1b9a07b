/* Messages of control systems, driven.
 *
 * Recognition. On its own port one message whose header can be says that it is the protocol.
 * Anywhere else the first bytes have to be messages without anything between them, strictly
 * checked, until their weights add up to certainty; or the other side's first message answers this
 * one's.
 *
 * Streams. A header is read and its message skipped, so nothing is gathered but a header that two
 * segments share. All of it is inspected as the clear bytes it is: a header is cheap to write in
 * front of anything, and where no message is, nothing else would look. Missing bytes within a
 * message are skipped with it; after others, and after bytes that are no message, the next piece (a
 * segment) that begins with a strictly checked message is where reading goes on: these protocols
 * put a message's beginning where a segment's is.
 *
 * Bounds: a state of a few bytes a side; each byte is looked at once, but for a header's that is
 * not whole, and in recognition (RECOGNISE_BYTES_MAX). Thread: the capture thread. */
#include "control.h"
#include "recognise.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

struct control_side {
    uint64_t skip_bytes; /* of the message whose header was read */
    uint8_t memory;
    bool lost; /* where does the next message begin? */
};

bool control_lists(const uint16_t *list, uint16_t value)
{
    for (; *list; list++)
        if (*list == value)
            return true;
    return false;
}

static bool is_own(const struct control *control, uint16_t orig_port, uint16_t resp_port)
{
    return control->port && (orig_port == control->port || resp_port == control->port);
}

/* The client's port is the protocol's when who opened the connection was guessed wrong. */
static bool asks(const struct control *control, enum flow_side side, uint16_t orig_port,
                 uint16_t resp_port)
{
    bool turned = orig_port == control->port && resp_port != control->port;
    return (side == SIDE_ORIG) != turned;
}

/* --- recognition -------------------------------------------------------------------------------
 */

static bool is_answered(const struct control *control, const struct opening *opening,
                        const struct control_view *ours, const struct control_message *first)
{
    struct control_view view = {opening->peer, opening->peer_size, true, !ours->asks, 0};
    struct control_message message = {0};
    return control->tag_answers && first->tag && first->weight &&
           control->parse(&view, &message) == PARSE_OK && message.weight &&
           message.tag == first->tag && message.size <= opening->peer_size;
}

enum parse_result control_begins(const struct control *control, const struct opening *opening)
{
    bool own = is_own(control, opening->orig_port, opening->resp_port);
    struct control_view view = {opening->data, opening->size, !own, false, 0};
    uint32_t weight = 0, tag = 0;
    view.asks = asks(control, opening->side, opening->orig_port, opening->resp_port);
    for (size_t at = 0; at < opening->size;) {
        struct control_message message = {0};
        view.data = opening->data + at;
        view.size = opening->size - at;
        enum parse_result result = control->parse(&view, &message);
        if (result != PARSE_OK)
            return result == PARSE_MORE ? PARSE_MORE : PARSE_NOT;
        if (at > 0 && control->one_source && message.tag != tag)
            return PARSE_NOT;
        if (message.weight == CONTROL_CERTAIN || (own && message.weight))
            return PARSE_OK;
        if (message.size > view.size)
            return PARSE_MORE;
        weight += message.weight;
        if (weight >= CONTROL_CERTAIN ||
            (at == 0 && is_answered(control, opening, &view, &message)))
            return PARSE_OK;
        view.memory = message.memory;
        tag = message.tag;
        at += message.size;
    }
    return PARSE_MORE;
}

/* --- streams -----------------------------------------------------------------------------------
 */

void *control_open(struct side *side)
{
    (void)side;
    return xcalloc(1, sizeof(struct control_side));
}

void control_close(struct side *side, void *state)
{
    (void)side;
    free(state);
}

static size_t skip(struct control_side *state, size_t size)
{
    size_t skipped = state->skip_bytes < size ? (size_t)state->skip_bytes : size;
    state->skip_bytes -= skipped;
    return skipped;
}

/* No message begins here: the rest of the piece is passed over. */
static size_t lose(struct control_side *state, struct side *side, size_t size)
{
    side->owner->content->malformed += !state->lost;
    state->lost = true;
    state->memory = 0;
    return size;
}

static size_t take_message(const struct control *control, struct side *side, const uint8_t *data,
                           size_t size)
{
    struct control_side *state = side->state;
    struct flow_key key = content_key(side->owner);
    struct control_message message = {0};
    if (state->skip_bytes)
        return skip(state, size);
    struct control_view view = {data, size, state->lost,
                                asks(control, side_index(side), key.orig_port, key.resp_port),
                                state->memory};
    enum parse_result result = control->parse(&view, &message);
    if (result == PARSE_MORE)
        return 0;
    if (result != PARSE_OK || (state->lost && message.weight == 0))
        return lose(state, side, size);
    state->lost = false;
    state->memory = message.memory;
    if (!view.asks)
        function_set_turn_back(&message.functions);
    content_operations(side->owner, message.reads, message.writes, &message.functions);
    state->skip_bytes = message.size;
    return skip(state, size);
}

size_t control_step(const struct control *control, struct side *side, const uint8_t *data,
                    size_t size)
{
    size_t used = take_message(control, side, data, size);
    if (used)
        side_inspect(side, data, used);
    return used;
}

void control_cut(struct side *side, uint64_t bytes)
{
    struct control_side *state = side->state;
    if (side->head_size)
        side_inspect(side, side->head, side->head_size);
    if (bytes)
        side_inspect_gap(side, bytes);
    if (side->head_size == 0 && bytes && bytes <= state->skip_bytes) {
        state->skip_bytes -= bytes;
        return;
    }
    state->skip_bytes = 0;
    state->memory = 0;
    state->lost = true;
}

/* --- datagrams ---------------------------------------------------------------------------------
 */

/* Messages that end where the datagram does; what the snap length cut cannot be looked at. */
static bool read_datagram(const struct control *control, struct control_view *view,
                          const struct packet *packet, struct control_message *sum)
{
    size_t at = 0;
    while (at < packet->payload_captured) {
        struct control_message message = {0};
        view->data = packet->payload + at;
        view->size = packet->payload_captured - at;
        if (control->parse(view, &message) != PARSE_OK || message.size > packet->payload_bytes - at)
            return false;
        if (at > 0 && control->one_source && message.tag != sum->tag)
            return false;
        sum->reads += message.reads;
        sum->writes += message.writes;
        function_set_merge(&sum->functions, &message.functions);
        sum->tag = message.tag;
        sum->weight = message.weight > sum->weight ? message.weight : sum->weight;
        view->memory = message.memory;
        at += message.size;
    }
    return at >= packet->payload_captured &&
           (at == packet->payload_bytes || packet->payload_captured < packet->payload_bytes);
}

/* Of a datagram that is not certain: whether it is of the same source as the last such one. */
static bool says_again(struct content_flow *cf, const struct control *control,
                       const struct control_message *sum)
{
    if (!control->one_source || sum->tag == 0)
        return false;
    bool again = cf->last_tag == sum->tag;
    cf->last_tag = sum->tag;
    return again;
}

bool control_datagram(const struct control *control, struct content_flow *cf, enum flow_side side,
                      const struct packet *packet)
{
    struct flow_key key = content_key(cf);
    bool known = cf->protocol && cf->protocol->datagram;
    bool own = is_own(control, key.orig_port, key.resp_port);
    struct control_view view = {.strict = !own && !known,
                                .asks = asks(control, side, key.orig_port, key.resp_port)};
    struct control_message sum = {0};
    if (!read_datagram(control, &view, packet, &sum) || sum.weight == 0)
        return false;
    if (!known && !own && sum.weight < CONTROL_CERTAIN && !says_again(cf, control, &sum))
        return false;
    if (!view.asks)
        function_set_turn_back(&sum.functions);
    content_operations(cf, sum.reads, sum.writes, &sum.functions);
    datagram_inspect(cf, side, STAGE_CLEAR, packet);
    return true;
}
