/* Options with words of a sub-command's own, taken off its command line before the common ones are
 * read (options.h): "--note TEXT", "--note=TEXT", "--open". Thread: start-up only. */
#ifndef WEIR_COMMAND_WORDS_H
#define WEIR_COMMAND_WORDS_H

#include "weir/base/error.h"

#include <stdbool.h>

struct word {
    const char *name;   /* "--note"; the table ends with NULL */
    const char **value; /* NULL: it takes none, and `flag` is set */
    bool *flag;
};

/* Takes them out of argv, keeping the order of what is left. −1: one lacks its value, or is twice
 * there. Everything behind "--" stays. */
int words_take(const struct word *words, int *argc, char **argv, struct error *error);

#endif
