/* HTTP heads: bounds, and that more bytes behind a head change nothing. */
#include "weir/content/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head head, again;
    enum parse_result result = http_parse_head(data, size, &head);
    check(result < PARSE_RESULTS);
    check(memchr(head.host, '\0', sizeof head.host) != NULL);
    check(memchr(head.method, '\0', sizeof head.method) != NULL);
    for (const char *at = head.host; *at; at++)
        check(*at > ' ' && *at < 0x7f && (*at < 'A' || *at > 'Z'));
    check(head.request || (head.host[0] == '\0' && head.method[0] == '\0'));
    check((result == PARSE_OK) == (head.size > 0));
    if (result == PARSE_OK) {
        check(head.size <= size && head.body_bytes >= HTTP_BODY_UNKNOWN);
        check(http_parse_head(data, head.size, &again) == PARSE_OK);
        check(head.size == again.size && head.body_bytes == again.body_bytes);
        check(strcmp(head.host, again.host) == 0 && strcmp(head.method, again.method) == 0);
        if (head.size < HTTP_HEAD_MAX)
            check(http_parse_head(data, head.size - 1, &again) == PARSE_MORE);
    }
    return 0;
}
