/* The descriptor of an input: a file, standard input, or a connection to somebody who sends a
 * capture (pcap-over-TCP). All of it is done before the walls: behind them a connection is a pipe.
 * The name that is looked up is the operator's own word; no name that was seen in traffic ever is.
 * Thread: start-up. */
#include "weir/capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEME     "tcp://"
#define CONNECT_MS 10000

/* "HOST:PORT" or "[V6]:PORT" in two. False: it is neither. */
static bool split(const char *place, char host[256], char port[16])
{
    bool bracket = *place == '[';
    const char *end = bracket ? strchr(place, ']') : strrchr(place, ':');
    const char *begin = place + bracket;
    const char *colon = end && bracket ? end + 1 : end;
    if (!end || *colon != ':' || end == begin || end - begin >= 256)
        return false;
    if (!bracket && memchr(begin, ':', (size_t)(end - begin)))
        return false; /* an IPv6 address without brackets has no port to be told from */
    snprintf(host, 256, "%.*s", (int)(end - begin), begin);
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
        return false;
    unsigned long number = strtoul(colon + 1, NULL, 10);
    if (number == 0 || number > UINT16_MAX)
        return false; /* getaddrinfo would take it modulo 65,536 */
    snprintf(port, 16, "%s", colon + 1);
    return true;
}

/* errno, or 0. The socket is a blocking one afterwards, as a pipe is. */
static int connect_to(int fd, const struct addrinfo *to)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int failed = 0, on = 1;
    socklen_t size = sizeof failed;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        if (errno != EINPROGRESS)
            return errno;
        if (poll(&wait, 1, CONNECT_MS) <= 0)
            return ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0)
            return failed ? failed : errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); /* a peer that vanished is an end */
    int flags = fcntl(fd, F_GETFL);
    return fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : errno;
}

static int try_all(const struct addrinfo *list, int *failed)
{
    *failed = EADDRNOTAVAIL;
    for (const struct addrinfo *to = list; to; to = to->ai_next) {
        int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        *failed = fd < 0 ? errno : connect_to(fd, to);
        if (*failed == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

static int open_connection(const char *path, struct error *error)
{
    char host[256], port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int failed;
    if (!split(path + strlen(SCHEME), host, port))
        return error_set(error, ERROR_INPUT,
                         "%s: expected tcp://HOST:PORT (IPv6: tcp://[ADDRESS]:PORT)", path);
    int found = getaddrinfo(host, port, &hints, &list);
    if (found != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, gai_strerror(found));
    int fd = try_all(list, &failed);
    freeaddrinfo(list);
    if (fd >= 0)
        return fd;
    return error_set(error, ERROR_INPUT, "%s: cannot connect: %s", path, strerror(failed));
}

int source_descriptor(const char *path, struct error *error)
{
    struct stat st;
    if (strncmp(path, SCHEME, strlen(SCHEME)) == 0)
        return open_connection(path, error);
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                    : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        error_set(error, ERROR_INPUT,
                  "%s: is a directory without captures (expected pcap or pcapng in it, as it is "
                  "or packed by gzip, zstd, lz4 or xz)",
                  path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}
