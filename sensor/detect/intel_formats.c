/* Lists with one indicator a line, and files of Zeek's intelligence framework
 * (docs.zeek.org, frameworks/intel). Start-up only. */
#include "intel_local.h"

#include <string.h>

#define COLUMNS 32

/* The next line, without its end; false: there is none. */
static bool next_line(const char **at, const char *end, const char **line, size_t *size)
{
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *size = (size_t)((stop ? stop : end) - *at);
    *at = stop ? stop + 1 : end;
    if (*size > 0 && (*line)[*size - 1] == '\r')
        --*size;
    return true;
}

/* What follows # or ; after a space, or begins the line, is a comment; it is the note. */
int intel_read_lines(struct intel_reading *r, const char *place, const char *text, size_t size,
                     struct error *error)
{
    const char *at = text, *end = text + size, *line;
    size_t length;
    (void)place;
    (void)error;
    while (next_line(&at, end, &line, &length)) {
        size_t word = 0;
        r->line++;
        while (word < length && line[word] != '#' && line[word] != ';')
            word++;
        size_t note = word;
        while (note < length && strchr("#; \t", line[note]) && line[note])
            note++;
        intel_set_note(r, line + note, length - note);
        while (word > 0 && (line[word - 1] == ' ' || line[word - 1] == '\t'))
            word--;
        if (word > 0)
            intel_add_any(r, line, word);
    }
    return 0;
}

/* --- Zeek ------------------------------------------------------------------------------------ */

struct zeek_columns {
    int indicator, type, source, description;
};

struct cell {
    const char *text;
    size_t size;
};

static size_t split(const char *line, size_t size, struct cell cell[COLUMNS])
{
    size_t count = 0;
    const char *end = line + size;
    while (count < COLUMNS) {
        const char *stop = memchr(line, '\t', (size_t)(end - line));
        cell[count++] = (struct cell){line, (size_t)((stop ? stop : end) - line)};
        if (!stop)
            break;
        line = stop + 1;
    }
    return count;
}

static bool is(const struct cell *cell, const char *text)
{
    return cell->size == strlen(text) && memcmp(cell->text, text, cell->size) == 0;
}

/* "#fields", then the names. */
static void read_fields(const char *line, size_t size, struct zeek_columns *columns)
{
    struct cell cell[COLUMNS];
    size_t count = split(line, size, cell);
    *columns = (struct zeek_columns){-1, -1, -1, -1};
    for (size_t i = 1; i < count; i++) {
        int place = (int)i - 1;
        if (is(&cell[i], "indicator"))
            columns->indicator = place;
        else if (is(&cell[i], "indicator_type"))
            columns->type = place;
        else if (is(&cell[i], "meta.source"))
            columns->source = place;
        else if (is(&cell[i], "meta.desc"))
            columns->description = place;
    }
}

static const struct cell *cell_at(const struct cell *cell, size_t count, int place)
{
    static const struct cell none = {"", 0};
    return place >= 0 && (size_t)place < count ? &cell[place] : &none;
}

static void read_row(struct intel_reading *r, const struct zeek_columns *columns, const char *line,
                     size_t size)
{
    struct cell cell[COLUMNS];
    size_t count = split(line, size, cell);
    const struct cell *value = cell_at(cell, count, columns->indicator);
    const struct cell *type = cell_at(cell, count, columns->type);
    const struct cell *note = cell_at(cell, count, columns->description);
    if (note->size == 0 || is(note, "-"))
        note = cell_at(cell, count, columns->source);
    intel_set_note(r, note->text, note->size);
    if (is(type, "Intel::ADDR") || is(type, "Intel::SUBNET"))
        intel_add_address(r, value->text, value->size);
    else if (is(type, "Intel::DOMAIN"))
        intel_add_name(r, value->text, value->size);
    else if (is(type, "Intel::JA3") || is(type, "Intel::JA4"))
        intel_add_print(r, value->text, value->size);
    else if (type->size > 7 && memcmp(type->text, "Intel::", 7) == 0)
        r->list.other_kinds++;
    else
        intel_bad_line(r);
}

int intel_read_zeek(struct intel_reading *r, const char *place, const char *text, size_t size,
                    struct error *error)
{
    struct zeek_columns columns = {-1, -1, -1, -1};
    const char *at = text, *end = text + size, *line;
    size_t length;
    while (next_line(&at, end, &line, &length)) {
        r->line++;
        if (length >= 8 && memcmp(line, "#fields\t", 8) == 0)
            read_fields(line, length, &columns);
        if (length == 0 || *line == '#')
            continue;
        if (columns.indicator < 0 || columns.type < 0)
            return error_set(error, ERROR_USAGE,
                             "%s:%llu: expected a line \"#fields\" with indicator and "
                             "indicator_type first, tabs between",
                             place, (unsigned long long)r->line);
        read_row(r, &columns, line, length);
    }
    return 0;
}
