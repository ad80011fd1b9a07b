/* Bytes cut into lines of bounded length. Private to the capture room. The capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_LINES_H
#define WEIR_SENSOR_CAPTURE_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_LINE_BYTES 65536u /* a longer line is not read */

struct log_io {
    /* As read(2), without EINTR. */
    ssize_t (*read)(void *context, void *to, size_t size);
    void *context;
};

enum log_line {
    LOG_LINE,
    LOG_LINE_TOO_LONG, /* passed over */
    LOG_LINE_NONE      /* the end, or the reader failed */
};

struct log_lines {
    struct log_io io;
    uint8_t *bytes; /* LOG_LINE_BYTES */
    size_t at, size;
    bool ended, skips; /* …: until the end of a line that is too long */
};

void log_lines_init(struct log_lines *lines, const struct log_io *io);
void log_lines_fini(struct log_lines *lines);
/* A line without its end, borrowed until the next call; the input's last may have none. */
enum log_line log_lines_next(struct log_lines *lines, const char **line, size_t *size);

#endif
