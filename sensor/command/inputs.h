/* The inputs that the arguments name: a directory stands for the captures in it. Start-up. */
#ifndef WEIR_COMMAND_INPUTS_H
#define WEIR_COMMAND_INPUTS_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct inputs {
    char **path;     /* owned */
    bool *of_folder; /* it was found in one that was named */
    size_t count, room;
    struct input_file {
        dev_t device;
        ino_t inode;
    } * file; /* those of `path` that are files or pipes */
    size_t files;
};

/* A directory's regular files that begin as a capture or as compressed data do, by name, not those
 * of folders in it, nor hidden ones; what else is there is said, files and folders in a line each.
 * A directory without any stays as it is named: opening it says so. A file, or standard input, that
 * is named again is left out, with a line. ERROR_USAGE: more than CAPTURE_FILES. */
int inputs_expand(struct inputs *inputs, const char *const *argument, size_t count,
                  struct error *error);
void inputs_fini(struct inputs *inputs);

#endif
