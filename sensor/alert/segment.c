/* See segment.h. A name counts only when it is exactly what we would write, so that backups and
 * half-finished copies beside the segments are left alone. No state. Thread: whoever asks. */
#include "segment.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"
#include "weir/base/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char segment_folder[] = "journal";

static const uint8_t magic[4] = {0xff, 'W', 'J', 'S'};
static const uint8_t bare[4] = {0xff, 'W', 'J', 1}; /* a frame's own */

static void put_name(uint64_t first, char name[SEGMENT_NAME_SIZE])
{
    snprintf(name, SEGMENT_NAME_SIZE, "%020" PRIu64 ".log", first);
}

char *segment_path(const char *folder, uint64_t first)
{
    char name[SEGMENT_NAME_SIZE];
    put_name(first, name);
    return xasprintf("%s/%s", folder, name);
}

int segment_open(const char *folder, uint64_t first, int flags)
{
    char *path = segment_path(folder, first);
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0640);
    int cause = errno;
    free(path);
    errno = cause;
    return fd;
}

void segment_head_put(struct buffer *out, uint64_t first, int64_t made_ns)
{
    size_t at = out->size;
    buffer_put(out, magic, sizeof magic);
    buffer_le32(out, SEGMENT_VERSION);
    buffer_le64(out, first);
    buffer_le64(out, (uint64_t)made_ns);
    buffer_le64(out, hash64(out->data + at, out->size - at, 0));
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static enum segment_kind look_at_head(const uint8_t *head, size_t size, struct segment *segment)
{
    size_t start = size < sizeof magic ? size : sizeof magic;
    if (size >= sizeof bare && memcmp(head, bare, sizeof bare) == 0)
        return SEGMENT_BARE;
    if (size < SEGMENT_HEAD && memcmp(head, magic, start) == 0)
        return SEGMENT_EMPTY;
    if (all_zero(head, size))
        return SEGMENT_EMPTY;
    if (size < SEGMENT_HEAD || memcmp(head, magic, sizeof magic) != 0)
        return SEGMENT_DAMAGED;
    struct cursor cursor = cursor_make(head, size);
    cursor_skip(&cursor, sizeof magic);
    segment->version = cursor_le32(&cursor);
    uint64_t first = cursor_le64(&cursor);
    int64_t made_ns = (int64_t)cursor_le64(&cursor);
    if (cursor_le64(&cursor) != hash64(head, SEGMENT_HEAD - 8, 0) || first != segment->first)
        return SEGMENT_DAMAGED;
    if (segment->version > SEGMENT_VERSION)
        return SEGMENT_NEWER;
    segment->made_ns = made_ns;
    segment->frames = SEGMENT_HEAD;
    return SEGMENT_GOOD;
}

enum segment_kind segment_look(int fd, struct segment *segment)
{
    uint8_t head[SEGMENT_HEAD];
    struct stat st;
    ssize_t got;
    do
        got = pread(fd, head, sizeof head, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 || fstat(fd, &st) != 0)
        return SEGMENT_ERROR;
    segment->bytes = (uint64_t)st.st_size;
    segment->made_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    segment->frames = 0;
    return look_at_head(head, (size_t)got, segment);
}

static bool number_of(const char *name, uint64_t *first)
{
    char again[SEGMENT_NAME_SIZE];
    *first = strtoull(name, NULL, 10);
    put_name(*first, again);
    return *first > 0 && strcmp(name, again) == 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int segments_list(const char *folder, uint64_t **first, size_t *count)
{
    uint64_t number;
    DIR *dir = opendir(folder);
    *first = NULL;
    *count = 0;
    if (!dir)
        return -1;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0) {
        if (!number_of(entry->d_name, &number))
            continue;
        if (*count == SEGMENTS_MAX) {
            errno = E2BIG;
            break;
        }
        if ((*count & (*count - 1)) == 0) /* grows by doubling */
            *first = xrealloc(*first, (2 * *count + 1) * sizeof **first);
        (*first)[(*count)++] = number;
    }
    int cause = errno;
    closedir(dir);
    if (cause) {
        free(*first);
        *first = NULL;
        *count = 0;
        errno = cause;
        return -1;
    }
    if (*count > 1)
        qsort(*first, *count, sizeof **first, by_number);
    return 0;
}
