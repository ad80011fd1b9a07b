/* The operator's template: literal text and {{field}}.
 *
 * There is nothing else: no conditions, no loops, no way out of the braces, so what a template can
 * cost is its own length and that of the fields it names. Values are escaped for a JSON string
 * whatever surrounds them: they hold names that the network said. Read once, at opening; what is
 * wrong with it is said then, with its place. Pure. */
#include "webhook_template.h"

#include "record_field.h"

#include <stdlib.h>
#include <string.h>

struct part {
    size_t at, size; /* in `text`: of a literal, or of a field's name */
    bool is_field;
};

struct webhook_template {
    char *text;
    struct part *part;
    size_t count;
};

static int refuse(const char *text, size_t at, const char *what, struct error *error)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return error_set(error, ERROR_USAGE, "line %zu column %zu: %s", line, column, what);
}

static int add(struct webhook_template *template, struct part part, struct error *error)
{
    if (!part.is_field && part.size == 0)
        return 0;
    if (template->count >= TEMPLATE_PARTS)
        return refuse(template->text, part.at, "too many fields", error);
    template->part[template->count++] = part;
    return 0;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("_@-.", c) != NULL;
}

/* What is between the braces, its spaces off. */
static int add_field(struct webhook_template *template, size_t at, size_t size, struct error *error)
{
    const char *text = template->text;
    size_t begins = at, ends = at + size;
    while (begins < ends && text[begins] == ' ')
        begins++;
    while (ends > begins && text[ends - 1] == ' ')
        ends--;
    if (begins == ends)
        return refuse(text, at, "expected a field's name, as in {{event.id}}", error);
    if (ends - begins >= FIELD_NAME_MAX)
        return refuse(text, begins, "no field's name is so long", error);
    for (size_t i = begins; i < ends; i++)
        if (!text[i] || !is_name_character(text[i]))
            return refuse(text, i, "a field's name has letters, digits and . _ - @", error);
    return add(template, (struct part){begins, ends - begins, true}, error);
}

static int read_parts(struct webhook_template *template, size_t size, struct error *error)
{
    const char *text = template->text;
    size_t at = 0;
    while (at < size) {
        const char *opens = memmem(text + at, size - at, "{{", 2);
        size_t literal = opens ? (size_t)(opens - text) - at : size - at;
        if (add(template, (struct part){at, literal, false}, error) != 0)
            return -1;
        if (!opens)
            return 0;
        size_t name = at + literal + 2;
        const char *closes = memmem(text + name, size - name, "}}", 2);
        if (!closes)
            return refuse(text, name - 2, "{{ without its }}", error);
        if (add_field(template, name, (size_t)(closes - text) - name, error) != 0)
            return -1;
        at = (size_t)(closes - text) + 2;
    }
    return 0;
}

struct webhook_template *webhook_template_new(const char *text, size_t size, struct error *error)
{
    if (size > TEMPLATE_MAX) {
        error_set(error, ERROR_USAGE, "a template has at most %u bytes", TEMPLATE_MAX);
        return NULL;
    }
    struct webhook_template *template = xcalloc(1, sizeof *template);
    template->text = xcalloc(1, size + 1);
    template->part = xcalloc(TEMPLATE_PARTS, sizeof *template->part);
    memcpy(template->text, text, size);
    if (read_parts(template, size, error) == 0)
        return template;
    webhook_template_free(template);
    return NULL;
}

void webhook_template_free(struct webhook_template *template)
{
    if (!template)
        return;
    free(template->text);
    free(template->part);
    free(template);
}

/* --- filling ---------------------------------------------------------------------------------- */

static void put_escaped(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '"' || c == '\\')
            buffer_text(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buffer_text(out, "\\u%04x", (unsigned)c);
        else
            buffer_u8(out, c);
    }
}

static void put_field(struct buffer *out, const char *name, const struct sink_line *line,
                      struct buffer *value)
{
    value->size = 0;
    if (strcmp(name, "line") == 0)
        put_escaped(out, line->text, line->size);
    else if (line->record && record_put(value, line->record, name))
        put_escaped(out, (const char *)value->data, value->size);
}

/* With `line` NULL every field is "0". */
static void fill(struct buffer *out, const struct webhook_template *template,
                 const struct sink_line *line)
{
    struct buffer value = {0};
    char name[FIELD_NAME_MAX];
    for (size_t i = 0; i < template->count; i++) {
        const struct part *part = &template->part[i];
        if (!part->is_field) {
            buffer_put(out, template->text + part->at, part->size);
            continue;
        }
        memcpy(name, template->text + part->at, part->size);
        name[part->size] = '\0';
        if (line)
            put_field(out, name, line, &value);
        else
            buffer_u8(out, '0');
    }
    buffer_fini(&value);
}

void webhook_template_put(struct buffer *out, const struct webhook_template *template,
                          const struct sink_line *line)
{
    fill(out, template, line);
}

bool webhook_template_is_json(const struct webhook_template *template, struct error *error)
{
    struct buffer out = {0};
    fill(&out, template, NULL);
    struct json_value *root = json_parse((const char *)out.data, out.size, error);
    json_value_free(root);
    buffer_fini(&out);
    return root != NULL;
}
