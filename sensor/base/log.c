/* Lines for the operator. One write(2) a line, so that threads do not mix. Level and prefix are the
 * only file-global state here: they are set once, before threads start. */
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static enum log_level most = LOG_WARN_;
static const char *whose; /* NULL: lines are for a terminal */

/* JOURNAL_STREAM is inherited by everybody; it is ours only while standard error is that stream. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM"), *asked = getenv("WEIR_LOG");
    char own[48]; /* DEVICE:INODE */
    struct stat st;
    if (asked && strcmp(asked, "priority") == 0)
        return true;
    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(own, sizeof own, "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev, (uint64_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

void log_set_subject(const char *subject)
{
    whose = is_journal() ? subject : NULL;
}

static size_t put_prefix(enum log_level level, char *text, size_t size)
{
    static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    int used = whose ? snprintf(text, size, "<%d>%.20s: ", priority[level], whose)
                     : snprintf(text, size, "weir: ");
    return (size_t)used;
}

void log_set_level(enum log_level level)
{
    most = level;
}

static void line(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void line(enum log_level level, const char *format, va_list args)
{
    char text[1024];
    if (level > most)
        return;
    const size_t prefix = put_prefix(level, text, sizeof text);
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
