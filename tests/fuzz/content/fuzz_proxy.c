/* PROXY headers: bounds, and that a header whose claim is whole claims the same with more bytes
 * behind it. */
#include "weir/content/client.h"

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
    struct proxy_head head, again;
    enum parse_result result = proxy_parse(data, size, &head);
    check(result < PARSE_RESULTS);
    check(head.client.by == CLIENT_NONE || head.client.by == CLIENT_PROXY_PROTOCOL);
    check(result == PARSE_OK || head.client.by == CLIENT_NONE);
    check(result != PARSE_MORE || size < PROXY_HEAD_MAX);
    check(head.size <= 16 + UINT16_MAX);
    if (result != PARSE_OK)
        return 0;
    check(head.size > 0);
    if (head.size < size) {
        check(proxy_parse(data, head.size, &again) == PARSE_OK);
        check(memcmp(&head, &again, sizeof head) == 0);
    }
    return 0;
}
