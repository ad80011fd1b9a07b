/* One body that a side sends: a request's or answer's content, a message, a file. What was said of
 * it is held against what comes; its codings are undone as its bytes come, to a bound; what comes
 * out is inspected apart from everything around it. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_BODY_H
#define WEIR_SENSOR_CONTENT_BODY_H

#include "flow_content.h"

enum body_coding {
    CODING_NONE,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BROTLI,
    CODING_ZSTD,
    CODING_BASE64,
    CODING_QUOTED,  /* quoted-printable */
    CODING_UNKNOWN, /* counted; the bytes are inspected as they are */
    CODINGS
};

#define BODY_CODINGS_MAX  4u  /* one upon the other */
#define BODY_BOUNDARY_MAX 70u /* RFC 2046 5.1.1 */
#define BODY_UNDECLARED   (-1)

struct body_said {
    int64_t declared_bytes;                    /* as they are sent; or BODY_UNDECLARED */
    enum body_coding coding[BODY_CODINGS_MAX]; /* the one to be undone first, first */
    char boundary[BODY_BOUNDARY_MAX + 1];      /* of a multipart; "": none */
    bool message; /* it begins with a head of its own (MIME), which says more */
    bool dns;     /* it is a DNS message (RFC 8484) */
};

struct body;
struct body *body_begin(struct side *side, const struct body_said *said);
void body_put(struct body *body, const uint8_t *data, size_t size);
void body_gap(struct body *body, uint64_t bytes);
void body_end(struct body *body); /* frees it; NULL is nothing */

#endif
