/* RFC 5424:
 *
 *   <PRI>1 TIMESTAMP HOSTNAME weir - MSGID [weir@32473 id="…" …] MSG
 *
 * TIMESTAMP is the record's own time, so that the same record gives the same bytes. 32473 is the
 * enterprise number RFC 5612 reserves for examples: Weir has none of its own, and an operator who
 * has one says `data_id`. The byte order mark that the RFC wants before UTF-8 is written only where
 * MSG is text that is not all ASCII: JSON may not begin with one (RFC 8259), and CEF's readers look
 * for "CEF:". What is too long loses the end of MSG, at a character's boundary, and carries
 * cut="BYTES"; the head is never cut: all its parts are bounded. Pure. */
#include "sink_syslog_frame.h"

#include "record_field.h"

#include <string.h>

#define HOSTNAME_MAX 255
#define MSGID_MAX    32
#define VALUE_MAX    255 /* bytes of one value in the structured data, before escaping */
#define HEAD_ROOM    64  /* what cut="…" needs, and the mark */

const char *const syslog_facilities[] = {
    "kern",   "user",     "mail",   "daemon", "auth",   "syslog", "lpr",   "news",   "uucp",
    "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock", "local0", "local1",
    "local2", "local3",   "local4", "local5", "local6", "local7", NULL};

int syslog_facility(const char *name)
{
    for (int i = 0; syslog_facilities[i]; i++)
        if (strcmp(syslog_facilities[i], name) == 0)
            return i;
    return -1;
}

int syslog_severity(const struct json_value *record)
{
    const char *kind = record_text(record, "event.kind");
    if (!kind || strcmp(kind, "alert") != 0)
        return kind && strcmp(kind, "event") == 0 ? 5 : 6;
    int64_t score = record_whole(record, "event.severity", 0);
    return score >= 90 ? 2 : score >= 70 ? 3 : score >= 40 ? 4 : 5;
}

/* PRINTUSASCII less what an SD-NAME may not have. */
static bool is_name_character(char c)
{
    return c > ' ' && c < 0x7f && c != '=' && c != ']' && c != '"';
}

bool syslog_data_id_ok(const char *text)
{
    size_t size = strlen(text), name = strcspn(text, "@");
    if (size > 32 || name == 0 || name + 1 >= size)
        return false;
    for (size_t i = 0; i < name; i++)
        if (!is_name_character(text[i]))
            return false;
    return strspn(text + name + 1, "0123456789.") == size - name - 1;
}

/* A field of the header: printable ASCII, "-" when there is nothing. */
static void put_field(struct buffer *out, const char *text, size_t max)
{
    size_t size = text ? strnlen(text, max) : 0;
    if (size == 0)
        buffer_u8(out, '-');
    for (size_t i = 0; i < size; i++)
        buffer_u8(out, text[i] > ' ' && text[i] < 0x7f ? (uint8_t)text[i] : (uint8_t)'_');
    buffer_u8(out, ' ');
}

/* The longest start of `text` of at most `max` bytes that ends with a whole UTF-8 character. */
static size_t whole_characters(const char *text, size_t size, size_t max)
{
    if (size <= max)
        return size;
    while (max > 0 && ((uint8_t)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

static void put_value(struct buffer *out, const char *name, const char *text, size_t size)
{
    size = whole_characters(text, size, VALUE_MAX);
    buffer_text(out, " %s=\"", name);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\' || text[i] == ']')
            buffer_u8(out, '\\');
        buffer_u8(out, (uint8_t)text[i] < ' ' ? (uint8_t)' ' : (uint8_t)text[i]);
    }
    buffer_u8(out, '"');
}

static void put_data(struct buffer *out, const struct syslog_frame *frame,
                     const struct sink_line *line)
{
    static const struct {
        const char *name, *field;
    } row[] = {{"id", "event.id"},
               {"kind", "event.kind"},
               {"severity", "event.severity"},
               {"rule", "rule.id"},
               {"src", "source.ip"},
               {"src", "source.address"}, /* in its place: a pseudonym */
               {"dst", "destination.ip"},
               {"domain", "destination.domain"},
               {"out_bytes", "source.bytes"}};
    struct buffer value = {0};
    buffer_text(out, "[%s seq=\"%llu\"", frame->data_id, (unsigned long long)line->sequence);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        value.size = 0;
        if (record_put(&value, line->record, row[i].field))
            put_value(out, row[i].name, (const char *)value.data, value.size);
    }
    buffer_fini(&value);
}

static bool all_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)text[i] >= 0x80)
            return false;
    return true;
}

static const char *message_id(const struct json_value *record)
{
    const char *rule = record_text(record, "rule.id"),
               *action = record_text(record, "event.action");
    return rule ? rule : action ? action : record_text(record, "event.dataset");
}

void syslog_frame_put(struct buffer *out, const struct syslog_frame *frame,
                      const struct sink_line *line)
{
    const char *observer = record_text(line->record, "observer.name");
    out->size = 0;
    buffer_text(out, "<%d>1 ", frame->facility * 8 + syslog_severity(line->record));
    put_field(out, record_text(line->record, "@timestamp"), 32);
    put_field(out, observer ? observer : frame->hostname, HOSTNAME_MAX);
    buffer_text(out, "weir - ");
    put_field(out, message_id(line->record), MSGID_MAX);
    put_data(out, frame, line);
    size_t head = out->size + HEAD_ROOM;
    size_t room = frame->size_max > head ? frame->size_max - head : 0;
    size_t size = whole_characters(line->text, line->size, room);
    if (size < line->size)
        buffer_text(out, " cut=\"%zu\"", line->size - size);
    buffer_text(out, "] ");
    if (frame->marked && !all_ascii(line->text, size))
        buffer_put(out, "\xef\xbb\xbf", 3);
    buffer_put(out, line->text, size);
}
