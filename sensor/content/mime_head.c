/* A head's lines. A line that is no field ends the head and is the body's first, as most readers
 * have it: whoever leaves out the empty line hides nothing behind it. Missing bytes cost the field
 * they lie in; the next line is judged as any other.
 *
 * Bounds: MIME_HEAD_BYTES, MIME_HEAD_LINES, MIME_FIELD_MAX; a field's name has NAME_MAX characters.
 * Not read: comments within values, RFC 2231 continuations ("boundary*0="), encoded words. */
#include "mime_head.h"

#include "span.h"

#include <string.h>
#include <strings.h>

#define FIELD_NAME_MAX 100u

enum place {
    PLACE_LINE,  /* a line begins, or its name is not whole: its first bytes are in `field` */
    PLACE_NAMED, /* behind a name: only white space and ':' may follow */
    PLACE_FIELD, /* behind the colon, or on a folded line */
    PLACE_LOST   /* of a line whose beginning is missing */
};

/* --- values ------------------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text_span trim(struct text_span text)
{
    while (text.size && is_blank(*text.at)) {
        text.at++;
        text.size--;
    }
    while (text.size && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool is_word(struct text_span text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

static bool has_prefix(struct text_span text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && strncasecmp(text.at, prefix, size) == 0;
}

/* Up to the next ';' outside of quotes; steps over both. */
static struct text_span take_parameter(struct text_span *rest)
{
    bool quoted = false;
    size_t at = 0;
    for (; at < rest->size && (quoted || rest->at[at] != ';'); at++) {
        if (quoted && rest->at[at] == '\\' && at + 1 < rest->size)
            at++;
        else if (rest->at[at] == '"')
            quoted = !quoted;
    }
    struct text_span taken = {rest->at, at};
    size_t step = at < rest->size ? at + 1 : at;
    rest->at += step;
    rest->size -= step;
    return trim(taken);
}

/* A token, or a string in quotes without them. White space at its end is no part of a boundary. */
static bool read_boundary(struct text_span value, char boundary[BODY_BOUNDARY_MAX + 1])
{
    bool quoted = value.size && *value.at == '"';
    size_t size = 0;
    for (size_t at = quoted; at < value.size; at++) {
        char c = value.at[at];
        if (quoted ? c == '"' : is_blank(c))
            break;
        if (quoted && c == '\\' && at + 1 < value.size)
            c = value.at[++at];
        if (size == BODY_BOUNDARY_MAX || c == '\r' || c == '\n' || c == '\0')
            return false;
        boundary[size++] = c;
    }
    while (size && is_blank(boundary[size - 1]))
        size--;
    boundary[size] = '\0';
    return size > 0;
}

bool mime_boundary(const char *value, size_t size, char boundary[BODY_BOUNDARY_MAX + 1])
{
    struct text_span rest = {value, size};
    take_parameter(&rest); /* the type itself */
    while (rest.size) {
        struct text_span parameter = take_parameter(&rest);
        const char *equals = parameter.size ? memchr(parameter.at, '=', parameter.size) : NULL;
        if (!equals)
            continue;
        size_t name_size = (size_t)(equals - parameter.at);
        struct text_span name = {parameter.at, name_size};
        struct text_span text = {equals + 1, parameter.size - name_size - 1};
        if (is_word(trim(name), "boundary") && read_boundary(trim(text), boundary))
            return true;
    }
    boundary[0] = '\0';
    return false;
}

static bool is_multipart(const struct mime_said *said)
{
    return said->kind == MIME_MULTIPART || said->kind == MIME_DIGEST;
}

/* Of two fields readers take the one or the other: taken apart as a multipart, both are read. */
static void read_type(struct mime_said *said, struct text_span value)
{
    char boundary[BODY_BOUNDARY_MAX + 1];
    bool multipart = has_prefix(value, "multipart/");
    bool has_boundary = multipart && mime_boundary(value.at, value.size, boundary);
    if (is_multipart(said) && !has_boundary)
        return;
    said->boundary[0] = '\0';
    said->kind = MIME_LEAF;
    if (has_boundary)
        memcpy(said->boundary, boundary, sizeof boundary);
    if (multipart)
        said->kind = has_prefix(value, "multipart/digest") ? MIME_DIGEST : MIME_MULTIPART;
    else if (has_prefix(value, "message/rfc822") || has_prefix(value, "message/global"))
        said->kind = MIME_MESSAGE;
}

static enum body_coding coding_of(struct text_span value)
{
    if (is_word(value, "base64"))
        return CODING_BASE64;
    if (is_word(value, "quoted-printable"))
        return CODING_QUOTED;
    if (value.size == 0 || is_word(value, "7bit") || is_word(value, "8bit") ||
        is_word(value, "binary"))
        return CODING_NONE;
    return CODING_UNKNOWN;
}

void mime_read_field(struct mime_said *said, const char *field, size_t size)
{
    const char *colon = size ? memchr(field, ':', size) : NULL;
    if (!colon)
        return;
    size_t name_size = (size_t)(colon - field);
    struct text_span name = trim((struct text_span){field, name_size});
    struct text_span value = trim((struct text_span){colon + 1, size - name_size - 1});
    if (is_word(name, "content-type")) {
        read_type(said, value);
    } else if (is_word(name, "content-transfer-encoding")) {
        struct text_span coding = take_parameter(&value);
        said->coding = (uint8_t)coding_of(coding);
    }
}

/* --- lines -------------------------------------------------------------------------------------
 */

/* The field before this line is whole. */
static void end_field(struct mime_head *head)
{
    mime_read_field(&head->said, (const char *)head->field, head->size);
    head->size = 0;
}

static void keep(struct mime_head *head, const uint8_t *data, size_t size)
{
    size_t room = MIME_FIELD_MAX - head->size, kept = size < room ? size : room;
    memcpy(head->field + head->size, data, kept);
    head->size = (uint16_t)(head->size + kept);
}

static enum mime_head_result end_line(struct mime_head *head)
{
    head->begun = false;
    return ++head->lines > MIME_HEAD_LINES ? MIME_HEAD_BEYOND : MIME_HEAD_MORE;
}

/* One byte of a line of which it is not known what it is. */
static enum mime_head_result judge(struct mime_head *head, uint8_t byte)
{
    bool fresh = head->size == 0, returned = head->size == 1 && head->field[0] == '\r';
    keep(head, &byte, 1);
    if (byte == '\n' && (fresh || returned))
        return MIME_HEAD_END;
    if (byte == '\r' && fresh)
        return MIME_HEAD_MORE;
    if (byte == ':' && !fresh && !returned) {
        head->place = PLACE_FIELD;
        return MIME_HEAD_MORE;
    }
    if ((byte == ' ' || byte == '\t') && !fresh && !returned) {
        head->place = PLACE_NAMED;
        return head->size <= FIELD_NAME_MAX ? MIME_HEAD_MORE : MIME_HEAD_NO_FIELD;
    }
    bool name = byte > ' ' && byte < 0x7f && byte != ':' && !returned;
    bool delimiter = head->size == 2 && head->field[0] == '-' && byte == '-';
    if (!name || delimiter || head->place == PLACE_NAMED || head->size > FIELD_NAME_MAX)
        return MIME_HEAD_NO_FIELD;
    return MIME_HEAD_MORE;
}

/* A line begins: is it a folded one, and is there anything that it goes on with? */
static void begin_line(struct mime_head *head, uint8_t byte)
{
    bool folded = byte == ' ' || byte == '\t';
    head->begun = true;
    if (folded && (head->size || head->lost)) {
        head->place = head->lost ? PLACE_LOST : PLACE_FIELD;
        return;
    }
    end_field(head);
    head->lost = false;
    head->place = PLACE_LINE;
}

/* The rest of a line, as far as it is there; *used, how much. */
static enum mime_head_result take_rest(struct mime_head *head, const uint8_t *data, size_t size,
                                       size_t *used)
{
    const uint8_t *end = memchr(data, '\n', size);
    *used = end ? (size_t)(end - data) + 1 : size;
    if (head->place == PLACE_FIELD)
        keep(head, data, *used);
    return end ? end_line(head) : MIME_HEAD_MORE;
}

static bool is_held(const struct mime_head *head)
{
    return head->begun && (head->place == PLACE_LINE || head->place == PLACE_NAMED);
}

enum mime_head_result mime_head_take(struct mime_head *head, const uint8_t *data, size_t size,
                                     size_t *used)
{
    enum mime_head_result result = MIME_HEAD_MORE;
    size_t left = MIME_HEAD_BYTES - head->bytes, most = size < left ? size : left, at = 0;
    while (at < most && result == MIME_HEAD_MORE) {
        size_t step = 1;
        if (!head->begun)
            begin_line(head, data[at]);
        if (is_held(head))
            result = judge(head, data[at]);
        else
            result = take_rest(head, data + at, most - at, &step);
        at += step;
    }
    head->bytes += (uint32_t)at;
    *used = at;
    if (result == MIME_HEAD_MORE && head->bytes == MIME_HEAD_BYTES)
        result = MIME_HEAD_BEYOND;
    if (result == MIME_HEAD_BEYOND && !is_held(head))
        end_field(head);
    return result;
}

void mime_head_gap(struct mime_head *head)
{
    if (!head->begun)
        end_field(head); /* it was whole, but for folded lines */
    head->size = 0;
    head->place = PLACE_LOST;
    head->begun = head->lost = head->cut = true;
}
