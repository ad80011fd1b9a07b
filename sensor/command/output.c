/* See output.h. */
#include "output.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int output_write(const char *path, const char *text, struct error *error)
{
    char *part = xasprintf("%s.part", path);
    FILE *file = fopen(part, "wbe");
    int failed = !file || fputs(text, file) < 0;
    if (file && fclose(file) != 0)
        failed = 1;
    if (failed || rename(part, path) != 0) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        unlink(part);
        failed = 1;
    }
    free(part);
    return failed ? -1 : 0;
}
