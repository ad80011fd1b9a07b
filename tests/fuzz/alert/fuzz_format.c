/* Any JSON as a record, in every format: what is made of it is one line; JSON is JSON again; text
 * and CEF hold nothing that ends a line or moves a terminal; and the same record gives the same
 * bytes. */
#include "weir/alert/format.h"
#include "weir/base/terminal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_json(const char *text)
{
    struct json_value *root = json_parse(text, strlen(text), NULL);
    must(root != NULL);
    json_value_free(root);
}

static void must_be_harmless(const char *text)
{
    char *copy = strdup(text);
    must(copy != NULL);
    terminal_make_harmless(copy);
    must(strcmp(copy, text) == 0);
    free(copy);
}

static void render(const struct line_format *format, const struct json_value *record,
                   const char *line, size_t size)
{
    char *text = format->render(record, line, size), *again = format->render(record, line, size);
    must((text == NULL) == (again == NULL));
    if (text) {
        must(strcmp(text, again) == 0);
        if (strcmp(format->name, "eve") == 0 || strcmp(format->name, "ocsf") == 0)
            must_be_json(text);
        else if (strcmp(format->name, "ecs") != 0)
            must_be_harmless(text);
    }
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16384)
        return 0;
    struct json_value *record = json_parse((const char *)data, size, NULL);
    if (!record)
        return 0;
    for (const struct line_format *const *format = line_formats; *format; format++)
        render(*format, record, (const char *)data, size);
    json_value_free(record);
    return 0;
}
