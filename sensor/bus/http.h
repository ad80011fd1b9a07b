/* One HTTP/1.1 request out of bytes that came from outside (RFC 9112), as much as the control API
 * needs: a request line, headers of which a few matter, a body of a stated length. Pure, no
 * allocation; strict where leniency has let requests be smuggled. */
#ifndef WEIR_BUS_HTTP_H
#define WEIR_BUS_HTTP_H

#include "weir/bus/api.h"

#include <stddef.h>

#define HTTP_HEAD_MAX ((size_t)8 << 10) /* request line and headers, with the empty line */
#define HTTP_BODY_MAX ((size_t)64 << 10)

enum http_result {
    HTTP_OK,
    HTTP_MORE,         /* so far good: not all is there yet */
    HTTP_BAD,          /* not HTTP, or contradicts itself: 400 */
    HTTP_HEAD_LARGE,   /* 431 */
    HTTP_BODY_LARGE,   /* 413 */
    HTTP_NO_LENGTH,    /* a body in a transfer coding: 411 */
    HTTP_VERSION_WRONG /* 505 */
};

struct http_request {
    char *method, *path, *query;     /* in the caller's bytes; query is "" without one */
    size_t head_size;                /* of the request line and headers; the body follows */
    size_t body_size;                /* as stated */
    const char *header[API_HEADERS]; /* likewise in the caller's bytes; NULL: not stated */
};

/* Whether the head is whole: HTTP_OK (its size in *head_size), HTTP_MORE, HTTP_BAD or
 * HTTP_HEAD_LARGE. `*seen` is where to go on looking, 0 at first, so that a head that comes byte by
 * byte is looked at once. */
enum http_result http_find_head(const char *bytes, size_t size, size_t *seen, size_t *head_size);
/* Reads a head that http_find_head found. The bytes are cut into strings in place. */
enum http_result http_read_head(char *head, size_t head_size, struct http_request *request);
const char *http_reason(int status); /* "Not Found"; "Unknown" for one that is never sent */

#endif
