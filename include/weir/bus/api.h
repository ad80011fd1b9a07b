/* The control API's server: HTTP/1.1 and JSON on a listening socket, in the loop of whoever
 * asks for it, plain or over TLS. One request a connection. Routes are a table, so that whoever
 * knows the answers (the engine) says them. docs/api.md is the contract with the outside. A guard,
 * where there is one (console.h), sees each request before the routes do.
 *
 * Bounds: API_CLIENTS connections at once, over TCP API_CLIENTS_EACH of one address (of IPv6 one
 * /64) that is not this machine's (one more is told 503), 8 KiB of head, 64 KiB of body,
 * 5 s for a request to come whole and 5 s for its reply to be taken, however the bytes trickle;
 * what is sent behind it is thrown away for 1 s and 1 MiB. Beside these `streams` connections that
 * are told events (text/event-stream), of which API_STREAM_BYTES wait for each; one that takes
 * nothing of it for 30 s, or has no room for more, is let go. A file is read as it is taken, a
 * piece in 5 s, API_FILES at once. With a `turn_ns` the answers of a quarter second, and the
 * handshakes of TLS, take so much of the loop and the rest of them wait for the next; what they
 * took beyond it the next ones have less. No client can hold up the loop: nothing here waits.
 * Thread: the loop's. */
#ifndef WEIR_BUS_API_H
#define WEIR_BUS_API_H

#include "weir/base/address.h"
#include "weir/base/error.h"
#include "weir/base/loop.h"
#include "weir/base/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_CLIENTS      64
#define API_CLIENTS_EACH 16
#define API_STREAM_BYTES ((size_t)256 << 10)
#define API_FILES        4 /* being sent at once */

/* Headers that somebody may want; each at most once in a request. */
enum api_header {
    API_HOST,
    API_COOKIE,
    API_CSRF, /* X-Weir-CSRF */
    API_ORIGIN,
    API_CONTENT_TYPE,
    API_NONE_MATCH,
    API_LAST_EVENT,
    API_HEADERS
};

/* Borrowed for the length of the call. The path is as it came: nothing is percent-decoded; a
 * route that expects a name asks api_path_name. */
struct api_request {
    const char *method, *path, *query; /* query: "" without one */
    const void *body;
    size_t body_size;          /* bytes */
    int64_t uid;               /* of who connected, as the kernel has it; −1: it does not say */
    const char *const *header; /* [API_HEADERS]; NULL: not stated */
    struct ip peer;            /* of who connected over TCP; else all 0 */
    uint64_t ticket;           /* for api_answer */
    const char *user;          /* the guard's: who it is; NULL: nobody said */
    uint64_t session;          /* the guard's; 0: none */
};

/* Filled by a route; as it is handed over: 200, JSON, no body. */
struct api_reply {
    int status;
    const char *type;  /* static; "application/json" */
    char *body;        /* malloc'd text, taken; NULL: `bytes` */
    const void *bytes; /* not text, or not to be freed: static, or as long as the api */
    size_t size;
    char *headers; /* malloc'd, taken: more of them, whole lines; NULL: none */
    bool is_file;  /* the first `size` bytes of the regular file `file`, which is taken */
    int file;
    bool stream;      /* goes on: `body` is the first of its events, api_tell the others */
    bool later;       /* nothing yet: api_answer says it, within 5 s; with `late` within 15 s */
    const char *late; /* static: what is said (503) when no answer came, of what goes on anyhow */
};

/* `answer` must not wait, and must not free the api. A part of the path that is "*" stands for any
 * one that is not empty: the route takes it out of request->path. */
struct api_route {
    const char *method, *path;
    void (*answer)(void *context, const struct api_request *request, struct api_reply *reply);
};

struct api_counts {
    uint64_t requests; /* read whole and answered, whatever the status */
    uint64_t refused;  /* connections told 503, or not taken for want of descriptors */
    uint64_t bad;      /* not HTTP, too large, too slow, or gone before the end of the request */
    uint64_t denied;   /* requests that the guard did not let through */
    uint64_t waited;   /* times that a client waited for the next turn */
    uint64_t unserved; /* … or for a later answer, for 5 s, and were let go */
    uint64_t streams;  /* connections that are told events, now */
    uint64_t slow;     /* such ones that were let go: they did not take what they were told */
};

/* Who looks at each request before the routes. */
struct api_guard {
    void *context;
    /* True: the routes may answer it, in the name of what it filled in. False: `reply` does;
     * `denied` counts it where its status is 400 or more. */
    bool (*admit)(void *context, struct api_request *request, struct api_reply *reply);
    /* Whether what a stream, or a file that is being sent, was begun with still holds. */
    bool (*holds)(void *context, uint64_t session);
    const char *headers; /* of every reply: whole lines; static */
};

struct api_settings {
    struct tls_context *tls;       /* borrowed; NULL: plain */
    const struct api_guard *guard; /* outlives the api; NULL: whoever asks is answered */
    unsigned streams;              /* connections that may be told events at once */
    int64_t turn_ns;               /* of wall time, each quarter second; 0: no bound */
};

struct api;
/* Answers on `listener` (taken; closed by api_free, or here on failure) from `routes` (ends with
 * an all-NULL row; must outlive the api). NULL and an error: it cannot be watched. */
struct api *api_new(struct loop_ref loop, int listener, const struct api_route *routes,
                    void *context, struct error *error);
/* The same with these settings. */
struct api *api_new_with(struct loop_ref loop, int listener, const struct api_route *routes,
                         void *context, const struct api_settings *settings, struct error *error);
void api_free(struct api *api); /* open connections are closed as they are */
struct api_counts api_counts_of(const struct api *api);
/* What was to come later: answers the request of this ticket, whose reply is taken. Nothing
 * happens when its client is gone. */
void api_answer(struct api *api, uint64_t ticket, struct api_reply *reply);
/* Tells every stream. */
void api_tell(struct api *api, const char *text, size_t size);
/* Whether one more file can be sent, for who does something before it sends one. False: `reply`
 * says to ask again later. */
bool api_may_send_file(struct api *api, struct api_reply *reply);
/* Makes `reply` an error: {"error":{"text":…}}. */
void api_refuse(struct api_reply *reply, int status, const char *text);
/* What the "*" of a route's path stands for in `path`. False: it is longer than there is room for.
 */
bool api_path_part(const char *route, const char *path, char *text, size_t room);
/* The same, percent-decoded. False: its name is longer than that, empty, badly encoded, or has a
 * control character. */
bool api_path_name(const char *route, const char *path, char *text, size_t room);

/* Makes the unix listener at `path` with the permissions `mode`: the descriptor, or −1. A socket
 * that nobody answers on is left over from a crash, and is replaced; one that answers, or a file
 * that is no socket, is left alone and is an error. */
int api_listen(const char *path, unsigned mode, struct error *error);
/* "127.0.0.1:9477" or "[::1]:9477": a numeric address, and a port from 1. */
bool api_is_place(const char *text);
/* Makes a TCP listener there: the descriptor, or −1. */
int api_listen_tcp(const char *text, struct error *error);

#endif
