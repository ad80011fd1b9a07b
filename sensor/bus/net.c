/* A sink's connection.
 *
 *   looking up → (for each address) connecting → (TLS) shaking hands → up
 *
 * Each address has its own time for connecting and handshake; after the last one the connection is
 * down, with the reason of the last. What a peer says is thrown away; only its end matters: no
 * syslog receiver ever answers, so one that closed must be noticed by reading.
 *
 * A local socket is a datagram socket as /dev/log is, or a stream where that is what listens.
 * Bounds: one descriptor, no buffer. Thread: the loop's. */
#include "net_local.h"

#include "weir/base/buffer.h"
#include "weir/base/time.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEEPALIVE_S   60 /* an idle connection is asked about after so long */
#define HEARD_AT_ONCE 16 /* reads of 4 KiB thrown away a turn */

static void try_next(struct net *net);

/* --- ends ------------------------------------------------------------------------------------- */

static void drop(struct net *net, struct loop_watch **watch)
{
    if (*watch)
        net->loop.ops->drop(*watch);
    *watch = NULL;
}

static void hang_up(struct net *net)
{
    drop(net, &net->watch);
    drop(net, &net->timer);
    tls_client_free(net->tls);
    net->tls = NULL;
    if (net->fd >= 0)
        close(net->fd);
    net->fd = -1;
}

void net_set_last(struct net *net, const char *why)
{
    net->last = (struct error){0};
    if (net->config->transport == NET_LOCAL)
        error_set(&net->last, ERROR_RUN, "%s: %s", net->config->host, why);
    else
        error_set(&net->last, ERROR_RUN, "%s port %s: %s", net->config->host, net->config->port,
                  why);
}

/* The last thing done with `net` in a callback: its owner may close it. */
static void go_down(struct net *net)
{
    hang_up(net);
    net->state = NET_DOWN;
    net->events.down(net->context, &net->last);
}

static void connect_failed(struct net *net)
{
    hang_up(net);
    if (net->next)
        try_next(net);
    else
        go_down(net);
}

static void on_connect_late(void *context)
{
    struct net *net = context;
    net_set_last(net,
                 net->state == NET_SHAKING ? "no TLS handshake in time" : "no connection in time");
    connect_failed(net);
}

/* --- watching --------------------------------------------------------------------------------- */

void net_watch_for(struct net *net, unsigned what)
{
    if (net->watched != what)
        net->loop.ops->change(net->watch, what);
    net->watched = what;
}

static void come_up(struct net *net)
{
    drop(net, &net->timer);
    net->state = NET_UP;
    net_watch_for(net, LOOP_READ);
    net->events.up(net->context);
}

static void shake(struct net *net)
{
    struct error error = {0};
    switch (tls_client_handshake(net->tls, &error)) {
    case TLS_DONE:
        come_up(net);
        return;
    case TLS_WANTS_READ:
        net_watch_for(net, LOOP_READ);
        return;
    case TLS_WANTS_WRITE:
        net_watch_for(net, LOOP_WRITE);
        return;
    case TLS_ENDED:
    case TLS_FAILED:
        net_set_last(net, *error.message ? error.message : "closed during the TLS handshake");
        connect_failed(net);
    }
}

static int pending_error(int fd)
{
    int cause = 0;
    socklen_t size = sizeof cause;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &size) == 0 ? cause : errno;
}

static void on_connected(struct net *net)
{
    struct error error = {0};
    int cause = pending_error(net->fd);
    if (cause) {
        net_set_last(net, strerror(cause));
        connect_failed(net);
        return;
    }
    if (net->config->transport != NET_TLS) {
        come_up(net);
        return;
    }
    net->state = NET_SHAKING;
    net->tls = tls_client_new(net->config->tls, net->fd, net->config->host, &error);
    if (net->tls) {
        shake(net);
        return;
    }
    net_set_last(net, error.message);
    connect_failed(net);
}

/* NULL: more may come. Else why nothing more will. */
static const char *hear_plain(struct net *net)
{
    char heard[4096];
    ssize_t got = recv(net->fd, heard, sizeof heard, MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR))
        return NULL;
    if (got < 0 && errno == EAGAIN)
        return "";
    if (got < 0)
        return strerror(errno);
    return net->stream ? "closed by the other end" : "";
}

static const char *hear_tls(struct net *net, struct error *error)
{
    char heard[4096];
    size_t got;
    switch (tls_client_read(net->tls, heard, sizeof heard, &got, error)) {
    case TLS_DONE:
        return NULL;
    case TLS_WANTS_READ:
    case TLS_WANTS_WRITE:
        return "";
    case TLS_FAILED:
        return error->message;
    case TLS_ENDED:
        break;
    }
    return "closed by the other end";
}

/* False: it is down, and may be freed. */
static bool hear(struct net *net)
{
    struct error error = {0};
    const char *why = NULL;
    for (int i = 0; !why && i < HEARD_AT_ONCE; i++)
        why = net->tls ? hear_tls(net, &error) : hear_plain(net);
    if (!why || !*why)
        return true;
    net_set_last(net, why);
    go_down(net);
    return false;
}

static void on_ready(void *context, unsigned what)
{
    struct net *net = context;
    if (net->state == NET_CONNECTING) {
        on_connected(net);
        return;
    }
    if (net->state == NET_SHAKING) {
        shake(net);
        return;
    }
    if ((what & LOOP_READ) && !hear(net))
        return;
    if ((what & LOOP_WRITE) && net->wants_room) {
        net->wants_room = false;
        net_watch_for(net, LOOP_READ);
        net->events.room(net->context);
    }
}

/* --- connecting ------------------------------------------------------------------------------- */

static void tune(const struct net *net)
{
    const int on = 1, idle_s = KEEPALIVE_S;
    unsigned silent_ms = (unsigned)(net->config->silent_ns / NS_PER_MS);
    if (net->config->transport != NET_TCP && net->config->transport != NET_TLS)
        return;
    setsockopt(net->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(net->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(net->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(net->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
}

/* Begins with one address; an errno when it cannot. The rest is told by the loop. */
static int begin(struct net *net, int family, int type, const struct sockaddr *address,
                 socklen_t size)
{
    net->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (net->fd < 0)
        return errno;
    net->stream = type == SOCK_STREAM;
    tune(net);
    if (connect(net->fd, address, size) != 0 && errno != EINPROGRESS)
        return errno;
    net->state = NET_CONNECTING;
    net->watched = LOOP_WRITE;
    net->watch = net->loop.ops->watch(net->loop.loop, net->fd, LOOP_WRITE, on_ready, net);
    net->timer =
        net->loop.ops->timer(net->loop.loop, net->config->connect_ns, on_connect_late, net);
    return net->watch && net->timer ? 0 : ENOMEM;
}

static void try_next(struct net *net)
{
    while (net->next) {
        const struct addrinfo *address = net->next;
        net->next = address->ai_next;
        int cause = begin(net, address->ai_family, address->ai_socktype, address->ai_addr,
                          address->ai_addrlen);
        if (!cause)
            return;
        net_set_last(net, strerror(cause));
        hang_up(net);
    }
    go_down(net);
}

static struct addrinfo *copy_of(const struct addrinfo *found)
{
    struct addrinfo *first = NULL, **last = &first;
    for (int i = 0; found && i < 16; i++, found = found->ai_next) {
        struct addrinfo *copy = xcalloc(1, sizeof *copy);
        *copy = *found;
        copy->ai_canonname = NULL;
        copy->ai_next = NULL;
        copy->ai_addr = xcalloc(1, found->ai_addrlen);
        memcpy(copy->ai_addr, found->ai_addr, found->ai_addrlen);
        *last = copy;
        last = &copy->ai_next;
    }
    return first;
}

static void on_found(void *context, const struct addrinfo *found, const char *why)
{
    struct net *net = context;
    net_set_last(net, why ? why : "has no address");
    net->addresses = net->next = copy_of(found);
    try_next(net);
}

/* Told by the loop like everything else, so that `down` never comes from inside net_new. */
static void on_local(void *context)
{
    struct net *net = context;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    drop(net, &net->timer);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", net->config->host);
    int cause = begin(net, AF_UNIX, SOCK_DGRAM, (struct sockaddr *)&address, sizeof address);
    if (cause == EPROTOTYPE) {
        hang_up(net);
        cause = begin(net, AF_UNIX, SOCK_STREAM, (struct sockaddr *)&address, sizeof address);
    }
    if (!cause)
        return;
    net_set_last(net, strerror(cause));
    go_down(net);
}

struct net *net_new(struct loop_ref loop, const struct net_config *config,
                    const struct net_events *events, void *context, struct error *error)
{
    struct net *net = xcalloc(1, sizeof *net);
    int type = config->transport == NET_UDP ? SOCK_DGRAM : SOCK_STREAM;
    *net = (struct net){
        .loop = loop, .config = config, .events = *events, .context = context, .fd = -1};
    if (config->transport == NET_LOCAL)
        net->timer = loop.ops->timer(loop.loop, 1, on_local, net);
    else
        net->lookup = net_lookup_new(loop, config->host, config->port, type, on_found, net, error);
    if (net->timer || net->lookup)
        return net;
    error_set(error, ERROR_RUN, "%s: no timer", config->host);
    net_close(net);
    return NULL;
}

void net_close(struct net *net)
{
    if (!net)
        return;
    hang_up(net);
    net_lookup_free(net->lookup);
    while (net->addresses) {
        struct addrinfo *address = net->addresses;
        net->addresses = address->ai_next;
        free(address->ai_addr);
        free(address);
    }
    free(net);
}

bool net_is_stream(const struct net *net)
{
    return net->stream;
}
