/* Lines for the operator. One write(2) a line, so that threads do not mix. The level is the one
 * piece of file-global state here: it is set once, before threads start. */
#include "weir/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level most = LOG_WARN_;

void log_set_level(enum log_level level)
{
    most = level;
}

static void line(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void line(enum log_level level, const char *format, va_list args)
{
    char text[1024] = "weir: ";
    const size_t prefix = 6;
    if (level > most)
        return;
    int size = vsnprintf(text + prefix, sizeof text - prefix - 1, format, args);
    size_t end = prefix + (size < 0 ? 0 : (size_t)size);
    if (end > sizeof text - 2)
        end = sizeof text - 2;
    for (size_t i = prefix; i < end; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' '; /* one line, whatever a file's name holds */
    text[end] = '\n';
    if (write(STDERR_FILENO, text, end + 1) < 0)
        return; /* nobody is left to tell */
}

#define LOG_AT(name, level)                                                                        \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        line(level, format, args);                                                                 \
        va_end(args);                                                                              \
    }

LOG_AT(log_error, LOG_ERROR_)
LOG_AT(log_warn, LOG_WARN_)
LOG_AT(log_info, LOG_INFO_)
LOG_AT(log_debug, LOG_DEBUG_)
