/* A digest of alerts and the message made of it.
 *
 * The first MAIL_SHOWN are shown whole: the line in the sink's format, then the facts one is asked
 * for on the telephone. All others are counted, by rule and with their bytes: a message is bounded,
 * but hides nothing that left. The subject names the gravest one.
 *
 * Message-ID is a hash of all event.ids, so that a message that is sent again is known as the same;
 * Date is the wall clock's, as RFC 5322 means it, and the alerts' own times are in the text. Text
 * is UTF-8 as quoted-printable; header texts that are not plain ASCII are encoded words (RFC 2047).
 * Nothing from the network can begin a header: control characters become spaces. Pure. */
#include "sink_mail_message.h"

#include "record_field.h"
#include "weir/alert/line.h"
#include "weir/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUBJECT_MAX 180 /* bytes of its text */
#define LINE_MAX_QP 75  /* RFC 2045: 76 with the soft break */

struct counted_rule {
    char id[64];
    uint64_t alerts, out_bytes;
};

struct mail_digest {
    uint64_t sequence[MAIL_LINES_MAX];
    size_t count, shown;
    int64_t severity; /* the gravest */
    char subject[256];
    struct buffer text;
    struct counted_rule rule[MAIL_RULES], others; /* of those that are not shown whole */
    size_t rules;
    struct sha256 *ids;
};

struct mail_digest *mail_digest_new(void)
{
    struct mail_digest *digest = xcalloc(1, sizeof *digest);
    digest->ids = sha256_new();
    digest->severity = -1;
    return digest;
}

void mail_digest_free(struct mail_digest *digest)
{
    uint8_t sum[SHA256_SIZE];
    if (!digest)
        return;
    sha256_take(digest->ids, sum);
    buffer_fini(&digest->text);
    free(digest);
}

void mail_digest_clear(struct mail_digest *digest)
{
    uint8_t sum[SHA256_SIZE];
    sha256_take(digest->ids, sum);
    digest->ids = sha256_new();
    digest->count = digest->shown = digest->rules = digest->text.size = 0;
    digest->severity = -1;
    digest->others = (struct counted_rule){0};
}

size_t mail_digest_count(const struct mail_digest *digest)
{
    return digest->count;
}

uint64_t mail_digest_sequence(const struct mail_digest *digest, size_t index)
{
    return digest->sequence[index];
}

/* --- gathering -------------------------------------------------------------------------------- */

static const char *name_of(const struct json_value *record)
{
    const char *rule = record_text(record, "rule.id"),
               *action = record_text(record, "event.action");
    const char *dataset = record_text(record, "event.dataset");
    return rule ? rule : action ? action : dataset ? dataset : "weir";
}

static void put_fact(struct buffer *out, const struct json_value *record, const char *label,
                     const char *field)
{
    size_t before = out->size;
    buffer_text(out, "    %-12s", label);
    if (record_put(out, record, field))
        buffer_u8(out, '\n');
    else
        out->size = before;
}

static void show(struct mail_digest *digest, const struct sink_line *line)
{
    static const char *const fact[][2] = {
        {"time", "@timestamp"},
        {"severity", "event.severity"},
        {"rule", "rule.id"},
        {"what", "rule.name"},
        {"host", "source.ip"},
        {"host", "source.address"}, /* in its place: a pseudonym */
        {"device", "host.id"},
        {"to", "destination.ip"},
        {"domain", "destination.domain"},
        {"out bytes", "source.bytes"},
        {"sensor", "observer.name"},
        {"id", "event.id"},
    };
    struct buffer *out = &digest->text;
    buffer_put(out, line->text, line->size);
    buffer_u8(out, '\n');
    for (size_t i = 0; i < sizeof fact / sizeof *fact; i++)
        put_fact(out, line->record, fact[i][0], fact[i][1]);
    buffer_u8(out, '\n');
    digest->shown++;
}

static struct counted_rule *rule_named(struct mail_digest *digest, const char *name)
{
    for (size_t i = 0; i < digest->rules; i++)
        if (strncmp(digest->rule[i].id, name, sizeof digest->rule[i].id - 1) == 0)
            return &digest->rule[i];
    if (digest->rules == MAIL_RULES)
        return &digest->others;
    struct counted_rule *rule = &digest->rule[digest->rules++];
    *rule = (struct counted_rule){0};
    snprintf(rule->id, sizeof rule->id, "%s", name);
    return rule;
}

static void count(struct mail_digest *digest, const struct sink_line *line)
{
    struct counted_rule *rule = rule_named(digest, name_of(line->record));
    int64_t bytes = record_whole(line->record, "source.bytes", 0);
    rule->alerts++;
    rule->out_bytes += bytes > 0 ? (uint64_t)bytes : 0;
}

static void note_gravest(struct mail_digest *digest, const struct json_value *record)
{
    int64_t severity = record_whole(record, "event.severity", 0);
    const char *host = line_end(record, "source");
    if (severity <= digest->severity)
        return;
    digest->severity = severity;
    snprintf(digest->subject, sizeof digest->subject, "severity %lld: %.80s%s%.60s",
             (long long)severity, name_of(record), *host ? " " : "", host);
}

bool mail_digest_add(struct mail_digest *digest, const struct sink_line *line)
{
    const char *id = record_text(line->record, "event.id");
    if (digest->count == MAIL_LINES_MAX)
        return false;
    digest->sequence[digest->count++] = line->sequence;
    if (id)
        sha256_put(digest->ids, id, strlen(id) + 1);
    note_gravest(digest, line->record);
    if (digest->shown < MAIL_SHOWN && digest->text.size < MAIL_BYTES)
        show(digest, line);
    else
        count(digest, line);
    return true;
}

/* --- the message ------------------------------------------------------------------------------ */

bool mail_address_ok(const char *text)
{
    size_t size = strlen(text);
    const char *sign = strchr(text, '@');
    if (size > 254 || !sign || sign == text || !sign[1] || strchr(sign + 1, '@'))
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("<>(),;:\\\"[]", text[i]))
            return false;
    return true;
}

/* Encoded words are at most 75 bytes, "Subject: " and all: 39 of text each, whole characters. */
static void put_encoded(struct buffer *out, const char *text, size_t size)
{
    char base64[64 + 1];
    while (size > 0) {
        size_t piece = size < 39 ? size : 39;
        while (piece < size && piece > 0 && ((uint8_t)text[piece] & 0xc0) == 0x80)
            piece--;
        piece = piece ? piece : size < 39 ? size : 39; /* not UTF-8 */
        base64_text((const uint8_t *)text, piece, base64);
        buffer_text(out, "=?utf-8?B?%s?=", base64);
        text += piece;
        size -= piece;
        if (size > 0)
            buffer_text(out, "\r\n ");
    }
}

/* One line, whole characters. */
static bool make_plain(struct buffer *text)
{
    bool plain = true;
    if (text->size > SUBJECT_MAX)
        for (text->size = SUBJECT_MAX; text->size > 0; text->size--)
            if ((text->data[text->size] & 0xc0) != 0x80)
                break;
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] < ' ' || text->data[i] == 0x7f)
            text->data[i] = ' ';
        plain = plain && text->data[i] < 0x80;
    }
    return plain && text->size <= 60;
}

static void put_subject(struct buffer *out, const struct mail_digest *digest,
                        const struct mail_head *head)
{
    struct buffer text = {0};
    buffer_text(&text, "%s ", head->prefix);
    if (digest->count > 1)
        buffer_text(&text, "%zu alerts, ", digest->count);
    buffer_text(&text, "%s", digest->subject);
    buffer_text(out, "Subject: ");
    if (make_plain(&text))
        buffer_put(out, text.data, text.size);
    else
        put_encoded(out, (const char *)text.data, text.size);
    buffer_text(out, "\r\n");
    buffer_fini(&text);
}

static void put_quoted(struct buffer *out, const char *text, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '\n') {
            buffer_put(out, "\r\n", 2);
            column = 0;
            continue;
        }
        bool ends = i + 1 == size || text[i + 1] == '\n';
        bool plain = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !ends);
        size_t needs = plain ? 1 : 3;
        if (column + needs > LINE_MAX_QP) {
            buffer_put(out, "=\r\n", 3);
            column = 0;
        }
        if (plain)
            buffer_u8(out, c);
        else
            buffer_text(out, "=%02X", c);
        column += needs;
    }
}

static void put_counts(struct buffer *out, const struct mail_digest *digest)
{
    if (digest->count == digest->shown)
        return;
    buffer_text(out, "and %zu more that are not shown one by one:\n",
                digest->count - digest->shown);
    for (size_t i = 0; i < digest->rules; i++)
        buffer_text(out, "    %-30s %8llu alerts, %llu bytes out\n", digest->rule[i].id,
                    (unsigned long long)digest->rule[i].alerts,
                    (unsigned long long)digest->rule[i].out_bytes);
    if (digest->others.alerts)
        buffer_text(out, "    %-30s %8llu alerts, %llu bytes out\n", "other rules",
                    (unsigned long long)digest->others.alerts,
                    (unsigned long long)digest->others.out_bytes);
}

static void put_date(struct buffer *out, int64_t time_s)
{
    static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)time_s;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buffer_text(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", day[tm.tm_wday], tm.tm_mday,
                month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* What it has so far is hashed, and goes on. */
static void put_id(struct buffer *out, const struct mail_digest *digest,
                   const struct mail_head *head)
{
    uint8_t sum[SHA256_SIZE];
    char hex[HEX_SIZE(16)];
    struct sha256 *copy = sha256_copy(digest->ids);
    sha256_take(copy, sum);
    buffer_text(out, "Message-ID: <%s.weir%s>\r\n", hex_text(sum, 16, hex),
                strchr(head->from, '@'));
}

void mail_digest_put(struct buffer *out, const struct mail_digest *digest,
                     const struct mail_head *head)
{
    struct buffer counts = {0};
    out->size = 0;
    put_date(out, head->time_s);
    buffer_text(out, "From: Weir <%s>\r\nTo: ", head->from);
    for (const char *const *to = head->to; *to; to++)
        buffer_text(out, "%s<%s>", to == head->to ? "" : ",\r\n ", *to);
    buffer_text(out, "\r\n");
    put_subject(out, digest, head);
    put_id(out, digest, head);
    buffer_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    put_quoted(out, (const char *)digest->text.data, digest->text.size);
    put_counts(&counts, digest);
    put_quoted(out, (const char *)counts.data, counts.size);
    buffer_text(out, "--=20\r\nWeir, sensor ");
    put_quoted(out, head->sensor, strlen(head->sensor));
    buffer_text(out, "\r\n");
    buffer_fini(&counts);
}
