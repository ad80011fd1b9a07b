/* The files of the console (sensor/console/web) as they were when the program was built: it serves
 * them out of itself, so there is no folder to install, to guard or to leave. The table is made by
 * sensor/console/embed.cmake. Thread: any; nothing here changes. */
#ifndef WEIR_BUS_CONSOLE_FILES_H
#define WEIR_BUS_CONSOLE_FILES_H

#include <stddef.h>
#include <stdint.h>

struct console_file {
    const char *path; /* "/app.js" */
    const char *type; /* its Content-Type */
    const uint8_t *bytes;
    size_t size;      /* bytes */
    const char *etag; /* SHA-256 of the bytes, 64 hexadecimal digits */
};

/* Sorted by path; ends with a row without one. */
extern const struct console_file console_file_table[];

/* "/" is "/index.html". Only whole paths of the table are found, letter by letter: nothing of
 * `path` is decoded or walked. NULL: there is none. */
const struct console_file *console_file_find(const char *path);

#endif
