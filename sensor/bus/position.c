/* Saved positions. A position is either the old or the new one, never half of each: it is written
 * to a second name, synced and renamed. Losing the rename in a crash only repeats alerts, which
 * readers tell by their event.id. No state. Thread: the bus's. */
#include "position.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSITION_TEXT "weir-position 2 %" PRIu64 " %" PRIu64 "\n"
#define POSITION_SIZE 80

/* Exactly what position_save writes, or nothing. */
static bool parse(const char *text, struct position *position)
{
    char again[POSITION_SIZE], *end;
    const char *number = strchr(text, ' ');
    number = number ? strchr(number + 1, ' ') : NULL;
    if (!number)
        return false;
    position->sequence = strtoull(number, &end, 10);
    position->epoch_ms = strtoull(end, NULL, 10);
    snprintf(again, sizeof again, POSITION_TEXT, position->sequence, position->epoch_ms);
    return strcmp(text, again) == 0;
}

int position_load(const char *path, struct position *position, bool *known, struct error *error)
{
    char text[POSITION_SIZE];
    *known = false;
    *position = (struct position){0};
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    *known = parse(text, position);
    if (*known)
        return 0;
    *position = (struct position){0};
    return error_set(error, ERROR_RUN, "%s: is not a saved position", path);
}

static int write_text(int fd, const struct position *position)
{
    char text[POSITION_SIZE];
    int size = snprintf(text, sizeof text, POSITION_TEXT, position->sequence, position->epoch_ms);
    ssize_t wrote = write(fd, text, (size_t)size);
    if (wrote >= 0 && wrote != size)
        errno = ENOSPC;
    return wrote == size ? fsync(fd) : -1;
}

int position_save(const char *path, const struct position *position, struct error *error)
{
    char *beside = xasprintf("%s.tmp", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int failed = fd < 0 || write_text(fd, position) != 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (!failed && rename(beside, path) != 0) {
        failed = 1;
        cause = errno;
    }
    if (failed) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(cause));
        unlink(beside);
    }
    free(beside);
    return failed ? -1 : 0;
}
