/* What another process said, made safe to hand on and to print. For the files of this room only. */
#ifndef WEIR_ROLE_HEARD_H
#define WEIR_ROLE_HEARD_H

#include "weir/base/error.h"

#include <stddef.h>

/* Hostile or not: the text ends, and is one line. */
void heard_text(char *text, size_t size);
/* An error that is one: its line ends, its code is known. */
struct error heard_error(const struct error *told);

#endif
