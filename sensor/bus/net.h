/* A connection of a sink's to where its lines go: UDP, TCP, TLS or a local socket. Looks the name
 * up, connects, and says what the other end acknowledged. Never waits. One thread: the loop's. */
#ifndef SENSOR_BUS_NET_H
#define SENSOR_BUS_NET_H

#include "weir/base/error.h"
#include "weir/base/loop.h"
#include "weir/base/tls.h"

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- names ------------------------------------------------------------------------------------ */

struct net_lookup;
/* Calls `done` once, from the loop, with what the system's resolver found (freed after the call) or
 * NULL and why. `type` is SOCK_STREAM or SOCK_DGRAM. NULL: cannot be begun, the error says why. */
struct net_lookup *
net_lookup_new(struct loop_ref loop, const char *host, const char *port, int type,
               void (*done)(void *context, const struct addrinfo *found, const char *why),
               void *context, struct error *error);
void net_lookup_free(struct net_lookup *lookup); /* `done` is not called any more */

/* --- connections ------------------------------------------------------------------------------ */

enum net_transport { NET_UDP, NET_TCP, NET_TLS, NET_LOCAL };

struct net_config {
    enum net_transport transport;
    const char *host, *port; /* NET_LOCAL: `host` is the socket's path */
    struct tls_context *tls; /* NET_TLS */
    int64_t connect_ns;      /* for each address, handshake included */
    int64_t silent_ns;       /* TCP gives up when nothing is acknowledged for so long */
};

enum net_result {
    NET_OK,
    NET_FULL,      /* not now: `room` will be called */
    NET_TOO_LARGE, /* no datagram is so large */
    NET_FAILED,    /* the connection is of no more use; the error says why */
};

struct net_events { /* from the loop, never from inside a call below */
    void (*up)(void *context);
    void (*room)(void *context); /* after NET_FULL */
    void (*down)(void *context, const struct error *error);
};

struct net;
/* Begins. After `down`, or NET_FAILED, there is only net_close. The configuration outlives it. */
struct net *net_new(struct loop_ref loop, const struct net_config *config,
                    const struct net_events *events, void *context, struct error *error);
void net_close(struct net *net);
bool net_is_stream(const struct net *net);
/* Streams may take part of it: `sent`. A datagram goes whole or not at all. */
enum net_result net_send(struct net *net, const void *data, size_t size, size_t *sent,
                         struct error *error);
/* A growing place in what was sent, and the place up to which the peer's system acknowledged it.
 * UDP and local sockets: what the kernel took counts. */
uint64_t net_place(const struct net *net);
uint64_t net_acknowledged(const struct net *net);

#endif
