/* One question to a running sensor over its control socket, with an end: a dead, hung or lying
 * server costs `timeout_ms` and 16 MiB at most. */
#ifndef WEIR_COMMAND_API_CLIENT_H
#define WEIR_COMMAND_API_CLIENT_H

#include "weir/base/error.h"

#include <stddef.h>

#define API_REPLY_MAX ((size_t)16 << 20) /* bytes of a reply, its head included */

/* The control socket of the sensor whose sensor.state_dir this is. Caller frees. */
char *api_socket_path(const char *state_dir);
/* Asks `method` `target` and waits. 0: `*status` is the reply's, `*body` its text (caller frees).
 * −1 and an error (ERROR_RUN): nobody answers at `socket_path`, not in time, or not in HTTP. */
int api_call(const char *socket_path, const char *method, const char *target, int timeout_ms,
             int *status, char **body, struct error *error);
/* The same with a body, JSON; NULL: none. */
int api_send(const char *socket_path, const char *method, const char *target, const char *sent,
             int timeout_ms, int *status, char **body, struct error *error);
/* The text of an error reply, {"error":{"text":…}}; `room` ≥ 2. What is not one yields "". */
void api_error_text(const char *body, char *text, size_t room);

#endif
