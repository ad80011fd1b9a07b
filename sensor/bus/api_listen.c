/* The control socket's file. The permissions are set before anybody could connect: on the
 * descriptor, from which bind makes the file, and once more on the file, since bind takes the umask
 * off. Two sensors that start in one folder at the same instant are told apart by the folder's
 * lock, not here. Thread: start-up. */
#include "weir/bus/api.h"

#include <errno.h>
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
