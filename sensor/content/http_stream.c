/* HTTP/1 on both sides of a stream (RFC 9112).
 *
 *   HEAD ─┬─> BODY ──────────────────────────────┐       of a known length
 *         ├─> CHUNK_LINE ⇄ CHUNK, then TRAILERS ─┤
 *         ├─> TO_CLOSE                           │
 *         ├─> NEXT: what follows is HTTP again, or a tunnel's, WebSocket's or HTTP/2's bytes
 *         └<─────────────────────────────────────┘
 *   LOST: from any of them, where bytes are missing or are no HTTP
 *
 * Heads, trailers and whatever else is no body are inspected with the side's own text, bodies each
 * with their own. Which answers have a body depends on the request: http_asked.h. Either side may
 * ask. A gap within a body of known length, or within one chunk, loses no place; elsewhere the side
 * is lost until a piece (a segment) begins with a first line, and that does depend on how the
 * sender cut its stream. An answer whose request was not seen and whose body begins like an answer
 * had none: it was a HEAD's.
 *
 * Bounds: a head HTTP_HEAD_MAX, a chunk's line and a trailer HTTP_LINE_MAX, HTTP_ASKED_MAX
 * requests. One body a side is open. Thread: the capture thread. */
#include "protocol.h"

#include "http_side.h"
#include "recognise.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

/* --- messages ----------------------------------------------------------------------------------
 */

static void end_body(struct http_side *http)
{
    body_end(http->body);
    http->body = NULL;
}

void http_end_message(struct http_side *http)
{
    end_body(http);
    http->place = http->after;
    http->searched = 0;
}

static void lose_count(const struct http_side *http, struct http_asked *asked)
{
    if (http->asks)
        http_asked_lose_requests(asked);
    else
        http_asked_lose_answers(asked);
}

void http_lose(struct side *side)
{
    struct http_side *http = http_state_of(side);
    end_body(http);
    lose_count(http, http_asked_of(side));
    http->place = PLACE_LOST;
    http->searched = 0;
}

size_t http_lose_here(struct side *side, const uint8_t *data, size_t size)
{
    side->owner->content->malformed++;
    http_lose(side);
    side_inspect(side, data, size);
    return size;
}

static void put_body(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    if (!http->body)
        http->body = body_begin(side, &http->said);
    body_put(http->body, data, size);
}

/* --- bodies ------------------------------------------------------------------------------------
 */

/* So much of a body or chunk of known length is done. */
static void took_body(struct http_side *http, uint64_t bytes)
{
    http->left_bytes -= bytes;
    if (http->left_bytes > 0)
        return;
    if (http->place == PLACE_CHUNK)
        http->place = PLACE_CHUNK_END;
    else
        http_end_message(http);
}

/* The next answer, where a body should begin: the one before was a HEAD's. */
static enum parse_result answer_instead(const struct side *side, const uint8_t *data, size_t size)
{
    static const char start[] = "HTTP/1.";
    const struct http_side *http = http_state_of(side);
    size_t n = size < sizeof start - 1 ? size : sizeof start - 1;
    if (!http->unmatched || http->said.declared_bytes != (int64_t)http->left_bytes ||
        n > http->left_bytes || memcmp(data, start, n) != 0)
        return PARSE_NOT;
    return n == sizeof start - 1 ? PARSE_OK : PARSE_MORE;
}

static size_t step_body(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    enum parse_result answer = answer_instead(side, data, size);
    if (answer == PARSE_OK)
        http_end_message(http);
    if (answer != PARSE_NOT)
        return 0;
    size_t n = http->left_bytes < size ? (size_t)http->left_bytes : size;
    put_body(side, data, n);
    took_body(http, n);
    return n;
}

static size_t step_to_close(struct side *side, const uint8_t *data, size_t size)
{
    put_body(side, data, size);
    return size;
}

/* --- what follows ------------------------------------------------------------------------------
 */

/* Both sides speak HTTP/2 from here on; this side's state is gone. */
static size_t become_http2(struct side *side, const uint8_t *data, size_t size)
{
    side_leave_protocol(side);
    side_set_protocol(side, &http2_protocol);
    return http2_protocol.step(side, data, size);
}

static size_t step_next(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    enum parse_result preface = http2_begins(data, size), begins = http_begins(data, size);
    if (preface == PARSE_OK || (preface == PARSE_NOT && begins == PARSE_OK)) {
        http->place = PLACE_HEAD;
    } else if ((preface == PARSE_MORE || begins == PARSE_MORE) && size < RECOGNISE_BYTES_MAX) {
        return 0;
    } else if (http->next == HTTP_UPGRADE_WEBSOCKET) {
        http->place = PLACE_WEBSOCKET;
        memset(&http->websocket, 0, sizeof http->websocket);
    } else if (http->next == HTTP_UPGRADE_H2C && !http->asks) {
        return become_http2(side, data, size);
    } else {
        side_leave_protocol(side);
    }
    return 0;
}

static size_t step_websocket(struct side *side, const uint8_t *data, size_t size)
{
    bool lost = false;
    size_t used = websocket_step(&http_state_of(side)->websocket, side, data, size, &lost);
    if (used && !lost) /* not before a frame: an upgrade may be refused */
        side->owner->service = SERVICE_WEBSOCKET;
    return lost ? http_lose_here(side, data, size) : used;
}

static size_t step_lost(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    if (http_begins(data, size) == PARSE_OK) {
        http->place = PLACE_HEAD;
        return 0;
    }
    if (side->inspected_bytes <= CONTENT_PROBE_BYTES && tls_begins_hello(data, size)) {
        side_leave_protocol(side); /* what was lost made a tunnel */
        return 0;
    }
    side_inspect(side, data, size);
    return size;
}

/* --- the row -----------------------------------------------------------------------------------
 */

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    static size_t (*const steps[PLACES])(struct side * side, const uint8_t *data, size_t size) = {
        [PLACE_HEAD] = http_step_head,
        [PLACE_BODY] = step_body,
        [PLACE_CHUNK_LINE] = http_step_chunk_line,
        [PLACE_CHUNK] = step_body,
        [PLACE_CHUNK_END] = http_step_chunk_end,
        [PLACE_TRAILERS] = http_step_trailers,
        [PLACE_TO_CLOSE] = step_to_close,
        [PLACE_NEXT] = step_next,
        [PLACE_WEBSOCKET] = step_websocket,
        [PLACE_LOST] = step_lost,
    };
    for (;;) {
        struct http_side *http = http_state_of(side);
        uint8_t place = http->place;
        if (place == PLACE_HEAD && http2_begins(data, size) != PARSE_NOT)
            return http2_begins(data, size) == PARSE_OK ? become_http2(side, data, size) : 0;
        size_t used = steps[place](side, data, size);
        /* Of a protocol that was left, the state is gone. */
        if (used > 0 || side->owner->protocol != &http_protocol || http->place == place)
            return used;
    }
}

/* A head that will not be continued says what it says. */
static void read_unfinished(struct side *side)
{
    struct http_head head;
    if (http_state_of(side)->place != PLACE_HEAD || side->head_size == 0 ||
        http_parse_head(side->head, side->head_size, &head) == PARSE_NOT)
        return;
    content_server_name(side->owner, head.host);
    content_client(side->owner, &head.client);
}

/* Bytes of a body are missing. False: more than it has. */
static bool skip_body(struct http_side *http, uint64_t bytes)
{
    if (http->body)
        body_gap(http->body, bytes);
    if (http->place == PLACE_TO_CLOSE)
        return true;
    if (bytes > http->left_bytes)
        return false;
    took_body(http, bytes);
    return true;
}

/* Is it still known where the next byte belongs? */
static bool keeps_place(struct side *side, uint64_t bytes)
{
    struct http_side *http = http_state_of(side);
    switch (http->place) {
    case PLACE_BODY:
    case PLACE_CHUNK:
    case PLACE_TO_CLOSE:
        if (side->head_size) { /* it could have been an answer */
            put_body(side, side->head, side->head_size);
            took_body(http, side->head_size);
        }
        return skip_body(http, bytes);
    case PLACE_WEBSOCKET:
        return side->head_size == 0 && websocket_gap(&http->websocket, side, bytes);
    default:
        return false;
    }
}

static void cut(struct side *side, uint64_t bytes)
{
    struct http_side *http = http_state_of(side);
    if (keeps_place(side, bytes))
        return;
    read_unfinished(side);
    if (side->head_size)
        side_inspect(side, side->head, side->head_size);
    side_inspect_gap(side, bytes);
    if (http->place == PLACE_NEXT)
        side_leave_protocol(side); /* what begins there is still looked for */
    else
        http_lose(side);
}

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct http_asked));
}

static void *open_side(struct side *side)
{
    struct http_side *http = xcalloc(1, sizeof *http);
    http->asks = side_index(side) == SIDE_ORIG;
    if (side->gap_bytes > 0) /* it does not begin here */
        lose_count(http, http_asked_of(side));
    return http;
}

static void close_side(struct side *side, void *state)
{
    struct http_side *http = state;
    (void)side;
    end_body(http);
    free(http);
}

const struct protocol http_protocol = {
    .service = SERVICE_HTTP,
    .flow_open = flow_open,
    .flow_close = free,
    .open = open_side,
    .close = close_side,
    .step = step,
    .cut = cut,
};
