/* See output.h. */
#include "output.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* −1 and errno; closes. */
static int put(int fd, const char *text, size_t left, bool sync)
{
    int failed = fd < 0;
    while (!failed && left > 0) {
        ssize_t wrote = write(fd, text, left);
        if (wrote < 0 && errno != EINTR)
            failed = 1;
        text += wrote > 0 ? wrote : 0;
        left -= wrote > 0 ? (size_t)wrote : 0;
    }
    if (!failed && sync && fsync(fd) != 0)
        failed = 1;
    int kept = errno;
    if (fd >= 0 && close(fd) != 0 && !failed)
        return -1;
    errno = kept;
    return failed ? -1 : 0;
}

/* `target` is no link. What an earlier run left half goes. */
static int replace(const char *target, const char *text, size_t size)
{
    char *part = xasprintf("%s.part", target);
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int failed = put(fd, text, size, true) != 0 || rename(part, target) != 0;
    int kept = errno;
    if (failed && fd >= 0)
        unlink(part);
    free(part);
    errno = kept;
    return failed ? -1 : 0;
}

/* A device, a FIFO; a file that is this process's output already (/dev/stdout), whose name would
 * be taken from it. */
static bool is_direct(const struct stat *st)
{
    struct stat ours;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &ours) == 0 && ours.st_dev == st->st_dev && ours.st_ino == st->st_ino)
            return true;
    return !S_ISREG(st->st_mode);
}

static int write_to(const char *path, const char *text, size_t size)
{
    struct stat st;
    if (stat(path, &st) == 0 && is_direct(&st))
        return put(open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY), text, size, false);
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
        return replace(path, text, size);
    char *target = realpath(path, NULL); /* NULL: it leads nowhere, and nothing is made there */
    int failed = target ? replace(target, text, size) : -1;
    free(target);
    return failed;
}

int output_write_bytes(const char *path, const void *data, size_t size, struct error *error)
{
    if (write_to(path, data, size) == 0)
        return 0;
    return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
}

int output_write(const char *path, const char *text, struct error *error)
{
    return output_write_bytes(path, text, strlen(text), error);
}
