/* One input, whatever its kind: a stream of bytes (inlet.c), and on it savefile.c for a pcap of the
 * usual form, libpcap for the others, our own reader for pcapng, or log_reader.c for a log.
 *
 * What the head of a pcap says, libpcap is asked, whoever reads the packets. It reads a FILE; ours
 * is of the head alone, or a cookie stream with a large stdio buffer. It hands out nanoseconds
 * whatever the file holds. A filter is a program for each link type: libpcap runs it where it
 * reads, else we do.
 *
 * Put to sleep, all but the path and the descriptor is given back: of a thousand captures that
 * follow each other only one or two are open. Thread: the capture thread (opening: whoever starts
 * it). */
#include "weir/capture/source.h"

#include "filter.h"
#include "inlet.h"
#include "log_formats.h"
#include "log_reader.h"
#include "pcapng.h"
#include "savefile.h"
#include "weir/base/buffer.h"
#include "weir/base/inflate.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)
#define LINKS        8u

struct source {
    char *path;
    int fd;
    struct source_options options;
    struct inlet *inlet;
    struct savefile *savefile; /* pcap: its packets, unless libpcap reads them: */
    FILE *file;                /* its view of the stream */
    char *buffer;
    pcap_t *pcap;
    struct pcapng *pcapng;  /* or this */
    struct log_reader *log; /* … or this */
    struct link {
        int type; /* DLT */
        const struct bpf_program *program;
    } link[LINKS]; /* met so far */
    size_t links;
    char link_name[SOURCE_LINK];
    uint64_t packets;
    struct error refused; /* why an interface was not accepted */
};

/* --- link types --------------------------------------------------------------------------------
 */

static size_t link_index(const struct source *source, int link)
{
    size_t i = 0;
    while (i < source->links && source->link[i].type != link)
        i++;
    return i;
}

/* As many as there is room for. */
static void add_name(struct source *source, int link)
{
    const char *known = pcap_datalink_val_to_name(link), *before = *source->link_name ? ", " : "";
    char number[24];
    snprintf(number, sizeof number, "%d", link);
    const char *name = known ? known : number;
    size_t size = strlen(source->link_name);
    if (size + strlen(before) + strlen(name) < sizeof source->link_name)
        snprintf(source->link_name + size, sizeof source->link_name - size, "%s%s", before, name);
}

static void meet_link(void *context, int link)
{
    struct source *source = context;
    if (link_index(source, link) < source->links || source->links == LINKS)
        return;
    add_name(source, link);
    source->link[source->links++] = (struct link){.type = link};
}

/* The filter for a link type that has packets. More than LINKS types in one file are read as long
 * as there is no filter. */
static bool accept_link(void *context, int link)
{
    struct source *source = context;
    const struct bpf_program *program;
    size_t i = link_index(source, link);
    if (filter_program(source->options.filter, link, &program, &source->refused) != 0)
        return false;
    if (i == source->links)
        return !program || error_set(&source->refused, ERROR_INPUT,
                                     "more than %u link types, and a filter", LINKS) == 0;
    source->link[i].program = program;
    return true;
}

static bool passes(const struct source *source, const struct packet_raw *raw)
{
    size_t i = link_index(source, raw->link);
    if (i == source->links || !source->link[i].program)
        return true;
    struct pcap_pkthdr header = {.caplen = raw->captured, .len = raw->wire_bytes};
    return pcap_offline_filter(source->link[i].program, &header, raw->data) != 0;
}

/* --- pcap, by libpcap --------------------------------------------------------------------------
 */

static ssize_t cookie_read(void *cookie, char *buffer, size_t size)
{
    const struct source *source = cookie;
    ssize_t got = savefile_read(source->savefile, buffer, size);
    if (got < 0)
        errno = EIO; /* source_next says what it was */
    return got;
}

static size_t buffer_bytes(const struct source *source)
{
    return source->options.buffer_bytes ? source->options.buffer_bytes : BUFFER_BYTES;
}

static int open_file(struct source *source, struct error *error)
{
    cookie_io_functions_t functions = {.read = cookie_read};
    source->file = fopencookie(source, "rb", functions);
    if (!source->file)
        return error_set(error, ERROR_RUN, "%s: %s", source->path, strerror(errno));
    source->buffer = xcalloc(1, buffer_bytes(source));
    setvbuf(source->file, source->buffer, _IOFBF, buffer_bytes(source));
    return 0;
}

static ssize_t stream_read(void *context, void *to, size_t size)
{
    const struct source *source = context;
    return inlet_read(source->inlet, to, size);
}

static pcap_t *open_by_libpcap(struct source *source, char words[PCAP_ERRBUF_SIZE],
                               struct error *error)
{
    if (open_file(source, error) != 0)
        return NULL;
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(source->file, PCAP_TSTAMP_PRECISION_NANO, words);
    if (!pcap)
        error_set(error, ERROR_INPUT, "%s: not a capture: %s (expected pcap or pcapng)",
                  source->path,
                  inlet_problem(source->inlet) ? inlet_problem(source->inlet) : words);
    return pcap;
}

/* What libpcap makes of a head of the usual form, without the rest. NULL: not of that form, or of a
 * link type that nobody reads. */
static pcap_t *ask_libpcap(const uint8_t *bytes, char words[PCAP_ERRBUF_SIZE])
{
    uint8_t head[SAVEFILE_HEAD];
    if (!bytes)
        return NULL;
    memcpy(head, bytes, sizeof head);
    FILE *file = fmemopen(head, sizeof head, "rb");
    pcap_t *pcap = file ? pcap_fopen_offline(file, words) : NULL;
    if (file && !pcap)
        fclose(file);
    if (pcap && decode_reads_link(pcap_datalink(pcap)))
        return pcap;
    if (pcap)
        pcap_close(pcap);
    return NULL;
}

static int open_pcap(struct source *source, struct error *error)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    source->savefile = savefile_new(stream_read, source, buffer_bytes(source));
    pcap_t *asked = ask_libpcap(savefile_head(source->savefile), words);
    if (!asked) {
        source->pcap = open_by_libpcap(source, words, error);
        if (!source->pcap) {
            savefile_free(source->savefile);
            source->savefile = NULL; /* it has no packets */
            return -1;
        }
        add_name(source, pcap_datalink(source->pcap));
        return filter_apply(source->options.filter, source->pcap, error);
    }
    int link = pcap_datalink(asked), snapshot = pcap_snapshot(asked);
    pcap_close(asked);
    /* Of what is packed the bytes as they lie are hashed, which are the inlet's own. */
    bool stays =
        source->options.digest && source->options.digest_aside > 0 && !inlet_packed(source->inlet);
    savefile_begin(source->savefile, link, (uint32_t)snapshot, stays);
    if (stays)
        inlet_stays(source->inlet);
    meet_link(source, link);
    if (accept_link(source, link))
        return 0;
    *error = source->refused;
    return -1;
}

/* NULL: a packet; else why there is none, "" for the end. */
static const char *next_pcap(struct source *source, struct packet_raw *raw)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    int got = pcap_next_ex(source->pcap, &header, &data);
    if (got == 1) {
        raw->data = data;
        raw->captured = header->caplen;
        raw->wire_bytes = header->len < header->caplen ? header->caplen : header->len;
        raw->link = pcap_datalink(source->pcap);
        raw->time = savefile_time(header->ts.tv_sec, header->ts.tv_usec); /* of nanoseconds */
        return NULL;
    }
    return got == PCAP_ERROR_BREAK ? "" : pcap_geterr(source->pcap);
}

static const char *next_savefile(struct source *source, struct packet_raw *raw)
{
    for (;;) {
        switch (savefile_next(source->savefile, raw)) {
        case SAVEFILE_PACKET:
            if (passes(source, raw))
                return NULL;
            break;
        case SAVEFILE_END:
            return "";
        case SAVEFILE_DAMAGED:
            return savefile_problem(source->savefile);
        }
    }
}

bool source_ahead(struct source *source, struct packet_raw *raw)
{
    return source->savefile && !source->pcap && savefile_ahead(source->savefile, raw);
}

/* --- pcapng, by our own ------------------------------------------------------------------------
 */

static int open_pcapng(struct source *source, struct error *error)
{
    struct pcapng_io io = {stream_read, meet_link, accept_link, source};
    source->pcapng = pcapng_new(&io, buffer_bytes(source));
    enum pcapng_result got = pcapng_head(source->pcapng);
    if (got == PCAPNG_PACKET || got == PCAPNG_END || inlet_stopped(source->inlet))
        return 0;
    return error_set(error, ERROR_INPUT, "%s: not a capture: %s (expected pcap or pcapng)",
                     source->path,
                     inlet_problem(source->inlet) ? inlet_problem(source->inlet)
                                                  : pcapng_problem(source->pcapng));
}

static const char *next_pcapng(struct source *source, struct packet_raw *raw)
{
    for (;;) {
        switch (pcapng_next(source->pcapng, raw)) {
        case PCAPNG_PACKET:
            if (passes(source, raw))
                return NULL;
            break;
        case PCAPNG_END:
            return "";
        case PCAPNG_REFUSED:
            return source->refused.message;
        case PCAPNG_DAMAGED:
            return pcapng_problem(source->pcapng);
        }
    }
}

/* --- a log of connections ----------------------------------------------------------------------
 */

/* A growing log is told as it grows: nothing is held. */
static size_t window_of(const struct source *source)
{
    if (source->options.follow)
        return 1;
    return buffer_bytes(source) < BUFFER_BYTES ? LOG_WINDOW_FEW : LOG_WINDOW;
}

static int open_log(struct source *source, struct error *error)
{
    struct log_io io = {stream_read, source};
    const struct bpf_program *program;
    struct error why = {0};
    if (filter_program(source->options.filter, DLT_EN10MB, &program, &why) != 0 || program)
        return error_set(error, ERROR_USAGE, "%s: a log has no packets to filter (-f)",
                         source->path);
    source->log = log_reader_new(&io, window_of(source));
    if (log_reader_head(source->log, &why) == 0 || inlet_stopped(source->inlet))
        return 0;
    return error_set(error, ERROR_INPUT, "%s: %s", source->path,
                     inlet_problem(source->inlet) ? inlet_problem(source->inlet) : why.message);
}

/* What could be read was: the end is the end, but not all is well. */
static void say_unread(const struct source *source, struct error *error)
{
    struct log_notes notes = {.unread = 0};
    if (source->log)
        log_reader_notes(source->log, &notes);
    if (notes.unread > 0)
        error_set(error, ERROR_INPUT,
                  "%s: %llu of %llu lines could not be read, first line %llu: %s", source->path,
                  (unsigned long long)notes.unread, (unsigned long long)notes.lines,
                  (unsigned long long)notes.first_unread, notes.why);
}

/* --- either ------------------------------------------------------------------------------------
 */

static const struct magic {
    const char *bytes;
    size_t size;
    const char *name; /* NULL: a capture */
} magics[] = {
    {"\x0a\x0d\x0d\x0a", 4, NULL},      {"\xa1\xb2\xc3\xd4", 4, NULL},
    {"\xd4\xc3\xb2\xa1", 4, NULL},      {"\xa1\xb2\x3c\x4d", 4, NULL},
    {"\x4d\x3c\xb2\xa1", 4, NULL},      {"\xa1\xb2\xcd\x34", 4, NULL},
    {"\x34\xcd\xb2\xa1", 4, NULL},      {"BZh", 3, "bzip2"},
    {"PK\x03\x04", 4, "zip"},           {"7z\xbc\xaf\x27\x1c", 6, "7z"},
    {"\x02\x21\x4c\x18", 4, "old lz4"}, {"\x1f\x9d", 2, "compress"},
};

static const struct magic *magic_of(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (size >= magics[i].size && memcmp(head, magics[i].bytes, magics[i].size) == 0)
            return &magics[i];
    return NULL;
}

bool source_looks_right(const uint8_t *head, size_t size)
{
    const struct magic *magic = magic_of(head, size);
    return (magic && !magic->name) || inflate_recognise(head, size) || log_recognise(head, size);
}

/* The first bytes say what it is. */
static int open_content(struct source *source, struct error *error)
{
    const uint8_t *head;
    size_t size = inlet_peek(source->inlet, &head);
    const struct magic *magic = magic_of(head, size);
    const char *packed = magic ? magic->name : inflate_recognise(head, size);
    if (size == 0 && !inlet_problem(source->inlet))
        return error_set(error, ERROR_INPUT, "%s: empty, expected a pcap or pcapng capture",
                         source->path);
    if (packed)
        return error_set(error, ERROR_INPUT,
                         "%s: not a capture: %s data%s (expected pcap, pcapng or a log of Zeek, "
                         "Suricata or nfdump, as it is or "
                         "packed once by gzip, zstd, lz4 or xz)",
                         source->path, packed, inlet_packed(source->inlet) ? " within" : "");
    if (magic && magic == magics)
        return open_pcapng(source, error);
    if (log_recognise(head, size))
        return open_log(source, error);
    return open_pcap(source, error);
}

int source_wake(struct source *source, struct error *error)
{
    source->inlet = inlet_open(source->path, source->fd, &source->options, error);
    return source->inlet ? open_content(source, error) : -1;
}

struct source *source_open(const char *path, int fd, const struct source_options *options,
                           struct error *error)
{
    struct source *source = xcalloc(1, sizeof *source);
    source->path = xstrdup(path);
    source->fd = fd;
    source->options = *options;
    if (!source->options.buffer_bytes)
        source->options.buffer_bytes = BUFFER_BYTES;
    if (source_wake(source, error) == 0)
        return source;
    source_free(source);
    return NULL;
}

void source_sleep(struct source *source)
{
    if (source->pcap)
        pcap_close(source->pcap); /* closes the file too */
    else if (source->file)
        fclose(source->file);
    inlet_free(source->inlet); /* first: it may still look at what these have read */
    savefile_free(source->savefile);
    pcapng_free(source->pcapng);
    log_reader_free(source->log);
    free(source->buffer);
    source->savefile = NULL;
    source->pcap = NULL;
    source->file = NULL;
    source->pcapng = NULL;
    source->log = NULL;
    source->inlet = NULL;
    source->buffer = NULL;
    source->packets = 0;
    source->links = 0;
    *source->link_name = '\0';
}

bool source_can_sleep(const struct source *source)
{
    return source->inlet && inlet_is_regular(source->inlet) && !source->options.follow;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    source_sleep(source);
    if (source->fd >= 0)
        close(source->fd);
    free(source->path);
    free(source);
}

/* NULL: a packet or a piece; else why there is none, "" for the end. */
static const char *next_words(struct source *source, struct packet_raw *raw)
{
    if (source->log)
        return log_reader_next(source->log, raw) ? NULL : "";
    if (source->pcapng)
        return next_pcapng(source, raw);
    return source->pcap ? next_pcap(source, raw) : next_savefile(source, raw);
}

enum source_result source_next(struct source *source, struct packet_raw *raw, struct error *error)
{
    if (!source->savefile && !source->pcapng && !source->log)
        return SOURCE_END; /* it did not wake */
    const char *words = next_words(source, raw);
    const char *problem = inlet_problem(source->inlet);
    if (!words) {
        source->packets++;
        return SOURCE_PACKET;
    }
    if (inlet_stopped(source->inlet))
        return SOURCE_STOPPED;
    say_unread(source, error);
    if (!*words && !problem)
        return SOURCE_END;
    bool refused = source->refused.code != ERROR_NONE;
    error_set(error, refused ? source->refused.code : ERROR_INPUT, "%s: %s after %llu packets: %s",
              source->path, refused ? "not read" : "damaged", (unsigned long long)source->packets,
              problem ? problem : words);
    return SOURCE_DAMAGED;
}

bool source_digest(struct source *source, uint8_t sha256[SHA256_SIZE])
{
    return source->inlet && inlet_digest(source->inlet, sha256);
}

uint64_t source_bytes_read(const struct source *source)
{
    return source->inlet ? inlet_bytes_read(source->inlet) : 0;
}

uint64_t source_hashed_aside(const struct source *source)
{
    return source->inlet ? inlet_aside(source->inlet) : 0;
}

uint64_t source_size(const struct source *source)
{
    return source->inlet ? inlet_size(source->inlet) : 0;
}

const char *source_link_name(const struct source *source)
{
    struct log_notes notes;
    if (source->log) {
        log_reader_notes(source->log, &notes);
        return log_kind_name(notes.kind);
    }
    return *source->link_name ? source->link_name : "none";
}

const char *source_packed(const struct source *source)
{
    return source->inlet ? inlet_packed(source->inlet) : NULL;
}

void source_notes_of(const struct source *source, struct source_notes *notes)
{
    *notes = (struct source_notes){.comments = 0};
    if (source->pcapng)
        pcapng_notes(source->pcapng, notes);
    notes->is_log = source->log != NULL;
    if (source->log)
        log_reader_notes(source->log, &notes->log);
}
