/* Which requests of an HTTP/2 connection wait for their answers, by stream. Plain data. */
#ifndef WEIR_SENSOR_CONTENT_HTTP2_ASKED_H
#define WEIR_SENSOR_CONTENT_HTTP2_ASKED_H

#include "asked.h"

#define HTTP2_ASKED_MAX 128u /* streams that servers usually allow at once */

struct http2_waiting {
    uint32_t id;
    struct asked asked;
};

struct http2_asked {               /* all zero: none wait */
    struct http2_waiting *waiting; /* the oldest first */
    uint32_t count, room;
};

void http2_asked_fini(struct http2_asked *asked);
/* False: the oldest one was forgotten for it. */
bool http2_asked_put(struct http2_asked *asked, uint32_t id, const struct asked *what);
/* What was asked for on this stream, which waits no more; all zero: not known. */
struct asked http2_asked_take(struct http2_asked *asked, uint32_t id);

#endif
