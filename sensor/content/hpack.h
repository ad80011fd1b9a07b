/* HTTP/2's packed heads (RFC 7541), read by libnghttp2: what they say of a message. */
#ifndef WEIR_SENSOR_CONTENT_HPACK_H
#define WEIR_SENSOR_CONTENT_HPACK_H

#include "http_fields.h"

struct http2_head {
    struct http_fields fields;
    struct client_claim client;
    char host[RECORD_NAME_MAX + 1]; /* :authority, else host */
    uint16_t status;                /* 0: a request or trailers */
    struct asked_name project;      /* of :path */
    bool asks;                      /* it has a :path: a request's */
    uint32_t text_bytes;            /* of names and values so far */
    bool bomb;                      /* some of it was let go */
};

/* One direction's table. Its memory counts in content->hpack_bytes. */
struct hpack;
struct hpack *hpack_new(struct side *side); /* NULL: no room */
void hpack_free(struct hpack *hpack);
void hpack_begin(struct http2_head *head);
/* A piece of a block; `final`: its last. What it says is read to HPACK_TEXT_MAX and inspected.
 * False: damaged, or no room; the table is of no use any more. */
bool hpack_put(struct hpack *hpack, struct http2_head *head, const uint8_t *data, size_t size,
               bool final);

#endif
