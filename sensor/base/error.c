/* One error, filled once. Thread: the caller's. */
#include "weir/base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (!error || error->code != ERROR_NONE)
        return -1;
    va_list args;
    error->code = code;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    for (char *at = error->message; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    return -1;
}
