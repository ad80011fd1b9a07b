/* A log says what it is by its first lines, never by its name: Zeek's by #path or by members that
 * only one of them has, Suricata's by event_type, nfdump's by the names of its columns. What a kind
 * cannot say stands beside its name, and in every summary of it. */
#include "log_formats.h"

#include "eve.h"
#include "inlet.h"
#include "weir/base/inflate.h"
#include "zeek_line.h"

#include <stdio.h>
#include <string.h>

void log_formats_init(struct log_formats *f)
{
    memset(f, 0, sizeof *f);
    zeek_notes_header_init(&f->header);
}

void log_formats_fini(struct log_formats *f)
{
    nfdump_free(f->nfdump);
    f->nfdump = NULL;
}

static enum log_result take_conn(struct log_formats *f, const char *line, size_t size)
{
    enum log_result result = zeek_line(&f->header.common, line, size, &f->taken.connection);
    f->taken.any = result == LOG_OK;
    return result;
}

static enum log_result take_notes(struct log_formats *f, const char *line, size_t size)
{
    return zeek_notes_line(&f->header, f->kind, line, size, f->taken.note, &f->taken.notes);
}

static enum log_result take_eve(struct log_formats *f, const char *line, size_t size)
{
    struct log_taken *taken = &f->taken;
    return eve_line(line, size, &taken->connection, &taken->any, taken->note, &taken->notes);
}

static enum log_result take_nfdump(struct log_formats *f, const char *line, size_t size)
{
    if (!f->nfdump)
        f->nfdump = nfdump_new();
    return nfdump_line(f->nfdump, line, size, &f->taken.connection, &f->taken.any);
}

static enum log_result take_nothing(struct log_formats *f, const char *line, size_t size)
{
    (void)f;
    (void)line;
    (void)size;
    return LOG_NOTHING;
}

static const struct format {
    const char *name, *lacks;
    enum log_result (*take)(struct log_formats *f, const char *line, size_t size);
} formats[LOG_KINDS] = {
    [LOG_NONE] = {"log", NULL, take_conn},
    [LOG_ZEEK_CONN] = {"Zeek conn log",
                       "no content, no retransmissions, no gaps of one side; names only of other "
                       "logs beside it",
                       take_conn},
    [LOG_ZEEK_DNS] = {"Zeek dns log", "no sizes of messages", take_notes},
    [LOG_ZEEK_HTTP] = {"Zeek http log", "of contents only their sizes, codings undone", take_notes},
    [LOG_ZEEK_QUIC] = {"Zeek quic log", NULL, take_notes},
    [LOG_ZEEK_SSL] = {"Zeek ssl log", "of certificates only whether they fit the name", take_notes},
    [LOG_EVE] = {"Suricata EVE log",
                 "its bytes are frames': payload is bounded, not known; no content, no "
                 "retransmissions, no gaps",
                 take_eve},
    [LOG_NFDUMP] = {"nfdump CSV",
                    "its bytes are of IP: payload is bounded, not known; who opened is guessed by "
                    "ports; no names, no content, no gaps; times are taken as UTC; what a sampling "
                    "exporter passed over is not seen; a flow longer than the exporter's active "
                    "time-out is several",
                    take_nfdump},
    [LOG_OTHER] = {"log that is not read", NULL, take_nothing}};

const char *log_kind_name(enum log_kind kind)
{
    return kind < LOG_KINDS ? formats[kind].name : formats[LOG_NONE].name;
}

const char *log_kind_lacks(enum log_kind kind)
{
    return kind < LOG_KINDS ? formats[kind].lacks : NULL;
}

static bool has_ts(const char *line, size_t size)
{
    return memmem(line, size, "\"ts\":", 5) != NULL;
}

static enum log_kind kind_of_json(const char *line, size_t size)
{
    if (eve_recognise(line, size))
        return LOG_EVE;
    enum log_kind kind = zeek_notes_kind(line, size);
    if (kind != LOG_NONE)
        return kind;
    return has_ts(line, size) ? LOG_OTHER : LOG_ZEEK_CONN;
}

/* Of a line that is no comment, when no #path has said it. */
static enum log_kind kind_of_line(const struct log_formats *f, const char *line, size_t size)
{
    if (*line == '{')
        return kind_of_json(line, size);
    return f->header.common.columns == 0 && nfdump_recognise(line, size) ? LOG_NFDUMP
                                                                         : LOG_ZEEK_CONN;
}

enum log_result log_formats_line(struct log_formats *f, const char *line, size_t size)
{
    bool comment = size > 0 && *line == '#';
    f->taken.any = false;
    f->taken.notes = 0;
    if (comment)
        zeek_notes_header_take(&f->header, line, size);
    if (f->kind == LOG_NONE)
        f->kind = comment || size == 0 ? f->header.kind : kind_of_line(f, line, size);
    return comment ? LOG_NOTHING : formats[f->kind].take(f, line, size);
}

bool log_formats_due(struct log_formats *f)
{
    f->taken.notes = 0;
    f->taken.any = f->nfdump && nfdump_due(f->nfdump, &f->taken.connection);
    return f->taken.any;
}

bool log_formats_rest(struct log_formats *f)
{
    f->taken.notes = 0;
    f->taken.any = f->nfdump && nfdump_rest(f->nfdump, &f->taken.connection);
    return f->taken.any;
}

/* --- a file's head ---------------------------------------------------------------------------- */

static bool has(const uint8_t *head, size_t size, const char *text)
{
    return memmem(head, size, text, strlen(text)) != NULL;
}

/* As far as a head of some kilobytes says it: a folder of Zeek's has many logs. */
static bool head_is_read(const uint8_t *head, size_t size)
{
    static const char *const members[] = {
        "\"event_type\":",  "\"conn_state\":",          "\"trans_id\":",
        "\"trans_depth\":", "\"client_initial_dcid\":", "\"established\":"};
    static const char *const paths[] = {"conn", "dns", "http", "quic", "ssl"};
    char path[32];
    for (size_t i = 0; *head == '{' && i < sizeof members / sizeof *members; i++)
        if (has(head, size, members[i]))
            return true;
    if (*head == '{')
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(path, sizeof path, "#path\t%s\n", paths[i]);
        if (has(head, size, path))
            return true;
    }
    return *head != '#' || !has(head, size, "#path");
}

bool log_recognise(const uint8_t *head, size_t size)
{
    static const char *const begins[] = {"#separator", "#fields",  "{\"",
                                         "{ \"",       "ts,te,td", "firstSeen"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t most = strlen(begins[i]) < size ? strlen(begins[i]) : size;
        if (size >= INFLATE_MAGIC_BYTES && memcmp(head, begins[i], most) == 0)
            return size <= INLET_HEAD || head_is_read(head, size);
    }
    return false;
}
