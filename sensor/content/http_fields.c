/* Fields that say what a body is. Lists may come as one field or as several (RFC 9110 5.3); names
 * and tokens are compared without regard to case. More codings than BODY_CODINGS_MAX are as an
 * unknown one: the body is inspected as it is. Pure. */
#include "http_fields.h"

#include "mime_head.h"

#include <string.h>
#include <strings.h>

static bool is(struct text_span text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

static bool begins(struct text_span text, const char *word)
{
    size_t size = strlen(word);
    return text.size >= size && strncasecmp(text.at, word, size) == 0;
}

/* Up to the separator, which is stepped over; blanks around it are not the part's. */
static struct text_span next_part(struct text_span *rest, char separator)
{
    const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;
    size_t size = end ? (size_t)(end - rest->at) : rest->size;
    struct text_span part = {rest->at, size};
    size_t used = size + (end != NULL);
    rest->at += used;
    rest->size -= used;
    return text_span_trim(part);
}

/* --- codings -----------------------------------------------------------------------------------
 */

static enum body_coding coding_of(struct text_span token)
{
    static const struct {
        const char *name;
        enum body_coding coding;
    } row[] = {
        {"gzip", CODING_GZIP}, {"x-gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE},
        {"br", CODING_BROTLI}, {"zstd", CODING_ZSTD},   {"identity", CODING_NONE},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (is(token, row[i].name))
            return row[i].coding;
    return CODING_UNKNOWN;
}

static void add_coding(struct http_codings *codings, enum body_coding coding)
{
    if (coding == CODING_NONE)
        return;
    if (codings->count < BODY_CODINGS_MAX)
        codings->coding[codings->count++] = (uint8_t)coding;
    else
        codings->more = true;
}

static void content_encoding(struct http_fields *fields, struct text_span value)
{
    while (value.size) {
        struct text_span token = next_part(&value, ',');
        if (token.size)
            add_coding(&fields->content_coding, coding_of(token));
    }
}

static void transfer_encoding(struct http_fields *fields, struct text_span value)
{
    fields->transfer = true;
    while (value.size) {
        struct text_span item = next_part(&value, ','), token = next_part(&item, ';');
        if (token.size == 0)
            continue;
        fields->chunked = is(token, "chunked");
        if (!fields->chunked)
            add_coding(&fields->transfer_coding, coding_of(token));
    }
}

/* --- what it is --------------------------------------------------------------------------------
 */

/* Of two types the one with a boundary counts, as in mail. */
static void content_type(struct http_fields *fields, struct text_span value)
{
    char boundary[sizeof fields->boundary];
    struct text_span rest = value, type = next_part(&rest, ';');
    fields->dns = is(type, "application/dns-message");
    fields->message = begins(type, "message/");
    if (begins(type, "multipart/") && mime_boundary(value.at, value.size, boundary))
        memcpy(fields->boundary, boundary, sizeof boundary);
}

/* A repeated length says nothing new; another one nothing that can be believed (RFC 9112 6.3). */
static void content_length(struct http_fields *fields, struct text_span value)
{
    do {
        int64_t bytes = http_length(next_part(&value, ','));
        fields->length_bad |= bytes == HTTP_BODY_UNKNOWN ||
                              (fields->length_bytes >= 0 && fields->length_bytes != bytes);
        fields->length_bytes = bytes;
    } while (value.size);
}

static void upgrade(struct http_fields *fields, struct text_span value)
{
    struct text_span first = next_part(&value, ',');
    if (is(first, "h2c"))
        fields->upgrade = HTTP_UPGRADE_H2C;
    else if (is(first, "websocket"))
        fields->upgrade = HTTP_UPGRADE_WEBSOCKET;
    else if (first.size)
        fields->upgrade = HTTP_UPGRADE_OTHER;
}

static void authorization(struct http_fields *fields, struct text_span value)
{
    if (fields->account.size == 0)
        asked_credentials(value, &fields->account);
}

/* --- fields ------------------------------------------------------------------------------------
 */

void http_fields_init(struct http_fields *fields)
{
    memset(fields, 0, sizeof *fields);
    fields->length_bytes = BODY_UNDECLARED;
}

void http_fields_put(struct http_fields *fields, struct text_span name, struct text_span value)
{
    static const struct {
        const char *name;
        void (*take)(struct http_fields *fields, struct text_span value);
    } row[] = {
        {"content-length", content_length},
        {"content-encoding", content_encoding},
        {"transfer-encoding", transfer_encoding},
        {"content-type", content_type},
        {"upgrade", upgrade},
        {"authorization", authorization},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (is(name, row[i].name)) {
            row[i].take(fields, value);
            return;
        }
}

void http_fields_read(struct http_fields *fields, const uint8_t *head, size_t size)
{
    struct text_span rest = {(const char *)head, size};
    http_fields_init(fields);
    while (rest.size) {
        const char *end = memchr(rest.at, '\n', rest.size);
        size_t used = end ? (size_t)(end - rest.at) + 1 : rest.size;
        struct text_span line = {rest.at, used - (end != NULL)};
        rest.at += used;
        rest.size -= used;
        if (line.size && line.at[line.size - 1] == '\r')
            line.size--;
        const char *colon = line.size ? memchr(line.at, ':', line.size) : NULL;
        if (!colon)
            continue;
        struct text_span name = {line.at, (size_t)(colon - line.at)};
        struct text_span value = {colon + 1, line.size - name.size - 1};
        http_fields_put(fields, name, text_span_trim(value));
    }
}

struct body_said http_fields_said(const struct http_fields *fields)
{
    const struct http_codings *list[] = {&fields->transfer_coding, &fields->content_coding};
    struct body_said said = {.declared_bytes = fields->length_bytes};
    size_t count = 0;
    if (fields->transfer || fields->length_bad)
        said.declared_bytes = BODY_UNDECLARED;
    for (size_t i = 0; i < 2; i++) {
        if (list[i]->more || count + list[i]->count > BODY_CODINGS_MAX) {
            said.coding[0] = CODING_UNKNOWN;
            break;
        }
        for (size_t n = list[i]->count; n > 0; n--)
            said.coding[count++] = (enum body_coding)list[i]->coding[n - 1];
    }
    memcpy(said.boundary, fields->boundary, sizeof said.boundary);
    said.message = fields->message;
    said.dns = fields->dns;
    return said;
}
