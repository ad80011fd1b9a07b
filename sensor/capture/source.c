/* One capture file through libpcap.
 *
 * libpcap reads a FILE; ours is a cookie stream over a descriptor, so that every byte is hashed on
 * its way and counted for progress, with one large stdio buffer (libpcap's own small reads are most
 * of the cost of reading a bulk capture). A pipe is waited for before it is read, so that an idle
 * one can be given up. libpcap hands out nanoseconds whatever the file holds.
 * Thread: the capture thread (opening: whoever starts it). */
#include "weir/capture/source.h"

#include "brake.h"
#include "filter.h"
#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STDIO_BUFFER (1u << 20)
/* The year 2109: what records may carry, with room for time-outs. */
#define SECONDS_MAX INT64_C(4400000000)

struct source {
    char *path;
    int fd;
    bool regular;
    off_t at; /* in a regular file */
    FILE *file;
    char *buffer;
    pcap_t *pcap;
    struct brake *brake;
    bool stopped;
    struct sha256 *sha; /* NULL: no digest */
    uint64_t bytes_read, size, packets;
};

static ssize_t read_some(struct source *source, char *buffer, size_t size)
{
    if (source->regular)
        return pread(source->fd, buffer, size, source->at);
    if (source->brake && !brake_wait_readable(source->brake, source->fd)) {
        source->stopped = true;
        return 0;
    }
    return read(source->fd, buffer, size);
}

static ssize_t cookie_read(void *cookie, char *buffer, size_t size)
{
    struct source *source = cookie;
    ssize_t got;
    do
        got = read_some(source, buffer, size);
    while (got < 0 && errno == EINTR);
    if (source->brake)
        meter_turn(source->brake->meter);
    if (got > 0) {
        if (source->sha)
            sha256_put(source->sha, buffer, (size_t)got);
        source->bytes_read += (uint64_t)got;
        source->at += got;
    }
    return got;
}

static int look_at(int fd, const char *path, struct stat *st, struct error *error)
{
    if (fd < 0 || fstat(fd, st) != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st->st_mode))
        return error_set(error, ERROR_INPUT, "%s: is a directory, expected a capture file", path);
    return 0;
}

int source_descriptor(const char *path, struct error *error)
{
    struct stat st;
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDONLY | O_CLOEXEC);
    if (look_at(fd, path, &st, error) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int open_descriptor(struct source *source, struct error *error)
{
    struct stat st = {.st_size = 0};
    if (look_at(source->fd, source->path, &st, error) != 0)
        return -1;
    source->regular = S_ISREG(st.st_mode);
    source->at = source->regular ? lseek(source->fd, 0, SEEK_CUR) : 0;
    if (source->at < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", source->path, strerror(errno));
    source->size =
        source->regular && st.st_size > source->at ? (uint64_t)(st.st_size - source->at) : 0;
    return 0;
}

static int open_stream(struct source *source, struct error *error)
{
    cookie_io_functions_t functions = {.read = cookie_read};
    source->file = fopencookie(source, "rb", functions);
    if (!source->file)
        return error_set(error, ERROR_RUN, "%s: %s", source->path, strerror(errno));
    source->buffer = xcalloc(1, STDIO_BUFFER);
    setvbuf(source->file, source->buffer, _IOFBF, STDIO_BUFFER);
    return 0;
}

static int open_pcap(struct source *source, struct error *error)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    source->pcap =
        pcap_fopen_offline_with_tstamp_precision(source->file, PCAP_TSTAMP_PRECISION_NANO, words);
    if (source->pcap)
        return 0;
    if (source->bytes_read == 0)
        return error_set(error, ERROR_INPUT, "%s: empty, expected a pcap or pcapng capture",
                         source->path);
    return error_set(error, ERROR_INPUT, "%s: not a capture: %s (expected pcap or pcapng)",
                     source->path, words);
}

struct source *source_open(const char *path, int fd, const struct source_options *options,
                           struct error *error)
{
    struct source *source = xcalloc(1, sizeof *source);
    source->path = xstrdup(path);
    source->fd = fd;
    source->brake = options->brake;
    source->sha = options->digest ? sha256_new() : NULL;
    if (open_descriptor(source, error) == 0 && open_stream(source, error) == 0 &&
        open_pcap(source, error) == 0 && filter_apply(options->filter, source->pcap, error) == 0)
        return source;
    source_free(source);
    return NULL;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    if (source->pcap)
        pcap_close(source->pcap); /* closes the stream too */
    else if (source->file)
        fclose(source->file);
    if (source->sha) {
        uint8_t unused[SHA256_SIZE];
        sha256_take(source->sha, unused);
    }
    if (source->fd >= 0)
        close(source->fd);
    free(source->buffer);
    free(source->path);
    free(source);
}

/* pcapng can name any second at all: what no record can carry is the nearest that one can. */
static struct ptime time_of(const struct pcap_pkthdr *header)
{
    int64_t seconds = header->ts.tv_sec;
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        return (struct ptime){(seconds < 0 ? -SECONDS_MAX : SECONDS_MAX) * NS_PER_S};
    return (struct ptime){seconds * NS_PER_S + header->ts.tv_usec % NS_PER_S};
}

enum source_result source_next(struct source *source, struct packet_raw *raw, struct error *error)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    int got = pcap_next_ex(source->pcap, &header, &data);
    if (got == 1) {
        source->packets++;
        raw->data = data;
        raw->captured = header->caplen;
        raw->wire_bytes = header->len < header->caplen ? header->caplen : header->len;
        raw->link = pcap_datalink(source->pcap);
        raw->time = time_of(header);
        return SOURCE_PACKET;
    }
    if (source->stopped)
        return SOURCE_STOPPED;
    if (got == PCAP_ERROR_BREAK)
        return SOURCE_END;
    error_set(error, ERROR_INPUT, "%s: damaged after %llu packets: %s", source->path,
              (unsigned long long)source->packets, pcap_geterr(source->pcap));
    return SOURCE_DAMAGED;
}

bool source_digest(struct source *source, uint8_t sha256[SHA256_SIZE])
{
    char rest[65536];
    if (!source->sha)
        return false;
    while (cookie_read(source, rest, sizeof rest) > 0)
        ;
    sha256_take(source->sha, sha256);
    source->sha = NULL;
    if (source->stopped)
        memset(sha256, 0, SHA256_SIZE);
    return !source->stopped;
}

uint64_t source_bytes_read(const struct source *source)
{
    return source->bytes_read;
}

uint64_t source_size(const struct source *source)
{
    return source->size;
}

const char *source_link_name(const struct source *source)
{
    const char *name = pcap_datalink_val_to_name(pcap_datalink(source->pcap));
    return name ? name : "unknown";
}
