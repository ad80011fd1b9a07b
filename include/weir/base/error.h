/* One error, filled once, by whoever first knows what is wrong. Start-up and control paths return
 * 0 or -1 and fill a caller's struct error; the data path never does (it counts enums instead). */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

enum error_code {
    ERROR_NONE,
    ERROR_RUN,   /* it could not run: Redis, permission, interface, disk   → exit status 1 */
    ERROR_USAGE, /* usage, configuration or rules wrong                    → exit status 2 */
    ERROR_INPUT, /* an input missing, damaged or unreadable                → exit status 3 */
};

struct error {
    enum error_code code;
    char message[512]; /* one line, no newline: what, where, what was expected */
};

/* Fills `error` unless it is NULL or already filled (the first cause is the one to show). Always
 * returns -1, so that `return error_set(...)` reads well. */
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
