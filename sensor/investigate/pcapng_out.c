/* See pcapng_out.h. A block is built at the end of the buffer, and its length put in both ends. */
#include "pcapng_out.h"

#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE      (32u << 10)
#define OPTION_MAX 60000u /* bytes; an option's length is 16 bits */

enum { BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };
enum { OPTION_END, OPTION_COMMENT, IF_NAME, SECTION_USER = 4, IF_RESOLUTION = 9 };
enum { STATISTICS_IF_DROP = 5, STATISTICS_OS_DROP = 7 };

struct pcapng_out {
    char *path;
    struct buffer piece;
    size_t block; /* where the block begins that is being built */
    struct sha256 *sha;
    uint64_t bytes;
    uint32_t interfaces;
    bool begun;
    int failed; /* errno of the first failed write */
};

/* --- blocks ------------------------------------------------------------------------------------
 */

static void pad(struct buffer *b, size_t size)
{
    buffer_put(b, "\0\0\0", (4 - size % 4) % 4);
}

static void block_begin(struct pcapng_out *out, uint32_t kind)
{
    out->block = out->piece.size;
    buffer_le32(&out->piece, kind);
    buffer_le32(&out->piece, 0);
}

static void option(struct pcapng_out *out, uint16_t code, const void *value, size_t size)
{
    if (size > OPTION_MAX)
        size = OPTION_MAX;
    buffer_le16(&out->piece, code);
    buffer_le16(&out->piece, (uint16_t)size);
    buffer_put(&out->piece, value, size);
    pad(&out->piece, size);
}

static void option_text(struct pcapng_out *out, uint16_t code, const char *text)
{
    if (text && *text)
        option(out, code, text, strlen(text));
}

static void option_count(struct pcapng_out *out, uint16_t code, uint64_t count)
{
    buffer_le16(&out->piece, code);
    buffer_le16(&out->piece, sizeof count);
    buffer_le64(&out->piece, count);
}

/* Behind the end of options: none is needed where there are none. */
static void options_end(struct pcapng_out *out)
{
    buffer_le32(&out->piece, OPTION_END);
}

static int append(const char *path, bool first, const uint8_t *data, size_t size, bool sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (first ? O_TRUNC : O_APPEND),
                  0640);
    int failed = fd < 0 ? errno : 0;
    while (!failed && size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno != EINTR)
            failed = errno;
        data += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    if (!failed && sync && fsync(fd) != 0)
        failed = errno;
    if (fd >= 0 && close(fd) != 0 && !failed)
        failed = errno;
    return failed;
}

static void write_piece(struct pcapng_out *out, bool last)
{
    if (out->failed)
        return;
    sha256_put(out->sha, out->piece.data, out->piece.size);
    out->bytes += out->piece.size;
    out->failed = append(out->path, !out->begun, out->piece.data, out->piece.size, last);
    out->begun = true;
    out->piece.size = 0;
}

static void block_end(struct pcapng_out *out)
{
    uint32_t size = (uint32_t)(out->piece.size - out->block) + 4;
    buffer_le32(&out->piece, size);
    memcpy(out->piece.data + out->block + 4, out->piece.data + out->piece.size - 4, 4);
    if (out->piece.size >= PIECE)
        write_piece(out, false);
}

/* --- from start to end -------------------------------------------------------------------------
 */

struct pcapng_out *pcapng_out_new(const char *path, const char *comment)
{
    struct pcapng_out *out = xcalloc(1, sizeof *out);
    out->path = xstrdup(path);
    out->sha = sha256_new();
    block_begin(out, BLOCK_SECTION);
    buffer_le32(&out->piece, 0x1a2b3c4d);
    buffer_le16(&out->piece, 1);
    buffer_le16(&out->piece, 0);
    buffer_le64(&out->piece, UINT64_MAX); /* how long the section is: not said */
    option_text(out, OPTION_COMMENT, comment);
    option_text(out, SECTION_USER, "weir " WEIR_VERSION);
    options_end(out);
    block_end(out);
    return out;
}

/* LINKTYPE numbers are DLT numbers but for a few; these carry IP. */
static uint16_t link_type(int link)
{
    switch (link) {
    case 11: /* DLT_ATM_RFC1483 */
        return 100;
    case 12: /* DLT_RAW */
        return 101;
    default:
        return (uint16_t)link;
    }
}

uint32_t pcapng_out_interface(struct pcapng_out *out, const struct pcapng_interface *interface)
{
    static const uint8_t nanoseconds = 9;
    block_begin(out, BLOCK_INTERFACE);
    buffer_le16(&out->piece, link_type(interface->link));
    buffer_le16(&out->piece, 0);
    buffer_le32(&out->piece, interface->snap_length);
    option_text(out, IF_NAME, interface->name);
    option(out, IF_RESOLUTION, &nanoseconds, 1);
    options_end(out);
    block_end(out);
    return out->interfaces++;
}

static void put_time(struct pcapng_out *out, struct ptime time)
{
    uint64_t ns = time.ns > 0 ? (uint64_t)time.ns : 0;
    buffer_le32(&out->piece, (uint32_t)(ns >> 32));
    buffer_le32(&out->piece, (uint32_t)ns);
}

void pcapng_out_packet(struct pcapng_out *out, const struct pcapng_packet *packet)
{
    block_begin(out, BLOCK_PACKET);
    buffer_le32(&out->piece, packet->interface);
    put_time(out, packet->time);
    buffer_le32(&out->piece, packet->captured);
    buffer_le32(&out->piece, packet->wire_bytes);
    buffer_put(&out->piece, packet->data, packet->captured);
    pad(&out->piece, packet->captured);
    if (packet->comment) {
        option_text(out, OPTION_COMMENT, packet->comment);
        options_end(out);
    }
    block_end(out);
}

void pcapng_out_drops(struct pcapng_out *out, uint32_t interface, struct ptime time,
                      uint64_t kernel_drops, uint64_t interface_drops)
{
    block_begin(out, BLOCK_STATISTICS);
    buffer_le32(&out->piece, interface);
    put_time(out, time);
    option_count(out, STATISTICS_IF_DROP, interface_drops);
    option_count(out, STATISTICS_OS_DROP, kernel_drops);
    options_end(out);
    block_end(out);
}

uint64_t pcapng_out_flush(struct pcapng_out *out)
{
    if (out->piece.size > 0)
        write_piece(out, false);
    return out->bytes;
}

uint64_t pcapng_out_size(const struct pcapng_out *out)
{
    return out->bytes + out->piece.size;
}

int pcapng_out_finish(struct pcapng_out *out, uint8_t sha256[SHA256_SIZE], uint64_t *bytes,
                      struct error *error)
{
    write_piece(out, true);
    sha256_take(out->sha, sha256);
    out->sha = NULL;
    *bytes = out->bytes;
    if (!out->failed)
        return 0;
    return error_set(error, ERROR_RUN, "%s: %s", out->path, strerror(out->failed));
}

void pcapng_out_free(struct pcapng_out *out)
{
    uint8_t unused[SHA256_SIZE];
    if (!out)
        return;
    if (out->sha)
        sha256_take(out->sha, unused);
    buffer_fini(&out->piece);
    free(out->path);
    free(out);
}
