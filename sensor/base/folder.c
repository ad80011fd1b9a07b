/* See folder.h. */
#include "weir/base/folder.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

int folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = fsync(fd) != 0 && errno != EINVAL, cause = errno;
    close(fd);
    errno = cause;
    return failed ? -1 : 0;
}

int folder_sync_of(const char *path)
{
    char *copy = xstrdup(path);
    int result = folder_sync(dirname(copy)), cause = errno;
    free(copy);
    errno = cause;
    return result;
}
