/* Pulls one value after the other out of a line; what is not asked for costs its bytes and nothing
 * else. Not a validator: it takes what has the shape of JSON (RFC 8259), and its values are judged
 * by who wants them. Thread: any; no state. */
#include "log_json.h"

#include <string.h>

void log_json_init(struct log_json *json, const char *line, size_t size)
{
    memset(json, 0, sizeof *json);
    json->in = cursor_make(line, size);
}

static void skip_spaces(struct cursor *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

/* '\0': the end. */
static char look(struct log_json *json)
{
    skip_spaces(&json->in);
    if (json->in.at == json->in.end)
        return '\0';
    return (char)*json->in.at;
}

static bool take_string(struct cursor *in, struct log_span *span)
{
    const uint8_t *begin = ++in->at;
    while (in->at < in->end && *in->at != '"')
        cursor_skip(in, *in->at == '\\' ? 2 : 1);
    if (in->failed || in->at == in->end)
        return false;
    *span = (struct log_span){(const char *)begin, (size_t)(in->at - begin)};
    in->at++;
    return true;
}

static bool open_level(struct log_json *json, char closes)
{
    if (json->depth == LOG_JSON_DEPTH)
        return false;
    json->in.at++;
    json->level[json->depth].closes = closes;
    json->level[json->depth++].path_end = (uint8_t)strlen(json->path);
    json->after_value = false;
    return true;
}

static void close_level(struct log_json *json)
{
    json->in.at++;
    json->path[json->level[--json->depth].path_end] = '\0';
    json->after_value = true;
}

/* One that does not fit makes a path that is no member's. */
static void set_name(struct log_json *json, struct log_span name)
{
    size_t at = json->level[json->depth - 1].path_end;
    size_t dot = at > 0;
    json->path[at] = '\0';
    if (at + dot + name.size + 1 > LOG_JSON_PATH || memchr(name.at, '\0', name.size)) {
        if (at + 2 < LOG_JSON_PATH)
            memcpy(json->path + at, "?", 2);
        return;
    }
    if (dot)
        json->path[at] = '.';
    memcpy(json->path + at + dot, name.at, name.size);
    json->path[at + dot + name.size] = '\0';
}

static bool take_name(struct log_json *json)
{
    struct log_span name;
    if (look(json) != '"' || !take_string(&json->in, &name))
        return false;
    set_name(json, name);
    if (look(json) != ':')
        return false;
    json->in.at++;
    return true;
}

static bool take_literal(struct cursor *in, struct log_span *value)
{
    const uint8_t *begin = in->at;
    while (in->at < in->end && !memchr(",}] \t\r", *in->at, 6))
        in->at++;
    *value = (struct log_span){(const char *)begin, (size_t)(in->at - begin)};
    if (log_is(*value, "null"))
        *value = (struct log_span){NULL, 0};
    return in->at > begin;
}

static enum log_json_result finish(struct log_json *json)
{
    return look(json) == '\0' && json->in.at == json->in.end ? LOG_JSON_END : LOG_JSON_WRONG;
}

/* Where a member is expected. *again: nothing to tell, what comes next is. */
static enum log_json_result take_member(struct log_json *json, struct log_span *value, bool *again)
{
    bool in_list = json->level[json->depth - 1].closes == ']';
    if (!in_list && !take_name(json))
        return LOG_JSON_WRONG;
    char first = look(json);
    *again = first == '[' || (first == '{' && !in_list);
    if (first == '{' || first == '[')
        return open_level(json, first == '{' ? '}' : ']') ? LOG_JSON_ITEM : LOG_JSON_WRONG;
    json->after_value = true;
    bool taken = first == '"' ? take_string(&json->in, value) : take_literal(&json->in, value);
    return taken ? LOG_JSON_VALUE : LOG_JSON_WRONG;
}

enum log_json_result log_json_next(struct log_json *json, struct log_span *value)
{
    if (!json->begun) {
        json->begun = true;
        if (look(json) != '{' || !open_level(json, '}'))
            return LOG_JSON_WRONG;
    }
    for (bool again = true; again && json->depth > 0;) {
        char next = look(json);
        if (next == json->level[json->depth - 1].closes) {
            close_level(json);
            continue;
        }
        if (json->after_value) {
            if (next != ',')
                return LOG_JSON_WRONG;
            json->in.at++;
            json->after_value = false;
        }
        enum log_json_result result = take_member(json, value, &again);
        if (result == LOG_JSON_WRONG || !again)
            return result;
    }
    return finish(json);
}

/* --- escapes ---------------------------------------------------------------------------------- */

static int digit_of(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

/* Of four digits; −1: they are none. */
static int code_of(const char *at)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = digit_of(at[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static size_t put_utf8(int code, char *to)
{
    if (code < 0 || (code >= 0xD800 && code < 0xE000)) {
        to[0] = '?';
        return 1;
    }
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xC0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    to[0] = (char)(0xE0 | code >> 12);
    to[1] = (char)(0x80 | (code >> 6 & 0x3F));
    to[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

/* Of what follows a backslash; *used: characters of it. */
static size_t put_escaped(const char *at, size_t left, char *to, size_t *used)
{
    static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
    const char *name = *at ? strchr(names, *at) : NULL;
    *used = 1;
    if (*at == 'u' && left >= 5) {
        *used = 5;
        return put_utf8(code_of(at + 1), to);
    }
    to[0] = *at;
    if (name)
        to[0] = means[name - names];
    return 1;
}

size_t log_json_unescape(struct log_span span, char *to, size_t room)
{
    size_t size = 0;
    for (size_t i = 0; span.at && i < span.size && size + 3 <= room;) {
        size_t used = 0;
        if (span.at[i] != '\\' || i + 1 == span.size)
            to[size++] = span.at[i];
        else
            size += put_escaped(span.at + i + 1, span.size - i - 1, to + size, &used);
        i += 1 + used;
    }
    return size;
}
