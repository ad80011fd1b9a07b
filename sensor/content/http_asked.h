/* Which requests of a connection wait for their answers: whether an answer has a body depends on
 * what was asked for (RFC 9112 6.3). Plain data. */
#ifndef WEIR_SENSOR_CONTENT_HTTP_ASKED_H
#define WEIR_SENSOR_CONTENT_HTTP_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#define HTTP_ASKED_MAX 64u /* that are told apart; of further ones only how many */

enum http_asked_for { ASKED_CONTENT, ASKED_HEAD, ASKED_TUNNEL, ASKED_UNKNOWN };

/* All zero: nothing was seen yet. */
struct http_asked {
    uint8_t what[HTTP_ASKED_MAX];
    uint8_t first, count;
    uint64_t more;     /* after those; taken for ASKED_CONTENT */
    bool sure;         /* no request was lost since one was seen */
    bool ahead;        /* an answer was seen before its request */
    bool answers_lost; /* how many is not known */
};

void http_asked_put(struct http_asked *asked, enum http_asked_for what);
/* What the next answer answers. */
enum http_asked_for http_asked_take(struct http_asked *asked);
void http_asked_lose_requests(struct http_asked *asked);
void http_asked_lose_answers(struct http_asked *asked);

#endif
