/* The control socket's file. The permissions are set before anybody could connect: on the
 * descriptor, from which bind makes the file, and once more on the file, since bind takes the umask
 * off. Two sensors that start in one folder at the same instant are told apart by the folder's
 * lock, not here. Thread: start-up. */
#include "weir/bus/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define API_BACKLOG 128 /* connections the kernel holds for us while the loop is busy */

static int new_socket(const char *path, struct error *error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        error_set(error, ERROR_RUN, "%s: a socket cannot be made: %s", path, strerror(errno));
    return fd;
}

/* 0: nothing is there any more. A full queue (EAGAIN) is somebody too. */
static int clear_path(const struct sockaddr_un *address, struct error *error)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return 0;
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode))
        return error_set(error, ERROR_RUN, "%s: is no socket; it is left as it is", path);
    int fd = new_socket(path, error);
    if (fd < 0)
        return -1;
    int failed = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 ? errno : 0;
    close(fd);
    if (failed == 0 || failed == EAGAIN)
        return error_set(error, ERROR_RUN, "%s: another sensor runs here", path);
    if (failed != ECONNREFUSED && failed != ENOENT)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(failed));
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set(error, ERROR_RUN, "%s: a dead socket cannot be removed: %s", path,
                         strerror(errno));
    return 0;
}

int api_listen(const char *path, unsigned mode, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof address.sun_path)
        return error_set(error, ERROR_RUN,
                         "%.200s: the socket's path has %zu bytes, at most %zu are possible", path,
                         size, sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, size + 1);
    if (clear_path(&address, error) != 0)
        return -1;
    int fd = new_socket(path, error);
    if (fd < 0)
        return -1;
    if (fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        chmod(path, mode) == 0 && listen(fd, API_BACKLOG) == 0)
        return fd;
    error_set(error, ERROR_RUN, "%s: cannot be listened on: %s", path, strerror(errno));
    close(fd);
    return -1;
}

/* --- TCP ---------------------------------------------------------------------------------------
 */

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size;
};

/* 0: it is none. */
static in_port_t read_port(const char *text)
{
    unsigned port = 0;
    for (size_t i = 0; text[i]; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 5)
            return 0;
        port = 10 * port + (unsigned)(text[i] - '0');
    }
    return port <= UINT16_MAX ? htons((uint16_t)port) : 0;
}

static bool read_place(const char *text, struct place *place)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    bool six = size > 2 && text[0] == '[' && text[size - 1] == ']';
    in_port_t port = colon ? read_port(colon + 1) : 0;
    *place = (struct place){.size = 0};
    if (six)
        size -= 2;
    if (port == 0 || size == 0 || size >= sizeof host)
        return false;
    memcpy(host, text + six, size);
    host[size] = '\0';
    if (six) {
        place->address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        place->size = sizeof place->address.v6;
        return inet_pton(AF_INET6, host, &place->address.v6.sin6_addr) == 1;
    }
    place->address.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    place->size = sizeof place->address.v4;
    return inet_pton(AF_INET, host, &place->address.v4.sin_addr) == 1;
}

bool api_is_place(const char *text)
{
    struct place place;
    return read_place(text, &place);
}

int api_listen_tcp(const char *text, struct error *error)
{
    struct place place;
    const int yes = 1;
    if (!read_place(text, &place))
        return error_set(error, ERROR_USAGE, "%.100s: is no ADDRESS:PORT", text);
    int fd = socket(place.address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool six = place.address.any.sa_family == AF_INET6;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        (!six || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0) &&
        bind(fd, &place.address.any, place.size) == 0 && listen(fd, API_BACKLOG) == 0)
        return fd;
    error_set(error, ERROR_RUN, "%s: cannot be listened on: %s", text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
