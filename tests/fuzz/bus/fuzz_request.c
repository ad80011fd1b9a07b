/* A request of the control API: the verdict does not depend on how the bytes were cut, and what is
 * taken lies inside the head. */
#include "../../../sensor/bus/http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int inside(const char *text, const char *head, size_t size)
{
    return text >= head && text + strlen(text) < head + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t seen = 0, head_size = 0, seen_all = 0, head_size_all = 0;
    enum http_result cut = HTTP_MORE;
    for (size_t given = 0; cut == HTTP_MORE && given <= size; given++)
        cut = http_find_head(bytes, given, &seen, &head_size);
    enum http_result all = http_find_head(bytes, size, &seen_all, &head_size_all);
    if (all != cut || head_size != head_size_all)
        abort();
    if (all != HTTP_OK)
        return 0;
    char *head = malloc(head_size);
    struct http_request request;
    if (!head)
        return 0;
    memcpy(head, bytes, head_size);
    if (http_read_head(head, head_size, &request) == HTTP_OK &&
        (!inside(request.method, head, head_size) || !inside(request.path, head, head_size) ||
         !inside(request.query, head, head_size) || request.body_size > HTTP_BODY_MAX))
        abort();
    free(head);
    return 0;
}
