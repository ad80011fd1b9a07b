/* Where a byte of a scalar's value stands in its file: the tree knows where a scalar begins, and
 * from there the value and the file are gone along together, white space aside (a folded text is
 * the same words with other spaces). Where they part, at an escape, the scalar's beginning is told.
 * Start-up only. */
#include "rules_local.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct place {
    const char *at, *end;
    int line, column;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Columns are characters, as the tree counts them. */
static void step(struct place *place)
{
    if (*place->at == '\n') {
        place->line++;
        place->column = 1;
    } else if (((unsigned char)place->at[1] & 0xc0) != 0x80 || place->at + 1 == place->end) {
        place->column++;
    }
    place->at++;
}

static bool go_to(struct place *place, int line, int column)
{
    while (place->at < place->end && (place->line < line || place->column < column))
        step(place);
    return place->at < place->end && place->line == line && place->column == column;
}

/* Over what stands before the value: a quote, or a block's header line. */
static void skip_opening(struct place *place, bool quoted)
{
    if (*place->at == '|' || *place->at == '>') {
        while (place->at < place->end && *place->at != '\n')
            step(place);
    } else if (quoted) {
        step(place);
    }
}

static bool follow(struct place *place, const char *value, size_t offset)
{
    for (size_t i = 0; value[i]; i++) {
        if (is_space(value[i]))
            continue;
        while (place->at < place->end && is_space(*place->at))
            step(place);
        if (place->end - place->at >= 2 && place->at[1] == value[i] &&
            (*place->at == '\\' || (*place->at == '\'' && value[i] == '\'')))
            step(place);
        if (place->at >= place->end || *place->at != value[i])
            return false;
        if (i >= offset)
            return true;
        step(place);
    }
    return true; /* behind the last letter */
}

void rule_place(const struct rule_source *source, const struct yaml_node *node, size_t offset,
                int *line, int *column)
{
    struct place place = {source->file.text, source->file.text + source->file.size, 1, 1};
    *line = node->line;
    *column = node->column;
    if (node->kind != YAML_SCALAR || !go_to(&place, node->line, node->column))
        return;
    skip_opening(&place, node->quoted);
    if (!follow(&place, node->text, offset))
        return;
    *line = place.line;
    *column = place.column;
}

int rule_refuse(const struct rule_source *source, const struct yaml_node *node, struct error *error,
                const char *format, ...)
{
    char what[400];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    return error_set(error, ERROR_USAGE, "%s:%d:%d: %s", source->file.name, node->line,
                     node->column, what);
}
