/* HTTP/1 heads: the host asked for, and where the head and its body end (RFC 9112).
 *
 * A request is "METHOD SP target SP HTTP/", whatever the method, once its line is whole; as long as
 * it is not, only methods that are known count, so that a capital letter alone is not yet HTTP. The
 * host is a CONNECT's target (RFC 9110 9.3.6: where the bytes go), else that of the Host field;
 * without one, that of an absolute target. For whom a proxy asks is read by forwarded.c.
 *
 * Pure; no allocation. Bound: HTTP_HEAD_MAX; a longer head is malformed. */
#include "http_fields.h"
#include "recognise.h"
#include "span.h"
#include "weir/base/cursor.h"
#include "weir/content/client.h"
#include "weir/content/names.h"

#include <string.h>
#include <strings.h>

static const char *const methods[] = {
    "GET",       "HEAD",     "POST",   "PUT",         "DELETE",       "CONNECT", "OPTIONS",
    "TRACE",     "PATCH",    "PRI",    "PROPFIND",    "PROPPATCH",    "MKCOL",   "COPY",
    "MOVE",      "LOCK",     "UNLOCK", "REPORT",      "SEARCH",       "MERGE",   "CHECKOUT",
    "SUBSCRIBE", "CCM_POST", "NOTIFY", "RPC_IN_DATA", "RPC_OUT_DATA",
};

static bool is_method_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static size_t method_size(const uint8_t *data, size_t size)
{
    size_t i = 0;
    while (i < size && i < sizeof((struct http_head *)0)->method && is_method_char(data[i]))
        i++;
    return i;
}

/* Is the `size` bytes' token a known method (or, when `prefix`, the beginning of one)? */
static bool known_method(const uint8_t *data, size_t size, bool prefix)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t length = strlen(methods[i]);
        if ((prefix ? size <= length : size == length) && memcmp(methods[i], data, size) == 0)
            return true;
    }
    return false;
}

static bool has_prefix(struct text_span text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && strncasecmp(text.at, prefix, size) == 0;
}

/* The bytes up to the line's end, without it, and steps over both. False: the line is not whole. */
static bool take_line(struct cursor *c, struct text_span *line)
{
    size_t left = cursor_left(c);
    const uint8_t *end = left ? memchr(c->at, '\n', left) : NULL;
    if (!end)
        return false;
    size_t size = (size_t)(end - c->at);
    *line = (struct text_span){(const char *)c->at, size};
    if (size && end[-1] == '\r')
        line->size--;
    cursor_skip(c, size + 1);
    return true;
}

static bool is_version(struct text_span text)
{
    return text.size == 8 && memcmp(text.at, "HTTP/", 5) == 0;
}

/* "METHOD target HTTP/1.1" in its three parts. */
static bool split_request(struct text_span line, struct text_span *method, struct text_span *target)
{
    size_t size = method_size((const uint8_t *)line.at, line.size);
    if (size < 3 || size >= sizeof((struct http_head *)0)->method || size == line.size ||
        line.at[size] != ' ')
        return false;
    *method = (struct text_span){line.at, size};
    const char *last = memrchr(line.at + size, ' ', line.size - size);
    struct text_span version = {last + 1, (size_t)(line.at + line.size - (last + 1))};
    *target = (struct text_span){line.at + size + 1, 0};
    if (!is_version(version) || last <= target->at)
        return false;
    target->size = (size_t)(last - target->at);
    return true;
}

static enum parse_result begins_answer(const uint8_t *data, size_t size)
{
    static const char start[] = "HTTP/1.";
    size_t n = size < sizeof start - 1 ? size : sizeof start - 1;
    if (memcmp(data, start, n) != 0)
        return PARSE_NOT;
    return n == sizeof start - 1 ? PARSE_OK : PARSE_MORE;
}

/* A request whose line has no end yet. */
static enum parse_result begins_unfinished(const uint8_t *data, size_t size)
{
    size_t token = method_size(data, size);
    if (token == size)
        return known_method(data, size, true) ? PARSE_MORE : PARSE_NOT;
    if (data[token] != ' ' || !known_method(data, token, false))
        return PARSE_NOT;
    struct text_span target = {(const char *)data + token + 1, size - token - 1};
    if (target.size && (target.at[0] == '/' || has_prefix(target, "http://")))
        return PARSE_OK;
    return PARSE_MORE; /* OPTIONS is RTSP's and SIP's too: the version will tell */
}

enum parse_result http_begins(const uint8_t *data, size_t size)
{
    if (size == 0)
        return PARSE_MORE;
    enum parse_result answer = begins_answer(data, size);
    if (answer != PARSE_NOT)
        return answer;
    struct cursor c = cursor_make(data, size);
    struct text_span line, method, target;
    if (take_line(&c, &line))
        return split_request(line, &method, &target) ? PARSE_OK : PARSE_NOT;
    return begins_unfinished(data, size);
}

enum parse_result http2_begins(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t n = size < sizeof preface - 1 ? size : sizeof preface - 1;
    if (memcmp(data, preface, n) != 0)
        return PARSE_NOT;
    return n == sizeof preface - 1 ? PARSE_OK : PARSE_MORE;
}

bool http_is_request(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct text_span line, method, target;
    if (method_size(data, size) < 3) /* nearly always: no look for a line's end */
        return false;
    return take_line(&c, &line) && split_request(line, &method, &target) &&
           known_method((const uint8_t *)method.at, method.size, false);
}

/* --- the host ----------------------------------------------------------------------------------
 */

static bool all_digits(struct text_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* "host:port", "[v6]:port", "user@host" -> the host. Whoever writes a target there, which none may,
 * leaves its path and query behind: they are no name. */
static struct text_span host_of(struct text_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] == '/' || text.at[i] == '?' || text.at[i] == '#')
            text.size = i;
    const char *at = text.size ? memrchr(text.at, '@', text.size) : NULL;
    if (at)
        text = (struct text_span){at + 1, (size_t)(text.at + text.size - (at + 1))};
    const char *bracket = text.size ? memchr(text.at, ']', text.size) : NULL;
    if (bracket && *text.at == '[')
        return (struct text_span){text.at + 1, (size_t)(bracket - (text.at + 1))};
    const char *colon = text.size ? memrchr(text.at, ':', text.size) : NULL;
    if (colon &&
        all_digits((struct text_span){colon + 1, (size_t)(text.at + text.size - (colon + 1))}))
        text.size = (size_t)(colon - text.at);
    if (text.size && text.at[text.size - 1] == '.')
        text.size--;
    return text;
}

void http_host(struct text_span text, char host[RECORD_NAME_MAX + 1])
{
    struct text_span name = host_of(text_span_trim(text));
    if (name.size > RECORD_NAME_MAX)
        return;
    for (size_t i = 0; i < name.size; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return;
    for (size_t i = 0; i < name.size; i++)
        host[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]);
    host[name.size] = '\0';
}

/* The authority of an absolute or CONNECT target. */
static struct text_span authority_of(struct text_span method, struct text_span target)
{
    static const struct text_span none = {"", 0};
    if (method.size == 7 && memcmp(method.at, "CONNECT", 7) == 0)
        return target;
    const char *scheme = memmem(target.at, target.size, "://", 3);
    if (!scheme || *target.at == '/')
        return none;
    struct text_span rest = {scheme + 3, (size_t)(target.at + target.size - (scheme + 3))};
    for (size_t i = 0; i < rest.size; i++)
        if (strchr("/?#", rest.at[i]))
            rest.size = i;
    return rest;
}

/* --- fields ------------------------------------------------------------------------------------
 */

int64_t http_length(struct text_span value)
{
    int64_t bytes = 0;
    if (value.size == 0 || value.size > 18 || !all_digits(value))
        return HTTP_BODY_UNKNOWN;
    for (size_t i = 0; i < value.size; i++)
        bytes = bytes * 10 + (value.at[i] - '0');
    return bytes;
}

struct fields {
    bool host_seen, chunked, length_seen;
    int64_t length;
};

void http_claim(struct text_span name, struct text_span value, struct client_claim *claim)
{
    struct client_claim client = {.by = CLIENT_NONE};
    bool named = false;
    if (claim->by != CLIENT_NONE)
        return;
    if (name.size == 15 && has_prefix(name, "x-forwarded-for"))
        named = forwarded_for(value.at, value.size, &client);
    else if (name.size == 9 && has_prefix(name, "forwarded"))
        named = forwarded(value.at, value.size, &client);
    if (named)
        *claim = client;
}

static void one_field(struct text_span line, struct fields *fields, struct http_head *head)
{
    const char *colon = memchr(line.at, ':', line.size);
    if (!colon)
        return;
    struct text_span name = {line.at, (size_t)(colon - line.at)};
    struct text_span value =
        text_span_trim((struct text_span){colon + 1, line.size - name.size - 1});
    if (name.size == 4 && has_prefix(name, "host") && !fields->host_seen) {
        fields->host_seen = value.size > 0;
        http_host(value, head->host);
    } else if (name.size == 14 && has_prefix(name, "content-length") && !fields->length_seen) {
        fields->length_seen = true;
        fields->length = http_length(value);
    } else if (name.size == 17 && has_prefix(name, "transfer-encoding")) {
        fields->chunked = true;
    } else {
        http_claim(name, value, &head->client);
    }
}

/* Lines up to the empty one. False: it is not there yet. */
static bool read_fields(struct cursor *c, struct fields *fields, struct http_head *head)
{
    struct text_span line;
    while (take_line(c, &line)) {
        if (line.size == 0)
            return true;
        if (head->request)
            one_field(line, fields, head);
    }
    return false;
}

/* "HTTP/1.1 200 OK" (RFC 9112 4) */
static uint16_t status_of(struct text_span line)
{
    struct text_span digits = {line.at + 9, 3};
    if (line.size < 12 || line.at[8] != ' ' || !all_digits(digits))
        return 0;
    return (uint16_t)((digits.at[0] - '0') * 100 + (digits.at[1] - '0') * 10 + digits.at[2] - '0');
}

static enum parse_result read_first_line(struct text_span line, struct http_head *head,
                                         struct text_span *authority)
{
    struct text_span method, target;
    if (has_prefix(line, "HTTP/1.")) {
        head->status = status_of(line);
        return PARSE_OK;
    }
    if (!split_request(line, &method, &target))
        return PARSE_NOT;
    head->request = true;
    memcpy(head->method, method.at, method.size);
    *authority = authority_of(method, target);
    return PARSE_OK;
}

enum parse_result http_parse_head(const uint8_t *data, size_t size, struct http_head *head)
{
    struct cursor c = cursor_make(data, size);
    struct text_span line = {"", 0}, authority = {"", 0};
    struct fields fields = {.length = 0};
    memset(head, 0, sizeof *head);
    /* RFC 9112 2.2: an empty line or two before a request are to be forgiven. */
    for (int i = 0; i < 4 && cursor_left(&c) && (*c.at == '\r' || *c.at == '\n'); i++)
        cursor_skip(&c, 1);
    enum parse_result begins = http_begins(c.at, cursor_left(&c));
    if (begins == PARSE_NOT)
        return PARSE_NOT;
    if (!take_line(&c, &line))
        return size < HTTP_HEAD_MAX ? PARSE_MORE : PARSE_MALFORMED;
    if (read_first_line(line, head, &authority) != PARSE_OK)
        return PARSE_NOT;
    bool whole = read_fields(&c, &fields, head);
    bool connect = strcmp(head->method, "CONNECT") == 0;
    if (head->request && (!fields.host_seen || (connect && authority.size > 0)))
        http_host(authority, head->host);
    if (!whole)
        return size < HTTP_HEAD_MAX ? PARSE_MORE : PARSE_MALFORMED;
    head->size = (uint32_t)(size - cursor_left(&c));
    head->body_bytes = fields.chunked ? HTTP_BODY_UNKNOWN : fields.length;
    return PARSE_OK;
}
