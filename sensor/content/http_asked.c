/* A ring of what was asked for, answered in order.
 *
 * A sensor may see an answer before its request (two directions, two paths): such a request is not
 * put, so that the next answer is not taken for its. Where requests were lost, what waits is
 * forgotten. Where answers were lost, whatever was asked before the next request counts as
 * answered: few clients ask again before they have an answer. Pure. */
#include "http_asked.h"

static void clear(struct http_asked *asked)
{
    asked->count = 0;
    asked->more = 0;
}

bool http_asked_put(struct http_asked *asked, enum http_asked_for what, const struct asked *whose)
{
    if (asked->answers_lost)
        clear(asked);
    asked->answers_lost = false;
    if (asked->ahead) {
        asked->ahead = false;
        return true;
    }
    asked->sure = true;
    if (asked->count == HTTP_ASKED_MAX || asked->more > 0) {
        asked->more++;
        return false;
    }
    unsigned place = (asked->first + asked->count++) % HTTP_ASKED_MAX;
    asked->what[place] = (uint8_t)what;
    asked->whose[place] = *whose;
    return true;
}

enum http_asked_for http_asked_take(struct http_asked *asked, struct asked *whose)
{
    *whose = (struct asked){0};
    if (asked->answers_lost)
        return ASKED_UNKNOWN;
    if (asked->count) {
        enum http_asked_for what = (enum http_asked_for)asked->what[asked->first];
        *whose = asked->whose[asked->first];
        asked->first = (uint8_t)((asked->first + 1) % HTTP_ASKED_MAX);
        asked->count--;
        return what;
    }
    if (asked->more) {
        asked->more--;
        return ASKED_CONTENT;
    }
    asked->ahead = asked->sure;
    return ASKED_UNKNOWN;
}

void http_asked_lose_requests(struct http_asked *asked)
{
    clear(asked);
    asked->sure = asked->ahead = false;
}

void http_asked_lose_answers(struct http_asked *asked)
{
    asked->answers_lost = true;
    asked->ahead = false;
}
