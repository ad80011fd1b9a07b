/* A list of indicators that the command line names: a rule file of one entry is written for it.
 * Thread: start-up only. */
#include "files.h"

#include "weir/base/buffer.h"
#include "weir/detect/intel.h"

#include <stdlib.h>
#include <string.h>

#define PLACE "--intel"

static enum intel_format format_of(const struct config_file *file)
{
    static const struct {
        const char *begins;
        enum intel_format format;
    } row[] = {{"#fields", INTEL_ZEEK},
               {"#separator", INTEL_ZEEK},
               {"uuid,", INTEL_MISP},
               {"\"uuid\",", INTEL_MISP}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        size_t size = strlen(row[i].begins);
        if (file->size >= size && memcmp(file->text, row[i].begins, size) == 0)
            return row[i].format;
    }
    return INTEL_LINES;
}

/* Of a single-quoted YAML scalar. */
static void put_quoted(struct buffer *text, const char *path)
{
    buffer_text(text, "'");
    for (; *path; path++)
        buffer_text(text, *path == '\'' ? "''" : "%c", *path);
    buffer_text(text, "'");
}

int config_files_intel(struct config_files *files, const char *path, struct error *error)
{
    struct error why = {0};
    struct buffer text = {0};
    if (strpbrk(path, "\n\r") != NULL)
        return error_set(error, ERROR_USAGE, PLACE ": a path of one line");
    if (config_files_read(files, path, false, &why) != 0)
        return error_set(error, ERROR_USAGE, PLACE " %s", why.message);
    buffer_text(&text, "- intel: command-line\n  file: ");
    put_quoted(&text, path);
    buffer_text(&text, "\n  format: %s\n",
                intel_format_name[format_of(config_files_get(files, path))]);
    config_files_add(files, PLACE, &text);
    return 0;
}
