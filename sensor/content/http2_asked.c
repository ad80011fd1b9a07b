/* A short list, looked through from its beginning: answers come roughly in the order of requests.
 * Bound: HTTP2_ASKED_MAX of 24 bytes. Thread: the capture thread. */
#include "http2_asked.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 4u

void http2_asked_fini(struct http2_asked *asked)
{
    free(asked->waiting);
}

static void drop(struct http2_asked *asked, uint32_t at)
{
    asked->count--;
    memmove(asked->waiting + at, asked->waiting + at + 1,
            (asked->count - at) * sizeof *asked->waiting);
}

bool http2_asked_put(struct http2_asked *asked, uint32_t id, const struct asked *what)
{
    bool full = asked->count == HTTP2_ASKED_MAX;
    if (full)
        drop(asked, 0);
    if (asked->count == asked->room) {
        asked->room = asked->room ? 2 * asked->room : FIRST;
        asked->waiting = xrealloc(asked->waiting, asked->room * sizeof *asked->waiting);
    }
    asked->waiting[asked->count++] = (struct http2_waiting){id, *what};
    return !full;
}

struct asked http2_asked_take(struct http2_asked *asked, uint32_t id)
{
    for (uint32_t i = 0; i < asked->count; i++) {
        struct asked what = asked->waiting[i].asked;
        if (asked->waiting[i].id != id)
            continue;
        drop(asked, i);
        return what;
    }
    return (struct asked){0};
}
