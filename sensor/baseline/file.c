/* A baseline as one file:
 *
 *   "WEIRBASE" | schema u32 | size u32, fleet's blob | (address 16, size u32, blob)… | SHA-256
 *
 * little-endian; addresses strictly ascending, so the same baseline is the same bytes. A file is
 * read and checked whole before anything of it is given out. The blobs carry schemas of their own.
 * Thread: the caller's. */
#include "weir/baseline/file.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"
#include "weir/base/folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SCHEMA 1
#define FILE_MAX    (INT64_C(4) << 30) /* larger is not one of ours: 16 kB a host */

static const char magic[8] = "WEIRBASE";

/* --- writing ---------------------------------------------------------------------------------- */

struct baseline_writer {
    struct buffer out;
    struct ip last;
    bool any;
};

struct baseline_writer *baseline_writer_new(const void *fleet, size_t fleet_size)
{
    struct baseline_writer *writer = xcalloc(1, sizeof *writer);
    assert(fleet_size <= UINT32_MAX);
    buffer_put(&writer->out, magic, sizeof magic);
    buffer_le32(&writer->out, FILE_SCHEMA);
    buffer_le32(&writer->out, (uint32_t)fleet_size);
    buffer_put(&writer->out, fleet, fleet_size);
    return writer;
}

void baseline_writer_put(struct baseline_writer *writer, const struct ip *host, const void *blob,
                         size_t size)
{
    assert(!writer->any || ip_compare(&writer->last, host) < 0);
    assert(size <= UINT32_MAX);
    writer->last = *host;
    writer->any = true;
    buffer_put(&writer->out, host->byte, sizeof host->byte);
    buffer_le32(&writer->out, (uint32_t)size);
    buffer_put(&writer->out, blob, size);
}

static int write_all(int fd, const struct buffer *out)
{
    for (size_t done = 0; done < out->size;) {
        ssize_t wrote = write(fd, out->data + done, out->size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        done += (size_t)wrote;
    }
    return fsync(fd);
}

static int write_file(const struct buffer *out, const char *path)
{
    char *beside = xasprintf("%s.tmp", path);
    unlink(beside); /* of one that died; or what somebody laid there for us to write through */
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int failed = fd < 0 || write_all(fd, out) != 0;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (!failed && rename(beside, path) != 0) {
        failed = 1;
        cause = errno;
    }
    if (failed && fd >= 0)
        unlink(beside);
    free(beside);
    errno = cause;
    return failed ? -1 : folder_sync_of(path);
}

int baseline_writer_finish(struct baseline_writer *writer, const char *path, struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    int failed = 0;
    if (path) {
        digest_sha256(writer->out.data, writer->out.size, digest);
        buffer_put(&writer->out, digest, sizeof digest);
        if (write_file(&writer->out, path) != 0)
            failed = error_set(error, ERROR_RUN, "%s: the baseline cannot be written: %s", path,
                               strerror(errno));
    }
    buffer_fini(&writer->out);
    free(writer);
    return failed;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int open_for_reading(const char *path, int64_t *size, struct error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is not waited for */
    if (fd < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
        *size = st.st_size;
        return fd;
    }
    close(fd);
    return error_set(error, ERROR_INPUT, "%s: is not a file of a baseline's size", path);
}

static int read_file(const char *path, struct buffer *in, struct error *error)
{
    int64_t size = 0;
    int fd = open_for_reading(path, &size, error);
    if (fd < 0)
        return -1;
    in->data = xcalloc(1, (size_t)size + 1);
    in->room = (size_t)size;
    ssize_t got = 1;
    while (in->size < in->room && got != 0) {
        got = read(fd, in->data + in->size, in->room - in->size);
        if (got < 0 && errno != EINTR)
            break;
        in->size += got > 0 ? (size_t)got : 0;
    }
    int cause = errno;
    close(fd);
    if (got < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(cause));
    return 0;
}

/* The frame around the content: magic, schema, hash. What is between is left in `content`. */
static int open_frame(const struct buffer *in, const char *path, struct cursor *content,
                      struct error *error)
{
    uint8_t digest[SHA256_SIZE];
    struct cursor cursor = cursor_make(in->data, in->size);
    const uint8_t *begin = cursor_take(&cursor, sizeof magic);
    if (!begin || memcmp(begin, magic, sizeof magic) != 0)
        return error_set(error, ERROR_INPUT,
                         "%s: is not a Weir baseline, expected a file of weir baseline export or "
                         "weir replay --save-baseline",
                         path);
    uint32_t schema = cursor_le32(&cursor);
    if (!cursor.failed && schema > FILE_SCHEMA)
        return error_set(error, ERROR_INPUT,
                         "%s: written by a newer Weir (schema %" PRIu32 ", this one knows %d)",
                         path, schema, FILE_SCHEMA);
    if (cursor.failed || cursor_left(&cursor) < SHA256_SIZE)
        return error_set(error, ERROR_INPUT, "%s: damaged: it ends after %zu bytes", path,
                         in->size);
    size_t hashed = in->size - SHA256_SIZE;
    digest_sha256(in->data, hashed, digest);
    if (schema == 0 || memcmp(digest, in->data + hashed, sizeof digest) != 0)
        return error_set(error, ERROR_INPUT,
                         "%s: damaged: its SHA-256 does not match (cut short, or changed)", path);
    *content = cursor_sub(&cursor, cursor_left(&cursor) - SHA256_SIZE);
    return 0;
}

/* Walks the hosts; `host` may be NULL: only checks. −1 without an error: the structure is wrong. */
static int walk_hosts(struct cursor hosts,
                      int (*host)(void *context, const struct ip *ip, const void *blob, size_t size,
                                  struct error *error),
                      void *context, struct error *error)
{
    struct ip last, ip;
    for (bool any = false; cursor_left(&hosts) > 0; any = true) {
        const uint8_t *address = cursor_take(&hosts, sizeof ip.byte);
        uint32_t size = cursor_le32(&hosts);
        const uint8_t *blob = cursor_take(&hosts, size);
        if (hosts.failed)
            return -1;
        ip = ip_from_v6(address);
        if (any && ip_compare(&last, &ip) >= 0)
            return -1;
        last = ip;
        if (host && host(context, &ip, blob, size, error) != 0)
            return -1;
    }
    return 0;
}

int baseline_read(const char *path,
                  int (*fleet)(void *context, const void *blob, size_t size, struct error *error),
                  int (*host)(void *context, const struct ip *host, const void *blob, size_t size,
                              struct error *error),
                  void *context, struct error *error)
{
    struct buffer in = {0};
    struct cursor content = cursor_make(NULL, 0);
    int failed = read_file(path, &in, error) != 0 || open_frame(&in, path, &content, error) != 0;
    if (!failed) {
        uint32_t fleet_size = cursor_le32(&content);
        const uint8_t *blob = cursor_take(&content, fleet_size);
        if (content.failed || walk_hosts(content, NULL, NULL, NULL) != 0)
            failed = error_set(error, ERROR_INPUT, "%s: damaged: lengths that do not fit", path);
        else if ((fleet && fleet(context, blob, fleet_size, error) != 0) ||
                 (host && walk_hosts(content, host, context, error) != 0))
            failed = 1;
    }
    buffer_fini(&in);
    return failed ? -1 : 0;
}
