/* One capture file through libpcap.
 *
 * libpcap reads a FILE; ours is a cookie stream over a descriptor, so that every byte is hashed on
 * its way and counted for progress, with one large stdio buffer (libpcap's own small reads are most
 * of the cost of reading a bulk capture). libpcap hands out nanoseconds whatever the file holds.
 * Thread: the capture thread (opening: whoever starts it). */
#include "weir/capture/source.h"

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
    FILE *file;
    char *buffer;
    pcap_t *pcap;
    struct sha256 *sha;
    _Atomic uint64_t bytes_read;
    uint64_t size;
    uint64_t packets;
};

static ssize_t cookie_read(void *cookie, char *buffer, size_t size)
{
    struct source *source = cookie;
    ssize_t got;
    do
        got = read(source->fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        sha256_put(source->sha, buffer, (size_t)got);
        atomic_fetch_add_explicit(&source->bytes_read, (uint64_t)got, memory_order_relaxed);
    }
    return got;
}

static int open_descriptor(struct source *source, struct error *error)
{
    struct stat st;
    bool standard_input = strcmp(source->path, "-") == 0;
    source->fd = standard_input ? dup(STDIN_FILENO) : open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &st) != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", source->path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(error, ERROR_INPUT, "%s: is a directory, expected a capture file",
                         source->path);
    source->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return 0;
}

static int open_stream(struct source *source, struct error *error)
{
    cookie_io_functions_t functions = {.read = cookie_read};
    source->sha = sha256_new();
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
    if (atomic_load(&source->bytes_read) == 0)
        return error_set(error, ERROR_INPUT, "%s: empty, expected a pcap or pcapng capture",
                         source->path);
    return error_set(error, ERROR_INPUT, "%s: not a capture: %s (expected pcap or pcapng)",
                     source->path, words);
}

static int set_filter(struct source *source, const char *filter, struct error *error)
{
    struct bpf_program program;
    if (!filter || !*filter)
        return 0;
    if (pcap_compile(source->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter,
                         pcap_geterr(source->pcap));
    int failed = pcap_setfilter(source->pcap, &program);
    pcap_freecode(&program);
    if (failed)
        return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter,
                         pcap_geterr(source->pcap));
    return 0;
}

int source_check_filter(const char *filter, struct error *error)
{
    static const int links[] = {DLT_EN10MB, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL};
    char words[PCAP_ERRBUF_SIZE] = "out of memory";
    if (!filter || !*filter)
        return 0;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct bpf_program program;
        pcap_t *pcap = pcap_open_dead(links[i], 262144);
        int failed = !pcap || pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0;
        if (!failed)
            pcap_freecode(&program);
        else if (pcap && i == 0) /* Ethernet's words are the ones people know */
            snprintf(words, sizeof words, "%s", pcap_geterr(pcap));
        if (pcap)
            pcap_close(pcap);
        if (!failed)
            return 0;
    }
    return error_set(error, ERROR_USAGE, "filter \"%s\": %s", filter, words);
}

struct source *source_open(const char *path, const char *filter, struct error *error)
{
    struct source *source = xcalloc(1, sizeof *source);
    source->path = xstrdup(path);
    source->fd = -1;
    if (open_descriptor(source, error) == 0 && open_stream(source, error) == 0 &&
        open_pcap(source, error) == 0 && set_filter(source, filter, error) == 0)
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
    if (got == PCAP_ERROR_BREAK)
        return SOURCE_END;
    error_set(error, ERROR_INPUT, "%s: damaged after %llu packets: %s", source->path,
              (unsigned long long)source->packets, pcap_geterr(source->pcap));
    return SOURCE_DAMAGED;
}

void source_digest(struct source *source, uint8_t sha256[SHA256_SIZE])
{
    char rest[65536];
    while (cookie_read(source, rest, sizeof rest) > 0)
        ;
    sha256_take(source->sha, sha256);
    source->sha = NULL;
}

uint64_t source_bytes_read(const struct source *source)
{
    return atomic_load_explicit(&source->bytes_read, memory_order_relaxed);
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
