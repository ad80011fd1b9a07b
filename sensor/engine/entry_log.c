/* The log's bytes and its file. Every length is checked before it is used. Thread: the engine's. */
#include "entry_log.h"

#include "weir/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[8] = {'W', 'e', 'i', 'r', ' ', 'l', 'o', 'g'};

_Static_assert(sizeof(struct log_header) % 8 == 0 && sizeof(struct entry) % 8 == 0,
               "entries lie 8-aligned");

/* --- bytes ----------------------------------------------------------------------------------- */

static uint64_t header_hash(const struct log_header *header)
{
    return hash64(header, offsetof(struct log_header, hash), 0);
}

static uint64_t entry_hash(const struct entry *entry, uint64_t number)
{
    return hash64(entry + 1, entry->size, hash64(entry, offsetof(struct entry, hash), number));
}

const struct entry *log_entry(const uint8_t *bytes, size_t at)
{
    return (const struct entry *)(const void *)(bytes + at);
}

static bool size_holds(const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_RECORD:
        return entry->size >= sizeof(struct record_header) && entry->size <= RECORD_MAX_BYTES;
    case ENTRY_ATTACH:
        return entry->size == 0;
    case ENTRY_LOST:
        return entry->size == WHY_SIZE;
    case ENTRY_LOADED:
        return entry->size >= sizeof(struct entry_loaded) && entry->size <= ENTRY_BYTES_MAX &&
               ((const struct entry_loaded *)(const void *)(entry + 1))->blob_size <=
                   entry->size - sizeof(struct entry_loaded);
    case ENTRY_ELSEWHERE:
        return entry->size >= sizeof(struct entry_elsewhere) && entry->size <= ENTRY_BYTES_MAX &&
               ((const struct entry_elsewhere *)(const void *)(entry + 1))->size <=
                   entry->size - sizeof(struct entry_elsewhere);
    case ENTRY_WAITED:
        return entry->size == sizeof(struct entry_waited);
    default:
        return false;
    }
}

static bool entry_holds(const uint8_t *bytes, size_t size, size_t at, uint64_t number)
{
    if (size - at < sizeof(struct entry))
        return false;
    const struct entry *entry = log_entry(bytes, at);
    return entry->size % 8 == 0 && entry->size <= size - at - sizeof *entry && size_holds(entry) &&
           entry->worker < ENGINE_WORKERS_MAX && entry_hash(entry, number) == entry->hash;
}

/* Whether a good entry begins anywhere behind `at`. */
static bool goes_on(const uint8_t *bytes, size_t size, size_t at, uint64_t number)
{
    for (at += 8; at < size; at += 8)
        if (entry_holds(bytes, size, at, number))
            return true;
    return false;
}

enum log_result log_check(const uint8_t *bytes, size_t size, uint64_t layout,
                          struct log_header *header, size_t *end)
{
    if (size < sizeof *header)
        return LOG_NONE;
    memcpy(header, bytes, sizeof *header);
    if (memcmp(header->magic, magic, sizeof magic) != 0 || header_hash(header) != header->hash)
        return LOG_DAMAGED;
    if (header->layout != layout)
        return LOG_OTHER;
    *end = LOG_FIRST;
    while (*end < size && entry_holds(bytes, size, *end, header->number))
        *end += sizeof(struct entry) + log_entry(bytes, *end)->size;
    if (*end < size && goes_on(bytes, size, *end, header->number))
        return LOG_DAMAGED;
    return LOG_OK;
}

/* --- file ------------------------------------------------------------------------------------ */

enum log_result log_read(const char *path, struct buffer *bytes)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? LOG_NONE : LOG_ERROR;
    enum log_result result = fstat(fd, &st) == 0 ? LOG_OK : LOG_ERROR;
    if (result == LOG_OK)
        buffer_reserve(bytes, (size_t)st.st_size + 1);
    while (result == LOG_OK && bytes->size < (size_t)st.st_size) {
        ssize_t got = read(fd, bytes->data + bytes->size, (size_t)st.st_size - bytes->size);
        if (got == 0)
            break;
        if (got > 0)
            bytes->size += (size_t)got;
        else if (errno != EINTR)
            result = LOG_ERROR;
    }
    close(fd);
    return result;
}

static int write_at(int fd, const void *data, size_t size, uint64_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = pwrite(fd, (const uint8_t *)data + done, size - done, (off_t)(at + done));
        if (wrote < 0 && errno != EINTR)
            return -1;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

static int say_errno(struct error *error, const char *path, const char *what)
{
    return error_set(error, ERROR_RUN, "%s: %s: %s", path, what, strerror(errno));
}

int log_open(struct entry_log *log, const char *path, const struct log_header *header, size_t end,
             struct error *error)
{
    log_close(log);
    log->fd = open(path, O_RDWR | O_CLOEXEC);
    if (log->fd < 0 || ftruncate(log->fd, (off_t)end) != 0)
        return say_errno(error, path, "cannot be opened");
    log->number = header->number;
    log->bytes = end;
    return 0;
}

int log_begin(struct entry_log *log, const char *path, uint64_t layout, uint64_t number,
              struct error *error)
{
    struct log_header header = {.layout = layout, .number = number};
    memcpy(header.magic, magic, sizeof magic);
    header.hash = header_hash(&header);
    if (log->fd < 0)
        log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (log->fd < 0 || ftruncate(log->fd, 0) != 0 ||
        write_at(log->fd, &header, sizeof header, 0) != 0)
        return say_errno(error, path, "cannot be written");
    log->number = number;
    log->bytes = sizeof header;
    return 0;
}

void log_close(struct entry_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

int log_append(struct entry_log *log, uint8_t *batch, size_t size, struct error *error)
{
    for (size_t at = 0; at < size;) {
        struct entry *entry = (void *)(batch + at);
        entry->hash = entry_hash(entry, log->number);
        at += sizeof *entry + entry->size;
    }
    if (write_at(log->fd, batch, size, log->bytes) != 0) {
        error_set(error, ERROR_RUN, "%s", strerror(errno));
        if (ftruncate(log->fd, (off_t)log->bytes) != 0)
            error_set(error, ERROR_RUN, "%s", strerror(errno));
        return -1;
    }
    log->bytes += size;
    return 0;
}

int log_set_attempts(const struct entry_log *log, uint64_t attempts)
{
    return write_at(log->fd, &attempts, sizeof attempts, offsetof(struct log_header, attempts));
}
