/* The control API's server: HTTP/1.1 and JSON on a listening socket, in the loop of whoever
 * asks for it. One request a connection. Routes are a table, so that whoever knows the answers
 * (the engine, later the console) says them. docs/api.md is the contract with the outside.
 *
 * Bounds: API_CLIENTS connections at once (one more is told 503), 8 KiB of head, 64 KiB of body,
 * 5 s for a request to come whole and 5 s for its reply to be taken, however the bytes trickle;
 * what is sent behind it is thrown away for 1 s and 1 MiB. No client can hold up the loop: nothing
 * here waits. Thread: the loop's. */
#ifndef WEIR_BUS_API_H
#define WEIR_BUS_API_H

#include "weir/base/error.h"
#include "weir/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_CLIENTS 64

/* Borrowed for the length of the call. The path is as it came: nothing is percent-decoded. */
struct api_request {
    const char *method, *path, *query; /* query: "" without one */
    const void *body;
    size_t body_size; /* bytes */
    int64_t uid;      /* of who connected, as the kernel has it; −1: it does not say */
};

/* Filled by a route; as it is handed over: 200, JSON, no body. */
struct api_reply {
    int status;
    const char *type; /* static; "application/json" */
    char *body;       /* malloc'd text, taken; NULL: empty */
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
};

struct api;
/* Answers on `listener` (taken; closed by api_free, or here on failure) from `routes` (ends with
 * an all-NULL row; must outlive the api). NULL and an error: it cannot be watched. */
struct api *api_new(struct loop_ref loop, int listener, const struct api_route *routes,
                    void *context, struct error *error);
void api_free(struct api *api); /* open connections are closed as they are */
struct api_counts api_counts_of(const struct api *api);
/* Makes `reply` an error: {"error":{"text":…}}. */
void api_refuse(struct api_reply *reply, int status, const char *text);
/* What the "*" of a route's path stands for in `path`. False: it is longer than there is room for.
 */
bool api_path_part(const char *route, const char *path, char *text, size_t room);

/* Makes the unix listener at `path` with the permissions `mode`: the descriptor, or −1. A socket
 * that nobody answers on is left over from a crash, and is replaced; one that answers, or a file
 * that is no socket, is left alone and is an error. */
int api_listen(const char *path, unsigned mode, struct error *error);
/* "127.0.0.1:9477" or "[::1]:9477": a numeric address, and a port from 1. */
bool api_is_place(const char *text);
/* Makes a TCP listener there: the descriptor, or −1. */
int api_listen_tcp(const char *text, struct error *error);

#endif
