/* The console's own, for console.c (the guard) and console_login.c (how a session begins). */
#ifndef SENSOR_BUS_CONSOLE_LOCAL_H
#define SENSOR_BUS_CONSOLE_LOCAL_H

#include "console_sessions.h"

#include "weir/base/tls.h"
#include "weir/bus/console.h"

/* Browsers tell cookies of one host apart by their names alone, not by the port; with TLS the name
 * itself says that no other host and no plain page has set it (RFC 6265bis 4.1.3). */
#define CONSOLE_COOKIE     "weir_session"
#define CONSOLE_COOKIE_MAX 40

struct console {
    const struct console_settings *settings;
    const char *token; /* "": none */
    char cookie[CONSOLE_COOKIE_MAX];
    struct console_users users;
    struct tls_context *tls; /* NULL: plain */
    struct api_guard guard;
    struct api *api;
    struct loop_ref loop;
    int done[2]; /* tries of passwords that are over, a pointer each: [0] is read by the loop */
    struct loop_watch *done_watch;
    unsigned tries; /* under way */
    struct sessions sessions;
    struct locks locks;
    struct console_counts counts;
};

/* POST /v1/session. The reply may come later. */
void console_log_in(struct console *console, const struct api_request *request,
                    struct api_reply *reply);
/* The reply about a session: {"user","role","csrf"}. `id`: it begins with it; NULL: it goes on. */
void console_put_session(const struct console *console, const struct session *session,
                         const char *id, struct api_reply *reply);
/* Takes tries that are over; `wait`: one at least. */
void console_take_tries(struct console *console, bool wait);

#endif
