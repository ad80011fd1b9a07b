/* What a stream begins with. Each recogniser looks at the first bytes alone; the first that is
 * certain wins, and as long as one could still become certain the answer is PARSE_MORE.
 *
 * SMTP and FTP both greet with "220 ": the greeting's own words or the client's first command say
 * which; service_hint tells what is known before that. Pure; no allocation. */
#include "recognise.h"
#include "weir/content/names.h"

#include <string.h>
#include <strings.h>

static enum parse_result begins_with(const uint8_t *data, size_t size, const char *token)
{
    size_t length = strlen(token), n = size < length ? size : length;
    if (strncasecmp((const char *)data, token, n) != 0)
        return PARSE_NOT;
    return n == length ? PARSE_OK : PARSE_MORE;
}

static enum parse_result begins_with_any(const uint8_t *data, size_t size,
                                         const char *const *tokens)
{
    enum parse_result result = PARSE_NOT;
    for (; *tokens; tokens++) {
        enum parse_result one = begins_with(data, size, *tokens);
        if (one == PARSE_OK)
            return one;
        if (one == PARSE_MORE)
            result = one;
    }
    return result;
}

static enum parse_result ssh_begins(const uint8_t *data, size_t size)
{
    static const char token[] = "SSH-";
    size_t n = size < 4 ? size : 4;
    if (memcmp(data, token, n) != 0)
        return PARSE_NOT;
    return n == 4 ? PARSE_OK : PARSE_MORE;
}

/* A greeting's words, looked for in what is there of its first lines. */
static bool greeting_says(const uint8_t *data, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 4; i + length <= size && i < 512; i++)
        if (strncasecmp((const char *)data + i, word, length) == 0)
            return true;
    return false;
}

/* HTTP/2's preface is a request of HTTP/1's kind until it is whole. */
static enum parse_result http1_begins(const uint8_t *data, size_t size)
{
    return http2_begins(data, size) == PARSE_NOT ? http_begins(data, size) : PARSE_MORE;
}

static const char *const greetings[] = {"220 ", "220-", NULL};

static enum parse_result greeting_begins(const uint8_t *data, size_t size, const char *word)
{
    enum parse_result result = begins_with_any(data, size, greetings);
    if (result != PARSE_OK)
        return result;
    if (!memchr(data, '\n', size))
        return PARSE_MORE; /* "220 ftp.example.com ESMTP": the last word counts */
    return greeting_says(data, size, word) ? PARSE_OK : PARSE_NOT;
}

static enum parse_result either(enum parse_result a, enum parse_result b)
{
    if (a == PARSE_OK || b == PARSE_OK)
        return PARSE_OK;
    return a == PARSE_MORE || b == PARSE_MORE ? PARSE_MORE : PARSE_NOT;
}

static enum parse_result smtp_begins(const uint8_t *data, size_t size)
{
    static const char *const commands[] = {"EHLO ", "HELO ", NULL};
    return either(begins_with_any(data, size, commands), greeting_begins(data, size, "SMTP"));
}

static enum parse_result ftp_begins(const uint8_t *data, size_t size)
{
    static const char *const commands[] = {"AUTH TLS", "AUTH SSL", NULL};
    return either(begins_with_any(data, size, commands), greeting_begins(data, size, "FTP"));
}

enum parse_result service_recognise(const uint8_t *data, size_t size, enum service *service)
{
    static const struct {
        enum service service;
        enum parse_result (*begins)(const uint8_t *data, size_t size);
    } row[] = {
        {SERVICE_TLS, tls_begins},    {SERVICE_SSH, ssh_begins},   {SERVICE_HTTP2, http2_begins},
        {SERVICE_HTTP, http1_begins}, {SERVICE_SMTP, smtp_begins}, {SERVICE_FTP, ftp_begins},
        {SERVICE_DNS, dns_begins},
    };
    enum parse_result result = PARSE_NOT;
    *service = SERVICE_NONE;
    if (size == 0)
        return PARSE_MORE;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        enum parse_result one = row[i].begins(data, size);
        if (one == PARSE_OK) {
            *service = row[i].service;
            return PARSE_OK;
        }
        if (one == PARSE_MORE && size < RECOGNISE_BYTES_MAX)
            result = PARSE_MORE;
    }
    return result;
}

uint8_t service_hint(const uint8_t *data, size_t size)
{
    static const char *const user[] = {"USER ", NULL};
    if (size == 0)
        return 0;
    if (begins_with_any(data, size, greetings) == PARSE_OK)
        return HINT_GREETING;
    return begins_with_any(data, size, user) == PARSE_OK ? HINT_USER : 0;
}
