/* See place.h. It is written beside itself, synced and renamed: either the old place or the new one
 * is there. Losing the rename repeats records, which readers tell by their event.id. No state. */
#include "place.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE_TEXT "weir-alerts 1 %" PRIu64 "\n"

int place_load(const char *path, uint64_t *sequence, struct error *error)
{
    char text[64], again[64];
    *sequence = 0;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *number = strrchr(text, ' ');
    uint64_t value = number ? strtoull(number, NULL, 10) : 0;
    snprintf(again, sizeof again, PLACE_TEXT, value);
    if (strcmp(text, again) != 0) /* exactly what place_save writes */
        return error_set(error, ERROR_RUN, "%s: is not a saved position", path);
    *sequence = value;
    return 0;
}

static int write_text(int fd, uint64_t sequence)
{
    char text[64];
    int size = snprintf(text, sizeof text, PLACE_TEXT, sequence);
    ssize_t wrote = write(fd, text, (size_t)size);
    if (wrote >= 0 && wrote != size)
        errno = ENOSPC;
    return wrote == size ? fsync(fd) : -1;
}

int place_save(const char *path, uint64_t sequence, struct error *error)
{
    char *beside = xasprintf("%s.tmp", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    int failed = fd < 0 || write_text(fd, sequence) != 0 || rename(beside, path) != 0;
    if (failed) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        unlink(beside);
    }
    if (fd >= 0)
        close(fd);
    free(beside);
    return failed ? -1 : 0;
}
