/* Records on standard input (NDJSON), each in a format on standard output: render FORMAT. A line of
 * input gives a line of output, an empty one where the format has no form for it. */
#include "weir/alert/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const struct line_format *format = argc == 2 ? line_format_get(argv[1]) : NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (!format) {
        fputs("usage: render ecs|eve|ocsf|cef|text\n", stderr);
        return 2;
    }
    while ((size = getline(&line, &room, stdin)) > 0) {
        struct error error = {0};
        size -= line[size - 1] == '\n';
        struct json_value *record = json_parse(line, (size_t)size, &error);
        if (!record) {
            fprintf(stderr, "render: %s\n", error.message);
            return 1;
        }
        char *text = format->render(record, line, (size_t)size);
        puts(text ? text : "");
        free(text);
        json_value_free(record);
    }
    free(line);
    return 0;
}
