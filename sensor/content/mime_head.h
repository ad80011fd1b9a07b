/* The head of a message or of a part of one: what its fields say of the body that follows. RFC 5322
 * 2.2, RFC 2045 5 and 6, RFC 2046 5.1 and 5.2. No allocation. Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_MIME_HEAD_H
#define WEIR_SENSOR_CONTENT_MIME_HEAD_H

#include "body.h"

#define MIME_HEAD_BYTES 65536u
#define MIME_HEAD_LINES 1000u
#define MIME_FIELD_MAX  2048u /* of a field, with its folded lines: what is beyond is not read */

enum mime_kind {
    MIME_LEAF,
    MIME_MULTIPART, /* boundary "": it has none that can be read */
    MIME_DIGEST,    /* … whose parts are messages unless they say otherwise */
    MIME_MESSAGE
};

struct mime_said {
    uint8_t kind;   /* enum mime_kind */
    uint8_t coding; /* CODING_NONE, _BASE64, _QUOTED, _UNKNOWN */
    char boundary[BODY_BOUNDARY_MAX + 1];
};

/* One field, "Name: value", perhaps with line ends in it. Others than Content-Type and
 * Content-Transfer-Encoding change nothing. */
void mime_read_field(struct mime_said *said, const char *field, size_t size);
/* The boundary parameter of a Content-Type's value. False: it has none that may be (1 to
 * BODY_BOUNDARY_MAX characters), and `boundary` is "". */
bool mime_boundary(const char *value, size_t size, char boundary[BODY_BOUNDARY_MAX + 1]);

/* A head, line by line; zeros begin one, but for `field`. */
struct mime_head {
    struct mime_said said;
    uint32_t bytes, lines;
    uint8_t place;                 /* within a line: mime_head.c's */
    bool begun;                    /* the line has a byte */
    bool cut;                      /* bytes of the head are missing */
    bool lost;                     /* what a folded line would go on with is missing */
    uint16_t size;                 /* of `field` */
    uint8_t field[MIME_FIELD_MAX]; /* the last one; or a line's first bytes, as long as it may be
                                    * none */
};

enum mime_head_result {
    MIME_HEAD_MORE,
    MIME_HEAD_END,      /* its empty line was taken */
    MIME_HEAD_NO_FIELD, /* the body begins with the `size` bytes of `field`, that were taken */
    MIME_HEAD_BEYOND    /* too long; the body begins as with MIME_HEAD_NO_FIELD */
};

/* Takes bytes until the head ends; *used, how many. The result does not depend on how they are
 * cut. */
enum mime_head_result mime_head_take(struct mime_head *head, const uint8_t *data, size_t size,
                                     size_t *used);
void mime_head_gap(struct mime_head *head);

#endif
