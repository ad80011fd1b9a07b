/* Connections that come: which are taken, and what the others are told.
 *
 * When the turn is spent, or there is no descriptor, nobody is taken: they wait in the kernel's
 * queue until the next sweep. Thread: the loop's. */
#include "api_local.h"

#include "weir/base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_TURN 16 /* connections taken in one turn of the loop */

static void refuse_client(struct api *api, int fd)
{
    static const char body[] = "{\"error\":{\"text\":\"too many connections, ask again later\"}}";
    char text[256];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 503 %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        http_reason(503), sizeof body - 1, body);
    api->counts.refused++;
    if (!api->settings.tls && send(fd, text, (size_t)size, MSG_NOSIGNAL) < 0)
        log_debug("control API: a client was gone before it could be refused: %s", strerror(errno));
    close(fd);
}

static struct ip peer_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t size = sizeof address;
    if (getpeername(fd, &address.any, &size) == 0 && address.any.sa_family == AF_INET)
        return ip_from_v4((const uint8_t *)&address.v4.sin_addr);
    if (size == sizeof address.v6 && address.any.sa_family == AF_INET6)
        return ip_from_v6(address.v6.sin6_addr.s6_addr);
    return (struct ip){{0}};
}

static bool begin_tls(struct api *api, struct api_client *client)
{
    struct error error = {0};
    if (api->settings.tls)
        client->tls = tls_server_new(api->settings.tls, client->fd, &error);
    return !api->settings.tls || client->tls;
}

static void take_client(struct api *api, int fd, const struct ip *peer)
{
    struct api_client *client = xcalloc(1, sizeof *client);
    *client = (struct api_client){
        .api = api, .fd = fd, .next = api->first, .peer = *peer, .ticket = ++api->tickets};
    if (begin_tls(api, client))
        client->watch =
            api->loop.ops->watch(api->loop.loop, fd, LOOP_READ, api_client_ready, client);
    if (!client->watch) {
        tls_client_free(client->tls);
        free(client);
        refuse_client(api, fd);
        return;
    }
    api_client_enter(client, client->tls ? API_HANDSHAKE : API_HEAD, API_REQUEST_NS);
    if (api->first)
        api->first->previous = client;
    api->first = client;
    api->clients++;
}

bool api_is_same_client(const struct ip *one, const struct ip *other)
{
    const struct prefix a = prefix_of(one, 32, 64), b = prefix_of(other, 32, 64);
    return ip_compare(&a.ip, &b.ip) == 0;
}

/* One client takes not all the places; of IPv6 it has a /64, in which it is whom it likes. Those of
 * this machine are many people's: a tunnel's, a proxy's. */
static bool has_room(const struct api *api, const struct ip *peer)
{
    static const struct ip unix_socket;
    unsigned same = 0;
    if (api->clients >= API_CLIENTS)
        return false;
    if (ip_is_loopback(peer) || ip_compare(peer, &unix_socket) == 0)
        return true;
    for (const struct api_client *client = api->first; client; client = client->next)
        same += client->phase != API_STREAM && api_is_same_client(&client->peer, peer);
    return same < API_CLIENTS_EACH;
}

static void welcome(struct api *api, int fd)
{
    struct wtime began = wtime_now();
    const struct ip peer = peer_of(fd);
    if (has_room(api, &peer))
        take_client(api, fd, &peer);
    else
        refuse_client(api, fd);
    api->spent_ns += wtime_now().ns - began.ns;
}

/* They wait in the kernel's queue. */
static void pause_listening(struct api *api)
{
    api->paused = true;
    api->loop.ops->change(api->listening, 0);
}

void api_welcome(void *context, unsigned what)
{
    struct api *api = context;
    (void)what;
    for (int turn = 0; turn < ACCEPT_TURN; turn++) {
        if (api_is_spent(api)) {
            pause_listening(api);
            return;
        }
        int fd = accept4(api->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(api, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            api->counts.refused++;
            pause_listening(api); /* so does the next try */
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}
