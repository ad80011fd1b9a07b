/* MISP's CSV export (misp-project.org): a line of column names, then records as RFC 4180 has them,
 * with quotes and line ends inside quotes. Only attributes that MISP marks for detection (to_ids)
 * are taken, where it says so. Start-up only. */
#include "intel_local.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 64u

struct record {
    struct buffer text; /* of all cells, a NUL after each */
    size_t at[COLUMNS], size[COLUMNS];
    size_t count;
    bool whole; /* its quotes are closed */
};

struct misp_columns {
    int type, value, comment, to_ids;
};

static void end_cell(struct record *record, size_t begin)
{
    if (record->count < COLUMNS) {
        record->at[record->count] = begin;
        record->size[record->count++] = record->text.size - begin;
    }
    buffer_u8(&record->text, 0);
}

/* Up to and with the record's line end. Returns where the next one begins. */
static const char *read_record(const char *at, const char *end, struct record *record,
                               uint64_t *lines)
{
    size_t begin = 0;
    bool quoted = false;
    record->text.size = record->count = 0;
    for (; at < end && (quoted || *at != '\n'); at++) {
        *lines += *at == '\n';
        if (*at == '"' && quoted && at + 1 < end && at[1] == '"')
            buffer_u8(&record->text, (uint8_t)*at++);
        else if (*at == '"')
            quoted = !quoted;
        else if (*at == ',' && !quoted) {
            end_cell(record, begin);
            begin = record->text.size;
        } else if (*at != '\r' || quoted)
            buffer_u8(&record->text, (uint8_t)*at);
    }
    end_cell(record, begin);
    record->whole = !quoted;
    return at < end ? at + 1 : end;
}

static const char *cell(const struct record *record, int place, size_t *size)
{
    *size = place >= 0 && (size_t)place < record->count ? record->size[place] : 0;
    return *size ? (const char *)record->text.data + record->at[place] : "";
}

static bool cell_is(const struct record *record, int place, const char *text)
{
    size_t size;
    const char *found = cell(record, place, &size);
    return size == strlen(text) && memcmp(found, text, size) == 0;
}

static bool read_header(const struct record *record, struct misp_columns *columns)
{
    *columns = (struct misp_columns){-1, -1, -1, -1};
    for (int i = 0; i < (int)record->count; i++) {
        if (cell_is(record, i, "type"))
            columns->type = i;
        else if (cell_is(record, i, "value"))
            columns->value = i;
        else if (cell_is(record, i, "comment"))
            columns->comment = i;
        else if (cell_is(record, i, "to_ids"))
            columns->to_ids = i;
    }
    return columns->type >= 0 && columns->value >= 0;
}

typedef void adder(struct intel_reading *r, const char *text, size_t size);

/* Types that can be met in traffic; of pairs "a|b" what each half is, NULL: not looked at. */
static const struct {
    const char *type;
    adder *first, *second;
} types[] = {
    {"ip-dst", intel_add_address, NULL},
    {"ip-src", intel_add_address, NULL},
    {"ip-dst|port", intel_add_address, NULL},
    {"ip-src|port", intel_add_address, NULL},
    {"domain", intel_add_name, NULL},
    {"hostname", intel_add_name, NULL},
    {"hostname|port", intel_add_name, NULL},
    {"domain|ip", intel_add_name, intel_add_address},
    {"ja3-fingerprint-md5", intel_add_print, NULL},
};

static void read_attribute(struct intel_reading *r, const struct misp_columns *columns,
                           const struct record *record)
{
    size_t size, note_size;
    const char *value = cell(record, columns->value, &size);
    const char *note = cell(record, columns->comment, &note_size);
    const char *bar = memchr(value, '|', size);
    size_t first = bar ? (size_t)(bar - value) : size;
    intel_set_note(r, note, note_size);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!cell_is(record, columns->type, types[i].type))
            continue;
        types[i].first(r, value, first);
        if (types[i].second && bar)
            types[i].second(r, bar + 1, size - first - 1);
        return;
    }
    r->list.other_kinds++;
}

int intel_read_misp(struct intel_reading *r, const char *place, const char *text, size_t size,
                    struct error *error)
{
    struct record record = {.count = 0};
    struct misp_columns columns;
    const char *at = text, *end = text + size;
    uint64_t lines = 1;
    bool headed = false, good = true;
    while (at < end && good) {
        r->line = lines++;
        at = read_record(at, end, &record, &lines);
        if (record.count == 1 && record.size[0] == 0) /* an empty line */
            continue;
        if (!headed)
            good = headed = read_header(&record, &columns);
        else if (!record.whole)
            intel_bad_line(r);
        else if (columns.to_ids < 0 || cell_is(&record, columns.to_ids, "1"))
            read_attribute(r, &columns, &record);
        else
            r->list.other_kinds++;
    }
    buffer_fini(&record.text);
    if (good)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "%s:%llu: expected a line of column names with type and value, commas between",
                     place, (unsigned long long)r->line);
}
