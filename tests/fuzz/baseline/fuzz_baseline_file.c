/* Reading a baseline over arbitrary bytes, once as they are and once with a hash that fits them
 * (else nothing would come past it): ascending hosts whose bytes can be read, or an error and
 * nothing. */
#include "weir/base/digest.h"
#include "weir/baseline/file.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64]; /* one a process: libFuzzer gives no other place to keep it */

static void remove_file(void)
{
    unlink(path);
}

static void make_file(void)
{
    const char *at = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/weir-fuzz-XXXXXX", at);
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    close(fd);
    atexit(remove_file);
}

struct seen {
    struct ip last;
    size_t hosts, bytes;
};

static int on_fleet(void *context, const void *blob, size_t size, struct error *error)
{
    struct seen *seen = context;
    (void)error;
    seen->bytes += size && memchr(blob, 0, size) ? size : 0;
    return 0;
}

static int on_host(void *context, const struct ip *host, const void *blob, size_t size,
                   struct error *error)
{
    struct seen *seen = context;
    if (seen->hosts++ > 0 && ip_compare(&seen->last, host) >= 0)
        abort();
    seen->last = *host;
    return on_fleet(context, blob, size, error);
}

static void read_back(const struct buffer *bytes)
{
    struct seen seen = {.hosts = 0};
    struct error error = {0};
    int fd = open(path, O_WRONLY | O_TRUNC);
    if (fd < 0 || write(fd, bytes->data, bytes->size) != (ssize_t)bytes->size)
        abort();
    close(fd);
    int result = baseline_read(path, on_fleet, on_host, &seen, &error);
    if (result != 0 && (error.code != ERROR_INPUT || seen.hosts > 0))
        abort();
    if (result == 0 && error.code != ERROR_NONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer bytes = {0};
    uint8_t digest[SHA256_SIZE];
    if (!*path)
        make_file();
    buffer_put(&bytes, data, size);
    read_back(&bytes);
    digest_sha256(size ? bytes.data : digest, size, digest);
    buffer_put(&bytes, digest, sizeof digest);
    read_back(&bytes);
    buffer_fini(&bytes);
    return 0;
}
