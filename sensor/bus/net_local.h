/* A connection's layout, for net.c, which makes it, and net_send.c, which uses it. */
#ifndef SENSOR_BUS_NET_LOCAL_H
#define SENSOR_BUS_NET_LOCAL_H

#include "net.h"

enum net_state { NET_LOOKING_UP, NET_CONNECTING, NET_SHAKING, NET_UP, NET_DOWN };

struct net {
    struct loop_ref loop;
    const struct net_config *config;
    struct net_events events;
    void *context;
    enum net_state state;
    struct net_lookup *lookup;
    struct addrinfo *addresses, *next; /* own copy; the one to try next */
    int fd;
    bool stream, wants_room;
    unsigned watched;
    struct loop_watch *watch, *timer;
    struct tls_client *tls;
    uint64_t written; /* without TLS: bytes the kernel took */
    struct error last;
};

/* Why it is of no more use, with the place's name before it. */
void net_set_last(struct net *net, const char *why);
void net_watch_for(struct net *net, unsigned what);

#endif
