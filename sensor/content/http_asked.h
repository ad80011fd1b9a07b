/* Which requests of a connection wait for their answers: whether an answer has a body depends on
 * what was asked for (RFC 9112 6.3), and an answer says who was let in where. Plain data. */
#ifndef WEIR_SENSOR_CONTENT_HTTP_ASKED_H
#define WEIR_SENSOR_CONTENT_HTTP_ASKED_H

#include "asked.h"

#define HTTP_ASKED_MAX 64u /* that are told apart; of further ones only how many */

enum http_asked_for { ASKED_CONTENT, ASKED_HEAD, ASKED_TUNNEL, ASKED_UNKNOWN };

/* All zero: nothing was seen yet. */
struct http_asked {
    uint8_t what[HTTP_ASKED_MAX];
    struct asked whose[HTTP_ASKED_MAX];
    uint8_t first, count;
    uint64_t more;     /* after those; taken for ASKED_CONTENT */
    bool sure;         /* no request was lost since one was seen */
    bool ahead;        /* an answer was seen before its request */
    bool answers_lost; /* how many is not known */
};

/* False: it will not be told apart. */
bool http_asked_put(struct http_asked *asked, enum http_asked_for what, const struct asked *whose);
/* What the next answer answers; *whose is all zero where that is not known. */
enum http_asked_for http_asked_take(struct http_asked *asked, struct asked *whose);
void http_asked_lose_requests(struct http_asked *asked);
void http_asked_lose_answers(struct http_asked *asked);

#endif
