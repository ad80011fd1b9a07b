/* The console's listener: the guard of an API for people with browsers (docs/console.md). Who asks
 * must say who it is: a session, begun by a password or, on the loopback without users, by the
 * token that the sensor prints; a browser that was led here by another page is refused (the Host,
 * the Origin and a token in X-Weir-CSRF). What it serves besides the routes are the pages, which
 * are a part of the program.
 *
 * A request is answered when, in this order: its Host is one of ours (else 421); it asks for a page
 * (200, 304), or begins, shows or ends a session; it has a session (401); it only looks, or is an
 * analyst's with the session's CSRF token (403).
 *
 * Passwords are held against their hash in a thread, so the loop does not stand for it:
 * CONSOLE_TRIES at once, more are told 429, as is whoever failed too often. Thread: the loop's. */
#ifndef WEIR_BUS_CONSOLE_H
#define WEIR_BUS_CONSOLE_H

#include "weir/bus/api.h"
#include "weir/bus/console_users.h"

#define CONSOLE_NAMES 16
#define CONSOLE_TRIES 2 /* of passwords at once: 32 MiB each */

struct console_settings {
    const char *listen;               /* "127.0.0.1:8477" */
    const char *cert_file, *key_file; /* PEM; "": no TLS; key_file "": in cert_file */
    const char *users_file;           /* "": none */
    const char *name[CONSOLE_NAMES];  /* that Host may have, besides numeric addresses */
    size_t name_count;
    unsigned streams;
};

/* Whether it can be so: beyond the loopback only with TLS and a user; the files are read.
 * ERROR_USAGE. */
int console_check(const struct console_settings *settings, struct error *error);
bool console_is_loopback(const char *listen);
/* Whether whoever has the token may come in: on the loopback, without users. */
bool console_has_token(const struct console_settings *settings);

struct console;
/* Reads the files, and takes nothing from the system afterwards: before the walls. `token`: of
 * SECRET_SIZE. Both are borrowed. */
struct console *console_open(const struct console_settings *settings, const char *token,
                             struct error *error);
/* Begins to answer, on `listener` (taken either way). */
int console_serve(struct console *console, struct loop_ref loop, int listener,
                  const struct api_route *routes, void *context, struct error *error);
void console_close(struct console *console); /* a password that is being tried is waited for */
struct api *console_server(const struct console *console); /* NULL: it does not answer yet */

struct console_counts {
    uint64_t logins, failures; /* that began a session; that did not */
    uint64_t locked;           /* … and locked somebody out for a while */
    uint64_t strangers;        /* requests with a Host or an Origin of somebody else's */
    uint64_t forged;           /* without the session's CSRF token */
    uint64_t sessions;         /* now */
    uint64_t crowded;          /* sessions that ended for want of room */
    uint64_t off;              /* 1: its files could not be read, it answers nobody */
};
struct console_counts console_counts_of(const struct console *console);

#endif
