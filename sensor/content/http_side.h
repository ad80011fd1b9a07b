/* One side of an HTTP/1 connection: where in its messages it is; private to http_stream.c (the row,
 * bodies), http_heads.c and http_chunks.c. */
#ifndef WEIR_SENSOR_CONTENT_HTTP_SIDE_H
#define WEIR_SENSOR_CONTENT_HTTP_SIDE_H

#include "body.h"
#include "http_asked.h"
#include "http_fields.h"
#include "websocket.h"

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

static inline struct http_side *http_state_of(const struct side *side)
{
    return side->state;
}

static inline struct http_asked *http_asked_of(const struct side *side)
{
    return side->owner->state;
}

/* The message is over. */
void http_end_message(struct http_side *http);
/* What comes next on this side is not known. */
void http_lose(struct side *side);
/* These bytes are not what was due: clear text, as far as anybody knows. Returns `size`. */
size_t http_lose_here(struct side *side, const uint8_t *data, size_t size);

/* Steps, as a row's. */
size_t http_step_head(struct side *side, const uint8_t *data, size_t size);
size_t http_step_chunk_line(struct side *side, const uint8_t *data, size_t size);
size_t http_step_chunk_end(struct side *side, const uint8_t *data, size_t size);
size_t http_step_trailers(struct side *side, const uint8_t *data, size_t size);

#endif
