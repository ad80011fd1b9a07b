/* See hours_file.h. */
#include "weir/baseline/hours_file.h"

#include "hour_bytes.h"
#include "varint.h"
#include "weir/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC       "weir-hours-1\n"
#define MAGIC_SIZE  (sizeof MAGIC - 1)
#define WRITE_BYTES (1u << 20)
#define MORE        1
#define END         0

struct hours_file {
    char *path, *part; /* `part`: its name until it is whole */
    int fd;
    struct error error; /* the first */
    struct sha256 *sha;
    struct buffer waiting;
    struct map destinations; /* key → number + 1, as a pointer */
};

/* --- writing ---------------------------------------------------------------------------------- */

struct hours_file *hours_file_new(const char *path, struct error *error)
{
    char *part = xasprintf("%s.part", path);
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        error_set(error, ERROR_RUN, "%s: %s", part, strerror(errno));
        free(part);
        return NULL;
    }
    struct hours_file *file = xcalloc(1, sizeof *file);
    file->path = xstrdup(path);
    file->part = part;
    file->fd = fd;
    file->sha = sha256_new();
    map_init(&file->destinations);
    buffer_put(&file->waiting, MAGIC, MAGIC_SIZE);
    return file;
}

static void write_out(struct hours_file *file, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && file->error.code == ERROR_NONE;) {
        ssize_t wrote = write(file->fd, data + at, size - at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            error_set(&file->error, ERROR_RUN, "%s: %s", file->part,
                      wrote < 0 ? strerror(errno) : "no room");
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

static void flush(struct hours_file *file)
{
    sha256_put(file->sha, file->waiting.data, file->waiting.size);
    write_out(file, file->waiting.data, file->waiting.size);
    file->waiting.size = 0;
}

/* By its number; the first time its name follows. */
static void put_destination(void *context, struct buffer *out, const struct map_entry *entry)
{
    struct hours_file *file = context;
    const void *key = entry->key;
    size_t size = entry->key_size;
    size_t known = (size_t)(uintptr_t)map_get_hashed(&file->destinations, key, size, entry->hash);
    put_unsigned(out, known ? known - 1 : file->destinations.count);
    if (known)
        return;
    void *number =
        (void *)(uintptr_t)(file->destinations.count + 1); // NOLINT(performance-no-int-to-ptr)
    map_put_hashed(&file->destinations, key, size, entry->hash, number);
    put_unsigned(out, size);
    buffer_put(out, key, size);
}

void hours_file_put(struct hours_file *file, const struct host_total *total)
{
    const struct hour_names names = {.put = put_destination, .context = file};
    struct buffer *out = &file->waiting;
    buffer_u8(out, MORE);
    buffer_put(out, total->host.byte, sizeof total->host.byte);
    put_signed(out, total->hour);
    hour_bytes_put(out, total, &names);
    if (out->size >= WRITE_BYTES)
        flush(file);
}

static void free_file(struct hours_file *file)
{
    map_fini(&file->destinations, NULL);
    buffer_fini(&file->waiting);
    free(file->path);
    free(file->part);
    free(file);
}

int hours_file_finish(struct hours_file *file, struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    buffer_u8(&file->waiting, END);
    flush(file);
    sha256_take(file->sha, digest);
    write_out(file, digest, sizeof digest);
    bool synced = fsync(file->fd) == 0;
    if (file->error.code == ERROR_NONE && (!synced || rename(file->part, file->path) != 0))
        error_set(&file->error, ERROR_RUN, "%s: %s", file->path, strerror(errno));
    close(file->fd);
    int failed = file->error.code != ERROR_NONE;
    if (failed) {
        unlink(file->part);
        *error = file->error;
    }
    free_file(file);
    return failed ? -1 : 0;
}

void hours_file_drop(struct hours_file *file)
{
    uint8_t digest[SHA256_SIZE];
    if (!file)
        return;
    sha256_take(file->sha, digest);
    close(file->fd);
    unlink(file->part);
    free_file(file);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct cursor in;
    char **key; /* by number */
    size_t keys, room;
};

static const char *take_destination(void *context, struct cursor *in)
{
    struct reading *r = context;
    size_t number = (size_t)take_at_most(in, r->keys);
    if (in->failed || number < r->keys)
        return in->failed ? NULL : r->key[number];
    size_t size = (size_t)take_at_most(in, DESTINATION_KEY_SIZE - 1);
    const uint8_t *text = cursor_take(in, size);
    if (!text)
        return NULL;
    if (r->keys == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->key = xrealloc(r->key, r->room * sizeof *r->key);
    }
    r->key[r->keys] = xcalloc(1, size + 1);
    memcpy(r->key[r->keys], text, size);
    return r->key[r->keys++];
}

static struct host_total *take_total(struct reading *r)
{
    const struct hour_names names = {.take = take_destination, .context = r};
    struct ip host = {{0}};
    const uint8_t *bytes = cursor_take(&r->in, sizeof host.byte);
    if (bytes)
        memcpy(host.byte, bytes, sizeof host.byte);
    struct host_total *total = host_total_new(&host, take_signed(&r->in));
    if (hour_bytes_take(&r->in, total, &names))
        return total;
    r->in.failed = true;
    host_total_free(total);
    return NULL;
}

static bool take_all(struct reading *r, void (*put)(void *context, struct host_total *total),
                     void *context)
{
    uint8_t more;
    while ((more = cursor_u8(&r->in)) == MORE && !r->in.failed) {
        struct host_total *total = take_total(r);
        if (total)
            put(context, total);
    }
    return !r->in.failed && more == END && cursor_left(&r->in) == 0;
}

static bool is_whole(const uint8_t *map, size_t size)
{
    uint8_t digest[SHA256_SIZE];
    if (size < MAGIC_SIZE + 1 + SHA256_SIZE || memcmp(map, MAGIC, MAGIC_SIZE) != 0)
        return false;
    digest_sha256(map, size - SHA256_SIZE, digest);
    return memcmp(map + size - SHA256_SIZE, digest, SHA256_SIZE) == 0;
}

int hours_file_read(const char *path, void (*put)(void *context, struct host_total *total),
                    void *context, struct error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *map = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    bool good = map != MAP_FAILED && is_whole(map, size);
    if (good) {
        struct reading reading = {
            .in = cursor_make(map + MAGIC_SIZE, size - MAGIC_SIZE - SHA256_SIZE)};
        good = take_all(&reading, put, context);
        for (size_t i = 0; i < reading.keys; i++)
            free(reading.key[i]);
        free(reading.key);
    }
    if (map != MAP_FAILED)
        munmap(map, size);
    return good ? 0 : error_set(error, ERROR_RUN, "%s: is not whole, or not ours", path);
}
