/* Heads of HTTP/1: what comes after one (RFC 9112 6.3). A head is gathered until its empty line is
 * there, which is looked for once in each byte, and then read. Bound: HTTP_HEAD_MAX.
 * Thread: the capture thread. */
#include "doh.h"
#include "http_side.h"
#include "recognise.h"

#include <string.h>

static void begin_body(struct side *side, const struct http_fields *fields)
{
    struct http_side *http = http_state_of(side);
    bool measured = !fields->transfer && !fields->length_bad;
    http->said = http_fields_said(fields);
    http->left_bytes = fields->length_bytes > 0 ? (uint64_t)fields->length_bytes : 0;
    if (fields->chunked) {
        http->place = PLACE_CHUNK_LINE;
    } else if (measured && http->left_bytes) {
        http->place = PLACE_BODY;
        if (!http->unmatched) /* else perhaps a HEAD's: the first byte will tell */
            http->body = body_begin(side, &http->said);
    } else if (measured && (http->asks || fields->length_bytes == 0)) {
        http_end_message(http);
    } else if (http->asks || fields->length_bad) { /* RFC 9112 6.3: nobody can know its end */
        side->owner->content->malformed++;
        http_lose(side);
    } else {
        http->place = PLACE_TO_CLOSE;
    }
}

static void take_request(struct side *side, const struct http_head *head,
                         const struct http_fields *fields, const struct asked *asked)
{
    struct http_side *http = http_state_of(side);
    bool tunnel = strcmp(head->method, "CONNECT") == 0,
         bodiless = strcmp(head->method, "HEAD") == 0;
    enum http_asked_for what = tunnel ? ASKED_TUNNEL : bodiless ? ASKED_HEAD : ASKED_CONTENT;
    if (!http_asked_put(http_asked_of(side), what, asked) && (asked->account || asked->project))
        side->owner->content->asks_forgotten++;
    http->unmatched = false;
    http->next = tunnel ? HTTP_UPGRADE_OTHER : fields->upgrade;
    http->after = http->next != HTTP_UPGRADE_NONE ? PLACE_NEXT : PLACE_HEAD;
    if (tunnel)
        http_end_message(http);
    else
        begin_body(side, fields);
}

static void take_answer(struct side *side, uint16_t status, const struct http_fields *fields)
{
    struct http_side *http = http_state_of(side);
    bool interim = status >= 100 && status < 200 && status != 101;
    struct asked asked = {0};
    enum http_asked_for what =
        interim ? ASKED_CONTENT : http_asked_take(http_asked_of(side), &asked);
    bool gives = what != ASKED_HEAD && status != 204 && fields->length_bytes != 0;
    asked_answered(side, &asked, status, gives);
    bool tunnel = what == ASKED_TUNNEL && status >= 200 && status < 300;
    http->unmatched = what == ASKED_UNKNOWN;
    http->next = tunnel ? HTTP_UPGRADE_OTHER : fields->upgrade;
    http->after = tunnel || status == 101 ? PLACE_NEXT : PLACE_HEAD;
    if (interim || tunnel || status == 101 || status == 204 || status == 304 || what == ASKED_HEAD)
        http_end_message(http);
    else
        begin_body(side, fields);
}

static struct text_span target_of(const uint8_t *head, size_t size)
{
    const uint8_t *end = memchr(head, '\n', size), *from = memchr(head, ' ', size);
    const uint8_t *to = end ? memrchr(head, ' ', (size_t)(end - head)) : NULL;
    if (!from || !to || to <= from)
        return (struct text_span){"", 0};
    return (struct text_span){(const char *)from + 1, (size_t)(to - from - 1)};
}

/* A request's target may carry a DNS question, and says what is asked for. */
static struct asked look_at_request(struct side *side, struct text_span target,
                                    const struct http_fields *fields)
{
    struct asked_name project;
    doh_target(side, target);
    asked_project(target, &project);
    return (struct asked){.account = asked_account_hash(side, &fields->account),
                          .project = asked_project_hash(side, &project)};
}

static void take_head(struct side *side, const struct http_head *head, const uint8_t *data)
{
    struct http_side *http = http_state_of(side);
    struct http_fields fields;
    http_fields_read(&fields, data, head->size);
    side_inspect(side, data, head->size);
    content_server_name(side->owner, head->host);
    content_client(side->owner, &head->client);
    http->asks = head->request;
    if (!head->request) {
        take_answer(side, head->status, &fields);
        return;
    }
    struct asked asked = look_at_request(side, target_of(data, head->size), &fields);
    take_request(side, head, &fields, &asked);
}

/* Is there an empty line? Each byte is looked at once, however the head comes. */
static bool has_end(struct http_side *http, const uint8_t *data, size_t size)
{
    size_t from = http->searched > 3 ? http->searched - 3 : 0;
    http->searched = (uint32_t)size;
    const uint8_t *at = data + from, *end = data + size;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if ((end - at >= 1 && at[0] == '\n') || (end - at >= 2 && at[0] == '\r' && at[1] == '\n'))
            return true;
    }
    return false;
}

size_t http_step_head(struct side *side, const uint8_t *data, size_t size)
{
    struct http_side *http = http_state_of(side);
    struct http_head head;
    bool whole = has_end(http, data, size) || size >= HTTP_HEAD_MAX;
    enum parse_result result = PARSE_MORE;
    if (whole)
        result = http_parse_head(data, size, &head);
    else if (size < RECOGNISE_BYTES_MAX && http_parse_head(data, size, &head) == PARSE_NOT)
        result = PARSE_NOT;
    if (result == PARSE_MORE)
        return 0;
    http->searched = 0;
    if (result == PARSE_OK) {
        take_head(side, &head, data);
        return head.size;
    }
    content_server_name(side->owner, head.host);
    content_client(side->owner, &head.client);
    return http_lose_here(side, data, size);
}
