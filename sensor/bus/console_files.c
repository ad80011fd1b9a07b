/* See console_files.h. */
#include "weir/bus/console_files.h"

#include <string.h>

const struct console_file *console_file_find(const char *path)
{
    const char *asked = strcmp(path, "/") == 0 ? "/index.html" : path;
    for (const struct console_file *file = console_file_table; file->path; file++)
        if (strcmp(file->path, asked) == 0)
            return file;
    return NULL;
}
