/* Where a URL's servers are, found once by whoever may still ask the resolver: behind its walls the
 * engine connects to those addresses. Of a name with several addresses the first of IPv4, else the
 * first: what hiredis would try first. Of several servers all are of one family, the first's that
 * is found: the walls let one through. Thread: any; it waits for the resolver. */
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
    if (url->unix_socket)
        return false;
    for (size_t i = 0; i < url->seeds; i++) {
        if (getaddrinfo(store_url_seed(url, i), NULL, &hints, &found) != 0)
            return false;
        freeaddrinfo(found);
    }
    return true;
}

static const struct addrinfo *best_of(const struct addrinfo *found)
{
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if (one->ai_family == AF_INET)
            return one;
    return found;
}

/* Behind the addresses that are there already, with its comma; "" when it has none of the family.
 */
static int add_address(struct store_place *place, const struct addrinfo *best)
{
    size_t size = strlen(place->address);
    if (best && place->family && best->ai_family != place->family)
        best = NULL;
    if (!best)
        return 0;
    int result = getnameinfo(best->ai_addr, best->ai_addrlen, place->address + size,
                             (socklen_t)(sizeof place->address - size), NULL, 0, NI_NUMERICHOST);
    place->family = result == 0 ? best->ai_family : place->family;
    return result;
}

static void add_comma(struct store_place *place)
{
    size_t size = strlen(place->address);
    if (size + 1 < sizeof place->address)
        memcpy(place->address + size, ",", sizeof ",");
}

static int look_up(const struct store_url *url, struct store_place *place, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int failed = 0;
    for (size_t i = 0; i < url->seeds; i++) {
        if (i > 0)
            add_comma(place);
        int result = getaddrinfo(store_url_seed(url, i), NULL, &hints, &found);
        if (result == 0) {
            result = add_address(place, best_of(found));
            freeaddrinfo(found);
        }
        failed = result ? result : failed;
    }
    if (place->family)
        return 0;
    *place->address = '\0';
    return error_set(error, ERROR_RUN, "redis at %s: %s", url->shown, gai_strerror(failed));
}

static void add_port(struct store_place *place, uint16_t port)
{
    for (size_t i = 0; i < place->ports; i++)
        if (place->port[i] == port)
            return;
    place->port[place->ports++] = port;
}

static void add_ports(const struct store_url *url, struct store_place *place)
{
    for (size_t i = 0; i < url->port_count; i++)
        add_port(place, url->ports[i]);
    for (size_t i = 0; i < url->seeds; i++) /* of sentinels, which are no store's */
        add_port(place, url->seed_port[i]);
}

int store_place_of(const char *text, struct store_place *place, struct error *error)
{
    struct store_url url;
    *place = (struct store_place){.ports = 0};
    if (store_url_parse(text, &url, error) != 0)
        return -1;
    if (url.unix_socket) {
        place->unix_socket = true;
        place->family = AF_UNIX;
        return 0;
    }
    add_ports(&url, place);
    place->named = !store_url_is_address(&url);
    return look_up(&url, place, error);
}
