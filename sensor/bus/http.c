/* One HTTP/1.1 request.
 *
 * A head is bytes without control characters up to an empty line; the first that is neither ends
 * it as bad at once, so garbage is answered instead of waited for. Every line ends in CR LF. A
 * header that is folded, has a blank before its colon or no name, a Content-Length that is stated
 * twice or is no number are refused: two programs that read such a thing differently are how
 * requests are smuggled. Thread: the caller's. */
#include "http.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum http_result http_find_head(const char *bytes, size_t size, size_t *seen, size_t *head_size)
{
    size_t end = size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX;
    for (; *seen < end; ++*seen) {
        unsigned char c = (unsigned char)bytes[*seen];
        if (c == '\n' && *seen >= 3 && memcmp(bytes + *seen - 3, "\r\n\r", 3) == 0) {
            *head_size = ++*seen;
            return HTTP_OK;
        }
        bool after_return = *seen > 0 && bytes[*seen - 1] == '\r';
        if (after_return != (c == '\n') || (c < 0x20 && !strchr("\r\n\t", c)) || c == 0 ||
            c == 0x7f)
            return HTTP_BAD;
    }
    return end == HTTP_HEAD_MAX ? HTTP_HEAD_LARGE : HTTP_MORE;
}

/* RFC 9110 5.6.2: the characters of a method and of a header's name. */
static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && text[strspn(text, others)] == '\0';
}

/* Cuts the line at `*at` off; `*at` is behind its CR LF then. */
static char *take_line(char **at)
{
    char *line = *at, *end = strstr(line, "\r\n");
    *end = '\0';
    *at = end + 2;
    return line;
}

static enum http_result read_request_line(char *line, struct http_request *request)
{
    char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version)
        return HTTP_BAD;
    *target++ = '\0';
    *version++ = '\0';
    if (!is_token(line) || *target != '/' || strncmp(version, "HTTP/", 5) != 0)
        return HTTP_BAD;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return HTTP_VERSION_WRONG;
    request->method = line;
    request->path = target;
    request->query = target + strcspn(target, "?");
    if (*request->query)
        *request->query++ = '\0';
    return HTTP_OK;
}

/* Decimal digits only; what is above the bound is one above it. */
static enum http_result read_length(const char *text, size_t *size)
{
    size_t value = 0;
    if (*text == '\0')
        return HTTP_BAD;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return HTTP_BAD;
        if (value <= HTTP_BODY_MAX)
            value = value * 10 + (size_t)(*text - '0');
    }
    *size = value;
    return value > HTTP_BODY_MAX ? HTTP_BODY_LARGE : HTTP_OK;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        text[--size] = '\0';
    return text;
}

static const char *const header_name[API_HEADERS] = {
    [API_HOST] = "Host",
    [API_COOKIE] = "Cookie",
    [API_CSRF] = "X-Weir-CSRF",
    [API_ORIGIN] = "Origin",
    [API_CONTENT_TYPE] = "Content-Type",
    [API_NONE_MATCH] = "If-None-Match",
    [API_LAST_EVENT] = "Last-Event-ID",
};

/* Twice is a contradiction, as of a length. */
static enum http_result keep_header(const char *name, char *value, struct http_request *request)
{
    for (size_t i = 0; i < API_HEADERS; i++) {
        if (strcasecmp(name, header_name[i]) != 0)
            continue;
        if (request->header[i])
            return HTTP_BAD;
        request->header[i] = trim(value);
    }
    return HTTP_OK;
}

static enum http_result read_header(char *line, struct http_request *request, bool *has_length)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return HTTP_BAD;
    *colon = '\0';
    if (!is_token(line))
        return HTTP_BAD;
    if (strcasecmp(line, "Transfer-Encoding") == 0)
        return HTTP_NO_LENGTH;
    if (strcasecmp(line, "Content-Length") != 0)
        return keep_header(line, colon + 1, request);
    if (*has_length)
        return HTTP_BAD;
    *has_length = true;
    return read_length(trim(colon + 1), &request->body_size);
}

enum http_result http_read_head(char *head, size_t head_size, struct http_request *request)
{
    char *at = head, *end = head + head_size - 2; /* the empty line */
    bool has_length = false;
    *request = (struct http_request){.head_size = head_size};
    *end = '\0'; /* strstr stops there: every line before it has its CR LF */
    enum http_result result = read_request_line(take_line(&at), request);
    while (result == HTTP_OK && at < end)
        result = read_header(take_line(&at), request, &has_length);
    return result;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } row[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (row[i].status == status)
            return row[i].text;
    return "Unknown";
}
