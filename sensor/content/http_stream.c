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
 * Bounds: a head HTTP_HEAD_MAX, a chunk's line and a trailer LINE_MAX, HTTP_ASKED_MAX requests. One
 * body a side is open. Thread: the capture thread. */
#include "http_stream.h"

#include "body.h"
#include "doh.h"
#include "http_asked.h"
#include "http_fields.h"
#include "recognise.h"
#include "websocket.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX         4096u
#define CHUNK_DIGITS_MAX 15u

enum place {
    PLACE_HEAD,
    PLACE_BODY,
    PLACE_CHUNK_LINE,
    PLACE_CHUNK,
    PLACE_CHUNK_END, /* the line's end behind a chunk */
    PLACE_TRAILERS,
    PLACE_TO_CLOSE,
    PLACE_NEXT,
    PLACE_WEBSOCKET,
    PLACE_LOST,
    PLACES
};

struct http_side {
    uint8_t place;
    uint8_t after;       /* enum place: this message */
    uint8_t next;        /* enum http_upgrade: PLACE_NEXT, unless HTTP goes on */
    bool asks;           /* its last head was a request's */
    bool unmatched;      /* an answer's, whose request is not known */
    uint32_t searched;   /* of a gathered head: no end up to there */
    uint64_t left_bytes; /* BODY, CHUNK */
    struct body_said said;
    struct body *body;
    struct websocket websocket;
};

static struct http_side *state_of(const struct side *side)
{
    return side->state;
}

static struct http_asked *asked_of(const struct side *side)
{
    return side->owner->state;
}

static void end_body(struct http_side *http)
{
    body_end(http->body);
    http->body = NULL;
}

/* The message is over. */
static void end_message(struct http_side *http)
{
    end_body(http);
    http->place = http->after;
    http->searched = 0;
}

/* What comes next on this side is not known. */
static void lose(struct side *side)
{
    struct http_side *http = state_of(side);
    end_body(http);
    if (http->asks)
        http_asked_lose_requests(asked_of(side));
    else
        http_asked_lose_answers(asked_of(side));
    http->place = PLACE_LOST;
    http->searched = 0;
}

/* These bytes are not what was due: clear text, as far as anybody knows. */
static size_t lose_here(struct side *side, const uint8_t *data, size_t size)
{
    side->owner->content->malformed++;
    lose(side);
    side_inspect(side, data, size);
    return size;
}

static void put_body(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    if (!http->body)
        http->body = body_begin(side, &http->said);
    body_put(http->body, data, size);
}

/* --- heads -------------------------------------------------------------------------------------
 */

static void begin_body(struct side *side, const struct http_fields *fields)
{
    struct http_side *http = state_of(side);
    bool measured = !fields->transfer && !fields->length_bad;
    http->said = http_fields_said(fields);
    http->left_bytes = fields->length_bytes > 0 ? (uint64_t)fields->length_bytes : 0;
    if (fields->chunked) {
        http->place = PLACE_CHUNK_LINE;
    } else if (measured && http->left_bytes) {
        http->place = PLACE_BODY;
        if (!http->unmatched) /* else perhaps a HEAD's: the first byte will tell */
            http->body = body_begin(side, &http->said);
    } else if (measured && (http->asks || fields->length_bytes == 0)) {
        end_message(http);
    } else if (http->asks || fields->length_bad) { /* RFC 9112 6.3: nobody can know its end */
        side->owner->content->malformed++;
        lose(side);
    } else {
        http->place = PLACE_TO_CLOSE;
    }
}

static void take_request(struct side *side, const struct http_head *head,
                         const struct http_fields *fields)
{
    struct http_side *http = state_of(side);
    bool tunnel = strcmp(head->method, "CONNECT") == 0,
         bodiless = strcmp(head->method, "HEAD") == 0;
    http_asked_put(asked_of(side), tunnel ? ASKED_TUNNEL : bodiless ? ASKED_HEAD : ASKED_CONTENT);
    http->unmatched = false;
    http->next = tunnel ? HTTP_UPGRADE_OTHER : fields->upgrade;
    http->after = http->next != HTTP_UPGRADE_NONE ? PLACE_NEXT : PLACE_HEAD;
    if (tunnel)
        end_message(http);
    else
        begin_body(side, fields);
}

static void take_answer(struct side *side, uint16_t status, const struct http_fields *fields)
{
    struct http_side *http = state_of(side);
    bool interim = status >= 100 && status < 200 && status != 101;
    enum http_asked_for what = interim ? ASKED_CONTENT : http_asked_take(asked_of(side));
    bool tunnel = what == ASKED_TUNNEL && status >= 200 && status < 300;
    http->unmatched = what == ASKED_UNKNOWN;
    http->next = tunnel ? HTTP_UPGRADE_OTHER : fields->upgrade;
    http->after = tunnel || status == 101 ? PLACE_NEXT : PLACE_HEAD;
    if (interim || tunnel || status == 101 || status == 204 || status == 304 || what == ASKED_HEAD)
        end_message(http);
    else
        begin_body(side, fields);
}

/* A request's target may carry a DNS question. */
static void look_at_target(struct side *side, const uint8_t *head, size_t size)
{
    const uint8_t *end = memchr(head, '\n', size), *from = memchr(head, ' ', size);
    const uint8_t *to = end ? memrchr(head, ' ', (size_t)(end - head)) : NULL;
    if (from && to && to > from)
        doh_target(side, (struct text_span){(const char *)from + 1, (size_t)(to - from - 1)});
}

static void take_head(struct side *side, const struct http_head *head, const uint8_t *data)
{
    struct http_side *http = state_of(side);
    struct http_fields fields;
    http_fields_read(&fields, data, head->size);
    side_inspect(side, data, head->size);
    content_server_name(side->owner, head->host);
    content_client(side->owner, &head->client);
    http->asks = head->request;
    if (!head->request) {
        take_answer(side, head->status, &fields);
        return;
    }
    look_at_target(side, data, head->size);
    take_request(side, head, &fields);
}

/* Is there an empty line? Each byte is looked at once, however the head comes. */
static bool has_end(struct http_side *http, const uint8_t *data, size_t size)
{
    size_t from = http->searched > 3 ? http->searched - 3 : 0;
    http->searched = (uint32_t)size;
    const uint8_t *at = data + from, *end = data + size;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if ((end - at >= 1 && at[0] == '\n') || (end - at >= 2 && at[0] == '\r' && at[1] == '\n'))
            return true;
    }
    return false;
}

static size_t step_head(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    struct http_head head;
    bool whole = has_end(http, data, size) || size >= HTTP_HEAD_MAX;
    enum parse_result result = PARSE_MORE;
    if (whole)
        result = http_parse_head(data, size, &head);
    else if (size < RECOGNISE_BYTES_MAX && http_parse_head(data, size, &head) == PARSE_NOT)
        result = PARSE_NOT;
    if (result == PARSE_MORE)
        return 0;
    http->searched = 0;
    if (result == PARSE_OK) {
        take_head(side, &head, data);
        return head.size;
    }
    content_server_name(side->owner, head.host);
    content_client(side->owner, &head.client);
    return lose_here(side, data, size);
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
        end_message(http);
}

/* The next answer, where a body should begin: the one before was a HEAD's. */
static bool is_answer_instead(const struct side *side, const uint8_t *data, size_t size)
{
    const struct http_side *http = state_of(side);
    return http->unmatched && !http->asks &&
           http->said.declared_bytes == (int64_t)http->left_bytes && size >= 7 &&
           memcmp(data, "HTTP/1.", 7) == 0;
}

static size_t step_body(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    if (is_answer_instead(side, data, size)) {
        end_message(http);
        return 0;
    }
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

/* --- chunks ------------------------------------------------------------------------------------
 */

/* A line with its end; 0: it has none yet. A line that is too long is lost. */
static size_t line_size(struct side *side, const uint8_t *data, size_t size)
{
    size_t most = size < LINE_MAX ? size : LINE_MAX;
    const uint8_t *end = memchr(data, '\n', most);
    if (end)
        return (size_t)(end - data) + 1;
    if (size < LINE_MAX)
        return 0;
    return lose_here(side, data, size);
}

/* "1a;name=value" (RFC 9112 7.1): how many digits; the rest says nothing. */
static size_t chunk_digits(const uint8_t *line, size_t size, uint64_t *bytes)
{
    static const char hex[] = "0123456789abcdef";
    size_t digits = 0;
    *bytes = 0;
    while (digits < size && digits < CHUNK_DIGITS_MAX) {
        uint8_t c = line[digits];
        const char *at = c ? strchr(hex, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!at)
            break;
        *bytes = *bytes << 4 | (uint64_t)(at - hex);
        digits++;
    }
    return digits < size && strchr(" \t;\r\n", line[digits]) ? digits : 0;
}

static size_t step_chunk_line(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    size_t line = line_size(side, data, size);
    if (line == 0 || http->place == PLACE_LOST)
        return line;
    size_t digits = chunk_digits(data, line, &http->left_bytes);
    if (digits == 0) {
        side->owner->content->malformed++;
        return lose_here(side, data, size);
    }
    if (line - digits > 2) /* an extension: anything can stand there */
        side_inspect(side, data + digits, line - digits);
    http->place = http->left_bytes ? PLACE_CHUNK : PLACE_TRAILERS;
    return line;
}

static size_t step_chunk_end(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    size_t end = data[0] == '\r' ? 2 : 1;
    if (size < end)
        return 0;
    if (data[end - 1] != '\n') {
        side->owner->content->malformed++;
        return lose_here(side, data, size);
    }
    http->place = PLACE_CHUNK_LINE;
    return end;
}

static size_t step_trailers(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    size_t line = line_size(side, data, size);
    if (line == 0 || http->place == PLACE_LOST)
        return line;
    bool empty = data[0] == '\n' || (data[0] == '\r' && data[1] == '\n');
    if (empty)
        end_message(http);
    else
        side_inspect(side, data, line);
    return line;
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
    struct http_side *http = state_of(side);
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
    size_t used = websocket_step(&state_of(side)->websocket, side, data, size, &lost);
    return lost ? lose_here(side, data, size) : used;
}

static size_t step_lost(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = state_of(side);
    if (http_begins(data, size) == PARSE_OK) {
        http->place = PLACE_HEAD;
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
        [PLACE_HEAD] = step_head,
        [PLACE_BODY] = step_body,
        [PLACE_CHUNK_LINE] = step_chunk_line,
        [PLACE_CHUNK] = step_body,
        [PLACE_CHUNK_END] = step_chunk_end,
        [PLACE_TRAILERS] = step_trailers,
        [PLACE_TO_CLOSE] = step_to_close,
        [PLACE_NEXT] = step_next,
        [PLACE_WEBSOCKET] = step_websocket,
        [PLACE_LOST] = step_lost,
    };
    for (;;) {
        struct http_side *http = state_of(side);
        uint8_t place = http->place;
        if (place == PLACE_HEAD && http2_begins(data, size) != PARSE_NOT)
            return http2_begins(data, size) == PARSE_OK ? become_http2(side, data, size) : 0;
        size_t used = steps[place](side, data, size);
        if (used > 0 || side->state != http || http->place == place)
            return used;
    }
}

/* A head that will not be continued says what it says. */
static void read_unfinished(struct side *side)
{
    struct http_head head;
    if (state_of(side)->place != PLACE_HEAD || side->head_size == 0 ||
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
    struct http_side *http = state_of(side);
    switch (http->place) {
    case PLACE_BODY:
    case PLACE_CHUNK:
    case PLACE_TO_CLOSE:
        return skip_body(http, bytes);
    case PLACE_WEBSOCKET:
        return side->head_size == 0 && websocket_gap(&http->websocket, side, bytes);
    default:
        return false;
    }
}

static void cut(struct side *side, uint64_t bytes)
{
    struct http_side *http = state_of(side);
    if (keeps_place(side, bytes))
        return;
    read_unfinished(side);
    if (side->head_size)
        side_inspect(side, side->head, side->head_size);
    side_inspect_gap(side, bytes);
    if (http->place == PLACE_NEXT)
        side_leave_protocol(side); /* what begins there is still looked for */
    else
        lose(side);
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
