/* Sending over a connection that is up. What the peer's system acknowledged is what was written
 * less what still waits in the kernel's send queue (SIOCOUTQ counts sent and unsent bytes alike);
 * with TLS both are counted in bytes of the wire. Thread: the loop's. */
#include "net_local.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static enum net_result full(struct net *net)
{
    net->wants_room = true;
    net_watch_for(net, LOOP_READ | LOOP_WRITE);
    return NET_FULL;
}

static enum net_result failed(struct net *net, const char *why, struct error *error)
{
    net_set_last(net, why);
    error_set(error, ERROR_RUN, "%s", net->last.message);
    return NET_FAILED;
}

static enum net_result send_tls(struct net *net, const void *data, size_t size, size_t *sent,
                                struct error *error)
{
    struct error why = {0};
    switch (tls_client_write(net->tls, data, size, sent, &why)) {
    case TLS_DONE:
        return NET_OK;
    case TLS_WANTS_READ: /* a key update: what is read next makes room */
    case TLS_WANTS_WRITE:
        return full(net);
    case TLS_ENDED:
        return failed(net, "closed by the other end", error);
    case TLS_FAILED:
        break;
    }
    return failed(net, why.message, error);
}

enum net_result net_send(struct net *net, const void *data, size_t size, size_t *sent,
                         struct error *error)
{
    ssize_t wrote;
    *sent = 0;
    if (net->state != NET_UP)
        return failed(net, "is not connected", error);
    if (net->tls)
        return send_tls(net, data, size, sent, error);
    do
        wrote = send(net->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (wrote < 0 && errno == EINTR);
    if (wrote >= 0) {
        *sent = (size_t)wrote;
        net->written += (uint64_t)wrote;
        return NET_OK;
    }
    if (errno == EAGAIN || errno == ENOBUFS)
        return full(net);
    if (errno == EMSGSIZE)
        return NET_TOO_LARGE;
    return failed(net, strerror(errno), error);
}

uint64_t net_place(const struct net *net)
{
    return net->tls ? tls_client_written(net->tls) : net->written;
}

uint64_t net_acknowledged(const struct net *net)
{
    int queued = 0;
    uint64_t place = net_place(net);
    bool queue_counts = net->config->transport == NET_TCP || net->config->transport == NET_TLS;
    if (net->fd < 0 || !queue_counts)
        return place;
    if (ioctl(net->fd, SIOCOUTQ, &queued) != 0 || queued < 0)
        return 0;
    return place > (uint64_t)queued ? place - (uint64_t)queued : 0;
}
