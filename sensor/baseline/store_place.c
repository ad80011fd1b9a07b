/* Where a URL's server is, found once by whoever may still ask the resolver: behind its walls the
 * engine connects to that address. Of a name with several addresses the first of IPv4, else the
 * first: what hiredis would try first. Thread: any; it waits for the resolver. */
#include "store_url.h"
#include "weir/baseline/store.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool store_url_is_address(const struct store_url *url)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
    if (url->unix_socket || getaddrinfo(url->host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

static const struct addrinfo *best_of(const struct addrinfo *found)
{
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if (one->ai_family == AF_INET)
            return one;
    return found;
}

static int look_up(const struct store_url *url, struct store_place *place, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int result = getaddrinfo(url->host, NULL, &hints, &found);
    if (result != 0)
        return error_set(error, ERROR_RUN, "redis at %s: %s", url->shown, gai_strerror(result));
    const struct addrinfo *best = best_of(found);
    result = getnameinfo(best->ai_addr, best->ai_addrlen, place->address, sizeof place->address,
                         NULL, 0, NI_NUMERICHOST);
    place->family = result == 0 ? best->ai_family : 0;
    freeaddrinfo(found);
    if (result != 0)
        return error_set(error, ERROR_RUN, "redis at %s: %s", url->shown, gai_strerror(result));
    return 0;
}

int store_place_of(const char *text, struct store_place *place, struct error *error)
{
    struct store_url url;
    *place = (struct store_place){0};
    if (store_url_parse(text, &url, error) != 0)
        return -1;
    if (url.unix_socket) {
        place->unix_socket = true;
        place->family = AF_UNIX;
        return 0;
    }
    place->port = url.port;
    place->named = !store_url_is_address(&url);
    return look_up(&url, place, error);
}
