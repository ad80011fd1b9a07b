/* A line of a Zeek conn.log becomes a connection. The format: docs.zeek.org, "Zeek Log Formats"
 * (ASCII with #separator, #set_separator, #empty_field, #unset_field, #path, #fields; JSON lines).
 *
 *   line → columns by name, as spans of the line → (zeek_values.c) typed values → what they mean
 *
 * Bounds: 64 columns; whatever is in a JSON value that is not read is stepped over without
 * recursion. Nothing is allocated. Thread: any; no state. */
#include "zeek_line.h"

#include "weir/base/cursor.h"

#include <endian.h>
#include <string.h>

static const char *const field_name[ZEEK_FIELDS] = {
    "ts",         "id.orig_h",     "id.orig_p", "id.resp_h",  "id.resp_p",
    "proto",      "service",       "duration",  "orig_bytes", "resp_bytes",
    "conn_state", "missed_bytes",  "history",   "orig_pkts",  "orig_ip_bytes",
    "resp_pkts",  "resp_ip_bytes", "vlan",      "ip_proto",   "uid"};

static uint8_t field_of(struct log_span name)
{
    uint8_t field = 0;
    while (field < ZEEK_FIELDS && !log_is(name, field_name[field]))
        field++;
    return field;
}

/* --- the head --------------------------------------------------------------------------------- */

void zeek_header_init(struct zeek_header *header)
{
    *header = (struct zeek_header){.separator = '\t', .unset = "-", .empty = "(empty)"};
}

static int hex_of(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

/* "\x09", or the character itself. */
static void set_separator(struct zeek_header *header, struct log_span value)
{
    if (value.size == 1)
        header->separator = *value.at;
    if (value.size != 4 || memcmp(value.at, "\\x", 2) != 0)
        return;
    int high = hex_of(value.at[2]), low = hex_of(value.at[3]);
    if (high >= 0 && low >= 0 && high < 8)
        header->separator = (char)(high * 16 + low);
}

static void set_word(char word[ZEEK_WORD], struct log_span value)
{
    if (!value.at || value.size >= ZEEK_WORD)
        return;
    memset(word, 0, ZEEK_WORD);
    memcpy(word, value.at, value.size);
}

static void set_fields(struct zeek_header *header, struct log_span names)
{
    struct log_span name;
    header->columns = header->needed = 0;
    while (header->columns < ZEEK_COLUMNS && log_next(&names, header->separator, &name)) {
        uint8_t field = field_of(name);
        header->column[header->columns++] = field;
        if (field < ZEEK_FIELDS)
            header->needed = header->columns;
    }
}

/* "#separator" is divided by a space, all others by what it says. */
static void take_header(struct zeek_header *header, struct log_span line)
{
    static const char separator[] = "#separator ";
    size_t size = sizeof separator - 1;
    struct log_span name, rest = line, value;
    if (line.size > size && memcmp(line.at, separator, size) == 0) {
        set_separator(header, (struct log_span){line.at + size, line.size - size});
        return;
    }
    if (!log_next(&rest, header->separator, &name) || !rest.at)
        return;
    value = rest;
    if (log_is(name, "#fields"))
        set_fields(header, value);
    else if (log_is(name, "#unset_field"))
        set_word(header->unset, value);
    else if (log_is(name, "#empty_field"))
        set_word(header->empty, value);
    else if (log_is(name, "#path"))
        header->other = !log_is(value, "conn");
}

/* --- the columns ------------------------------------------------------------------------------ */

#define ONES UINT64_C(0x0101010101010101)

/* Bit i: byte i of these eight is the separator. */
static uint64_t separators_of(const char *at, size_t size, char separator)
{
    const uint64_t low = 0x7f * ONES, all = (uint8_t)separator * ONES;
    uint64_t word = ~all;
    memcpy(&word, at, size < sizeof word ? size : sizeof word);
    word = le64toh(word) ^ all;
    uint64_t zero = ~(((word & low) + low) | word | low); /* a byte's highest bit, where it is 0 */
    return (zero >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

/* Bit i: byte i is one. Fields are short: to look for the end of each by itself would be dear. */
static uint64_t separators_ahead(const char *at, size_t size, char separator)
{
    uint64_t found = 0;
    for (size_t i = 0; i < 64 && i < size; i += 8)
        found |= separators_of(at + i, size - i, separator) << i;
    return found;
}

static void take_column(const struct zeek_header *header, size_t column, struct log_span span,
                        struct log_span value[ZEEK_FIELDS])
{
    uint8_t field = header->column[column];
    if (field < ZEEK_FIELDS && !log_is(span, header->unset) && !log_is(span, header->empty))
        value[field] = span;
}

static void take_columns(const struct zeek_header *header, struct log_span line,
                         struct log_span value[ZEEK_FIELDS])
{
    size_t column = 0, begin = 0;
    for (size_t at = 0; at < line.size && column < header->needed; at += 64) {
        uint64_t found = separators_ahead(line.at + at, line.size - at, header->separator);
        for (; found && column < header->needed; found &= found - 1) {
            size_t end = at + (size_t)__builtin_ctzll(found);
            take_column(header, column++, (struct log_span){line.at + begin, end - begin}, value);
            begin = end + 1;
        }
    }
    if (column < header->needed)
        take_column(header, column, (struct log_span){line.at + begin, line.size - begin}, value);
}

static void skip_spaces(struct cursor *in)
{
    while (in->at < in->end && memchr(" \t\r\n", *in->at, 4))
        in->at++;
}

static bool take_char(struct cursor *in, char wanted)
{
    skip_spaces(in);
    if (in->at == in->end || *in->at != (uint8_t)wanted)
        return false;
    in->at++;
    return true;
}

/* What is between the quotes, as it stands: no value that is read needs an escape. */
static bool take_string(struct cursor *in, struct log_span *span)
{
    if (!take_char(in, '"'))
        return false;
    const uint8_t *begin = in->at;
    while (in->at < in->end && *in->at != '"')
        cursor_skip(in, *in->at == '\\' ? 2 : 1);
    if (in->failed || in->at == in->end)
        return false;
    *span = (struct log_span){(const char *)begin, (size_t)(in->at - begin)};
    in->at++;
    return true;
}

/* A list or an object, whatever is in it. */
static bool skip_nested(struct cursor *in)
{
    struct log_span span;
    size_t depth = 0;
    do {
        skip_spaces(in);
        if (in->at == in->end)
            return false;
        if (*in->at == '"') {
            if (!take_string(in, &span))
                return false;
            continue;
        }
        depth += *in->at == '[' || *in->at == '{';
        depth -= *in->at == ']' || *in->at == '}';
        in->at++;
    } while (depth > 0);
    return true;
}

static bool take_value(struct cursor *in, struct log_span *span)
{
    skip_spaces(in);
    *span = (struct log_span){NULL, 0};
    if (in->at == in->end)
        return false;
    if (*in->at == '"')
        return take_string(in, span);
    if (*in->at == '[' || *in->at == '{')
        return skip_nested(in);
    const uint8_t *begin = in->at;
    while (in->at < in->end && !memchr(",}] \t\r\n", *in->at, 7))
        in->at++;
    *span = (struct log_span){(const char *)begin, (size_t)(in->at - begin)};
    if (log_is(*span, "null"))
        *span = (struct log_span){NULL, 0};
    return in->at > begin;
}

static bool take_object(struct log_span line, struct log_span value[ZEEK_FIELDS])
{
    struct cursor in = cursor_make(line.at, line.size);
    struct log_span name, span;
    if (!take_char(&in, '{'))
        return false;
    if (take_char(&in, '}'))
        return true;
    do {
        if (!take_string(&in, &name) || !take_char(&in, ':') || !take_value(&in, &span))
            return false;
        uint8_t field = field_of(name);
        if (field < ZEEK_FIELDS)
            value[field] = span;
    } while (take_char(&in, ','));
    return take_char(&in, '}');
}

/* --- the line --------------------------------------------------------------------------------- */

enum log_result zeek_line(struct zeek_header *header, const char *line, size_t size,
                          struct connection *connection)
{
    struct log_span value[ZEEK_FIELDS] = {{NULL, 0}}, whole = {line, size};
    if (size > 0 && line[size - 1] == '\r')
        whole.size--;
    if (whole.size == 0)
        return LOG_NOTHING;
    if (*line == '#') {
        take_header(header, whole);
        return LOG_NOTHING;
    }
    if (*line == '{') {
        if (!take_object(whole, value))
            return LOG_NO_JSON;
        if (!value[ZEEK_STATE].at) /* as other logs' lines; a connection always has one */
            return LOG_NO_STATE;
    } else if (header->columns == 0 || header->other) {
        return header->other ? LOG_OF_OTHER : LOG_NO_FIELDS;
    } else {
        take_columns(header, whole, value);
    }
    return zeek_connection(value, connection);
}
