/* Any lines as a journal, explained: as JSON it is JSON, as text it holds nothing but lines that a
 * terminal only shows. */
#include "weir/investigate/explain.h"

#include "weir/base/terminal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_all(struct explain *explain, const char *data, size_t size,
                     void (*each)(struct explain *explain, const char *line, size_t size))
{
    for (const char *end = data + size; data < end;) {
        const char *stop = memchr(data, '\n', (size_t)(end - data));
        size_t line = (size_t)((stop ? stop : end) - data);
        each(explain, data, line);
        data += line + 1;
    }
}

static void look_at(const struct explain *explain)
{
    char *text = explain_json(explain, NULL);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    must(root != NULL);
    json_value_free(root);
    free(text);
    text = explain_text(explain, NULL);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
    char *copy = strdup(text);
    must(copy != NULL);
    terminal_make_harmless(copy);
    must(strcmp(copy, text) == 0);
    free(copy);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const id[] = {"inc-8123ca", "00000000000000000000000000000001"};
    for (size_t i = 0; size <= 16384 && i < sizeof id / sizeof *id; i++) {
        struct explain *explain = explain_new(id[i], NULL);
        must(explain != NULL);
        read_all(explain, (const char *)data, size, explain_seek);
        if (explain_found(explain, NULL) == 0) {
            read_all(explain, (const char *)data, size, explain_gather);
            look_at(explain);
        }
        explain_free(explain);
    }
    return 0;
}
