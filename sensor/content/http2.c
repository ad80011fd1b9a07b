/* HTTP/2 in clear on both sides of a stream (RFC 9113).
 *
 * Frames come one after the other; a frame of fields is gathered whole and unpacked (hpack.c), a
 * frame of data goes to the body of its stream as it comes. A request or answer that goes on after
 * its fields has a body, which ends with its stream. What gRPC and others frame inside of a body is
 * inspected as it is. Frames of other kinds are inspected as the side's text: they say nothing that
 * is asked for here. Settings are not followed: hpack.c says why that is right.
 *
 * There is no way back to frames after a gap between two of them, or in one of fields: from there
 * on the side is inspected as clear text. A gap within data loses no place.
 *
 * What a request asks for waits for the answer on its stream (http2_asked.h).
 *
 * Bounds: STREAMS_MAX bodies a side and CONTENT_HTTP2_STREAMS of all; the data of further streams
 * is inspected as the side's text (bodies_unread). FIELDS_FRAME_MAX a frame of fields,
 * FIELDS_BLOCK_MAX all frames of one head. Thread: the capture thread. */
#include "body.h"
#include "hpack.h"
#include "http2_asked.h"
#include "protocol.h"
#include "recognise.h"
#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdlib.h>

#define PREFACE_BYTES    24u
#define FRAME_HEAD       9u
#define STREAMS_MAX      128u
#define STREAMS_FIRST    4u
#define FIELDS_FRAME_MAX 32768u /* 16 KiB unless settings allow more; below SIDE_GATHER_MAX */
#define FIELDS_BLOCK_MAX 262144u

enum frame_type {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION,
};
#define SETTING_LAST     0x10u /* of those in IANA's registry */
#define FLAG_END_STREAM  0x01u
#define FLAG_END_HEADERS 0x04u
#define FLAG_PADDED      0x08u
#define FLAG_PRIORITY    0x20u

struct frame {
    uint32_t length, stream;
    uint8_t type, flags;
};

struct stream_body {
    uint32_t id;
    struct body *body;
};

struct http2_side {
    struct hpack *hpack; /* NULL: fields cannot be read any more */
    struct stream_body *streams;
    uint32_t count, room;
    struct frame frame;    /* whose payload comes */
    uint32_t content_left; /* of it */
    uint32_t padding_left;
    struct http2_head head; /* of the block that comes */
    uint32_t block_bytes;
    bool in_block, promised; /* a block goes on; it is a promise's */
    bool block_ends_stream;
    bool begun, lost;
};

static struct http2_side *state_of(const struct side *side)
{
    return side->state;
}

/* --- streams -----------------------------------------------------------------------------------
 */

static struct stream_body *find(struct http2_side *http2, uint32_t id)
{
    for (uint32_t i = http2->count; i > 0; i--) /* the last one is the likeliest */
        if (http2->streams[i - 1].id == id)
            return &http2->streams[i - 1];
    return NULL;
}

static void end_stream(struct side *side, uint32_t id)
{
    struct http2_side *http2 = state_of(side);
    struct stream_body *stream = find(http2, id);
    if (!stream)
        return;
    body_end(stream->body);
    *stream = http2->streams[--http2->count];
    side->owner->content->http2_streams--;
}

static void begin_stream(struct side *side, uint32_t id)
{
    struct http2_side *http2 = state_of(side);
    struct content *content = side->owner->content;
    if (http2->count == STREAMS_MAX || content->http2_streams >= CONTENT_HTTP2_STREAMS) {
        content->bodies_unread++;
        return;
    }
    if (http2->count == http2->room) {
        http2->room = http2->room ? 2 * http2->room : STREAMS_FIRST;
        http2->streams = xrealloc(http2->streams, http2->room * sizeof *http2->streams);
    }
    struct body_said said = http_fields_said(&http2->head.fields);
    http2->streams[http2->count++] = (struct stream_body){id, body_begin(side, &said)};
    content->http2_streams++;
}

/* A stream's end in both directions (RST_STREAM). */
static void end_both(struct side *side, uint32_t id)
{
    struct content_flow *cf = side->owner;
    struct side *other = cf->side[side_index(side) == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG];
    end_stream(side, id);
    http2_asked_take(side->owner->state, id);
    if (other && other->opened)
        end_stream(other, id);
}

static void let_go(struct side *side)
{
    struct http2_side *http2 = state_of(side);
    while (http2->count)
        end_stream(side, http2->streams[http2->count - 1].id);
    hpack_free(http2->hpack);
    http2->hpack = NULL;
    free(http2->streams);
    http2->streams = NULL;
    http2->room = 0;
}

/* From here on it is clear text, as far as anybody knows. */
static size_t lose(struct side *side, const uint8_t *data, size_t size)
{
    let_go(side);
    state_of(side)->lost = true;
    if (size)
        side_inspect(side, data, size);
    return size;
}

static size_t malformed(struct side *side, const uint8_t *data, size_t size)
{
    side->owner->content->malformed++;
    return lose(side, data, size);
}

/* --- fields ------------------------------------------------------------------------------------
 */

/* A request's head is whole, or that of the answer that no other follows. */
static void match(struct side *side, const struct http2_head *head, uint32_t id, bool ends)
{
    struct asked asked = {.account = asked_account_hash(side, &head->fields.account),
                          .project = asked_project_hash(side, &head->project)};
    if (head->asks && (asked.account || asked.project)) {
        bool kept = http2_asked_put(side->owner->state, id, &asked);
        side->owner->content->asks_forgotten += !kept;
    } else if (head->status >= 200) {
        asked = http2_asked_take(side->owner->state, id);
        asked_answered(side, &asked, head->status, !ends && head->fields.length_bytes != 0);
    }
}

/* A head is whole. */
static void end_block(struct side *side)
{
    struct http2_side *http2 = state_of(side);
    uint32_t id = http2->frame.stream;
    bool interim = http2->head.status >= 100 && http2->head.status < 200;
    http2->in_block = false;
    content_server_name(side->owner, http2->head.host);
    content_client(side->owner, &http2->head.client);
    if (!http2->promised)
        match(side, &http2->head, id, http2->block_ends_stream);
    http2->head.fields.account = http2->head.project = (struct asked_name){0}; /* hashed by now */
    if (http2->block_ends_stream)
        end_stream(side, id);
    else if (!interim && !http2->promised && !find(http2, id))
        begin_stream(side, id);
}

static void put_fields(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    bool final = http2->frame.flags & FLAG_END_HEADERS;
    if (http2->hpack && !hpack_put(http2->hpack, &http2->head, data, size, final)) {
        side->owner->content->malformed++;
        hpack_free(http2->hpack);
        http2->hpack = NULL;
    }
    if (final)
        end_block(side);
}

static void begin_block(struct http2_side *http2)
{
    const struct frame *frame = &http2->frame;
    hpack_begin(&http2->head);
    http2->block_bytes = 0;
    http2->in_block = true;
    http2->promised = frame->type == FRAME_PUSH_PROMISE;
    http2->block_ends_stream = frame->type == FRAME_HEADERS && (frame->flags & FLAG_END_STREAM);
}

/* Without padding, priority and promised stream. False: they do not fit. */
static bool block_of(const struct frame *frame, const uint8_t *payload, struct cursor *block)
{
    struct cursor c = cursor_make(payload, frame->length);
    bool first = frame->type != FRAME_CONTINUATION;
    uint8_t padding = first && (frame->flags & FLAG_PADDED) ? cursor_u8(&c) : 0;
    if (frame->type == FRAME_HEADERS && (frame->flags & FLAG_PRIORITY))
        cursor_skip(&c, 5);
    if (frame->type == FRAME_PUSH_PROMISE)
        cursor_skip(&c, 4);
    if (c.failed || padding > cursor_left(&c))
        return false;
    *block = cursor_sub(&c, cursor_left(&c) - padding);
    return true;
}

static size_t step_fields(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    const struct frame *frame = &http2->frame;
    struct cursor block;
    if (frame->length > FIELDS_FRAME_MAX)
        return malformed(side, data, size);
    if (size < FRAME_HEAD + frame->length)
        return 0;
    if (frame->type != FRAME_CONTINUATION)
        begin_block(http2);
    http2->block_bytes += frame->length;
    if (http2->block_bytes > FIELDS_BLOCK_MAX || !block_of(frame, data + FRAME_HEAD, &block))
        return malformed(side, data, size);
    size_t before = (size_t)(block.end - (data + FRAME_HEAD));
    if (before < frame->length) /* the padding */
        side_inspect(side, block.end, frame->length - before);
    put_fields(side, block.at, cursor_left(&block));
    return FRAME_HEAD + frame->length;
}

/* --- payloads ----------------------------------------------------------------------------------
 */

static void end_frame(struct side *side)
{
    const struct http2_side *http2 = state_of(side);
    if (http2->content_left || http2->padding_left)
        return;
    if (http2->frame.type == FRAME_DATA && (http2->frame.flags & FLAG_END_STREAM))
        end_stream(side, http2->frame.stream);
    else if (http2->frame.type == FRAME_RST_STREAM)
        end_both(side, http2->frame.stream);
}

static void put_content(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    const struct stream_body *stream =
        http2->frame.type == FRAME_DATA ? find(http2, http2->frame.stream) : NULL;
    if (stream)
        body_put(stream->body, data, size);
    else
        side_inspect(side, data, size);
}

static size_t step_payload(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    size_t content = http2->content_left < size ? http2->content_left : size;
    if (content)
        put_content(side, data, content);
    http2->content_left -= (uint32_t)content;
    size_t rest = size - content, padding = http2->padding_left < rest ? http2->padding_left : rest;
    http2->padding_left -= (uint32_t)padding;
    if (padding) /* zeros, or what somebody hides there */
        side_inspect(side, data + content, padding);
    end_frame(side);
    return content + padding;
}

static size_t begin_payload(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    struct frame frame = http2->frame;
    bool padded = frame.type == FRAME_DATA && (frame.flags & FLAG_PADDED);
    size_t used = FRAME_HEAD + padded;
    if (size < used)
        return 0;
    http2->padding_left = padded ? data[FRAME_HEAD] : 0;
    if (frame.length < http2->padding_left + padded)
        return malformed(side, data, size);
    http2->content_left = frame.length - http2->padding_left - padded;
    end_frame(side);
    return used;
}

/* --- frames ------------------------------------------------------------------------------------
 */

/* RFC 9113 6: what every frame of its kind has. */
static bool is_frame(const struct http2_side *http2, const struct frame *frame)
{
    if (http2->in_block)
        return frame->type == FRAME_CONTINUATION && frame->stream == http2->frame.stream;
    switch (frame->type) {
    case FRAME_DATA:
    case FRAME_HEADERS:
    case FRAME_PUSH_PROMISE:
        return frame->stream != 0;
    case FRAME_PRIORITY:
        return frame->length == 5;
    case FRAME_RST_STREAM:
        return frame->length == 4 && frame->stream != 0;
    case FRAME_SETTINGS:
        return frame->length % 6 == 0 && frame->stream == 0;
    case FRAME_PING:
        return frame->length == 8 && frame->stream == 0;
    case FRAME_GOAWAY:
        return frame->length >= 8 && frame->stream == 0;
    case FRAME_WINDOW_UPDATE:
        return frame->length == 4;
    case FRAME_CONTINUATION:
        return false;
    default:
        return true; /* an extension's */
    }
}

static struct frame read_frame(const uint8_t *data)
{
    struct cursor c = cursor_make(data, FRAME_HEAD);
    struct frame frame = {.length = cursor_be24(&c)};
    frame.type = cursor_u8(&c);
    frame.flags = cursor_u8(&c);
    frame.stream = cursor_be32(&c) & 0x7fffffff;
    return frame;
}

static size_t step_frame(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    if (size < FRAME_HEAD)
        return 0;
    struct frame frame = read_frame(data);
    if (!is_frame(http2, &frame))
        return malformed(side, data, size);
    http2->frame = frame;
    bool fields = frame.type == FRAME_HEADERS || frame.type == FRAME_PUSH_PROMISE ||
                  frame.type == FRAME_CONTINUATION;
    return fields ? step_fields(side, data, size) : begin_payload(side, data, size);
}

/* A server begins with its settings. */
static enum parse_result settings_begin(const uint8_t *data, size_t size)
{
    if (size < FRAME_HEAD)
        return data[0] == 0 ? PARSE_MORE : PARSE_NOT;
    struct frame frame = read_frame(data);
    bool settings = frame.type == FRAME_SETTINGS && frame.flags == 0 && frame.stream == 0 &&
                    frame.length % 6 == 0 && frame.length <= 120;
    return settings ? PARSE_OK : PARSE_NOT;
}

/* A client's preface, or a server's settings; else it is no HTTP/2. */
static size_t step_beginning(struct side *side, const uint8_t *data, size_t size)
{
    struct http2_side *http2 = state_of(side);
    enum parse_result client = http2_begins(data, size), server = settings_begin(data, size);
    if (client == PARSE_NOT && server == PARSE_NOT)
        return malformed(side, data, size);
    if (client != PARSE_OK && server != PARSE_OK)
        return 0;
    http2->begun = true;
    return client == PARSE_OK ? PREFACE_BYTES : step_frame(side, data, size);
}

/* --- the row -----------------------------------------------------------------------------------
 */

static size_t step(struct side *side, const uint8_t *data, size_t size)
{
    const struct http2_side *http2 = state_of(side);
    if (http2->lost) {
        side_inspect(side, data, size);
        return size;
    }
    if (!http2->begun)
        return step_beginning(side, data, size);
    if (http2->content_left || http2->padding_left)
        return step_payload(side, data, size);
    return step_frame(side, data, size);
}

static void skip_payload(struct side *side, uint32_t bytes)
{
    struct http2_side *http2 = state_of(side);
    uint32_t content = http2->content_left < bytes ? http2->content_left : bytes;
    const struct stream_body *stream = find(http2, http2->frame.stream);
    if (http2->frame.type == FRAME_DATA && stream && content)
        body_gap(stream->body, content);
    http2->content_left -= content;
    http2->padding_left -= bytes - content;
    end_frame(side);
}

static void cut(struct side *side, uint64_t bytes)
{
    const struct http2_side *http2 = state_of(side);
    uint64_t left = (uint64_t)http2->content_left + http2->padding_left;
    if (side->head_size == 0 && bytes <= left) {
        skip_payload(side, (uint32_t)bytes);
        return;
    }
    if (side->head_size)
        lose(side, side->head, side->head_size);
    side_inspect_gap(side, bytes);
    if (!http2->lost)
        lose(side, NULL, 0);
}

static void *flow_open(struct content_flow *cf)
{
    (void)cf;
    return xcalloc(1, sizeof(struct http2_asked));
}

static void flow_close(void *state)
{
    http2_asked_fini(state);
    free(state);
}

static void *open_side(struct side *side)
{
    struct http2_side *http2 = xcalloc(1, sizeof *http2);
    http2->hpack = hpack_new(side);
    side->owner->content->bodies_unread += !http2->hpack;
    return http2;
}

static void close_side(struct side *side, void *state)
{
    let_go(side);
    free(state);
}

/* When a server speaks first: settings, of which the first has a number that is in use. Many
 * protocols begin with a length and zeros; those are none. */
static enum parse_result begins(const struct opening *opening)
{
    enum parse_result result = PARSE_NOT;
    if (opening->side == SIDE_RESP)
        result = settings_begin(opening->data, opening->size);
    if (result != PARSE_OK)
        return result;
    struct cursor c = cursor_make(opening->data, opening->size);
    uint32_t length = cursor_be24(&c);
    cursor_skip(&c, FRAME_HEAD - 3);
    uint16_t setting = cursor_be16(&c);
    if (length == 0 || (!c.failed && (setting == 0 || setting > SETTING_LAST)))
        return PARSE_NOT;
    return c.failed ? PARSE_MORE : PARSE_OK;
}

const struct protocol http2_protocol = {
    .service = SERVICE_HTTP2,
    .begins = begins,
    .flow_open = flow_open,
    .flow_close = flow_close,
    .open = open_side,
    .close = close_side,
    .step = step,
    .cut = cut,
};
