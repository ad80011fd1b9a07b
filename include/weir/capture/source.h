/* Where packets come from: one capture (pcap of any kind, pcapng) or, as pieces of connections and
 * notes of them, a log (Zeek's, Suricata's, nfdump's), compressed or not, in a file, a file that
 * grows, a pipe or a socket. Time stamps are nanoseconds; every byte of the file as it lies goes
 * through SHA-256 on its way, so that a summary names exactly what was judged. Thread: opened by
 * one thread, then used by the capture thread only. */
#ifndef WEIR_CAPTURE_SOURCE_H
#define WEIR_CAPTURE_SOURCE_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/decode/packet.h"

#include <stdbool.h>

/* A filter compiled for every link type that is read. NULL or "": everything passes.
 * ERROR_USAGE: it compiles for none (libpcap's words are quoted). */
struct filter;
struct filter *filter_new(const char *text, struct error *error);
void filter_free(struct filter *filter);
/* Whether filter_new would do. */
int source_check_filter(const char *text, struct error *error);

enum source_result {
    SOURCE_PACKET,
    SOURCE_END,
    SOURCE_DAMAGED,
    SOURCE_STOPPED /* while it waited for a pipe: what follows was not read */
};

/* A packet that names no time of its own (a pcapng "simple packet"). */
#define SOURCE_NO_TIME PTIME_MIN

#define SOURCE_COMMENT 160u
#define SOURCE_LINK    64u

enum log_kind {
    LOG_NONE, /* not known, or no log */
    LOG_ZEEK_CONN,
    LOG_ZEEK_DNS,
    LOG_ZEEK_HTTP,
    LOG_ZEEK_QUIC,
    LOG_ZEEK_SSL,
    LOG_EVE,    /* Suricata's */
    LOG_NFDUMP, /* NetFlow, IPFIX */
    LOG_OTHER,  /* one of Zeek's that is not read */
    LOG_KINDS
};
const char *log_kind_name(enum log_kind kind);  /* "Zeek conn log"; of any number */
const char *log_kind_lacks(enum log_kind kind); /* what it cannot say; NULL: nothing to add */

/* Of an input that is a log. */
struct log_notes {
    enum log_kind kind;
    uint64_t lines, connections;   /* read so far: all, and those that are connections */
    uint64_t notes;                /* … and what else was told: names, questions, answers */
    uint64_t unread, first_unread; /* lines that are wrong, and the first one's number … */
    const char *why;               /* … and what is wrong with it */
    uint64_t late;                 /* began before what was told already */
};

/* What the file says of itself. */
struct source_notes {
    uint64_t comments;            /* of sections, interfaces and packets */
    char comment[SOURCE_COMMENT]; /* the first one's beginning, on one line; "": none */
    uint64_t untimed;             /* packets without a time of their own */
    bool drops_known;             /* the writer counted what it lost: */
    uint64_t kernel_drops, interface_drops;
    bool is_log; /* there are no packets */
    struct log_notes log;
};

struct brake;
struct source_options {
    const struct filter *filter; /* NULL: none; outlives the source */
    struct brake *brake;         /* may end a wait; NULL: nobody does */
    bool digest;
    size_t digest_aside;         /* reads of so many bytes or more by a thread of its own, where
                                  * what is read allows it; 0: none */
    bool follow;                 /* a regular file's end is waited at until the brake is over */
    size_t buffer_bytes;         /* of each of its buffers; 0: what suits one input alone */
    void (*idle)(void *context); /* called before such a wait; NULL: nobody */
    void *idle_context;
};

/* The descriptor of a path ("-": standard input; "tcp://HOST:PORT": a connection, made now), or -1:
 * ERROR_INPUT. */
int source_descriptor(const char *path, struct error *error);
/* Whether a regular file's first bytes (at least INFLATE_MAGIC_BYTES, unless there are no more) are
 * those of a capture, of a log that is read or of compressed data. */
bool source_looks_right(const uint8_t *head, size_t size);

struct source;
/* Takes `fd`, also when it fails. A regular file is read from where `fd` stands, without moving it:
 * processes that share the open file do not disturb each other. ERROR_INPUT: unreadable, not a
 * capture. ERROR_USAGE: the filter does not compile for its link type. */
struct source *source_open(const char *path, int fd, const struct source_options *options,
                           struct error *error);
void source_free(struct source *source);
/* A regular file can be put aside with nothing but its descriptor kept, and begun again. */
bool source_can_sleep(const struct source *source);
void source_sleep(struct source *source);
int source_wake(struct source *source, struct error *error); /* as source_open */
/* The next packet; its bytes are borrowed until the next call. On SOURCE_DAMAGED `error` says how
 * far it could be read. */
enum source_result source_next(struct source *source, struct packet_raw *raw, struct error *error);
/* A packet that comes later, for who wants to fetch what it will need: each once, in order. Of
 * `raw` data, captured (perhaps less of it) and link are set. False: none lies at hand. */
bool source_ahead(struct source *source, struct packet_raw *raw);
/* The rest of the file is read and thrown away, so that the digest is the file's. False when there
 * is none: not asked for, or stopped before the end. */
bool source_digest(struct source *source, uint8_t sha256[SHA256_SIZE]);
uint64_t source_bytes_read(const struct source *source); /* of the file, for progress */
/* Reads whose digest was another thread's, until it is taken. */
uint64_t source_hashed_aside(const struct source *source);
uint64_t source_size(const struct source *source); /* 0 when not known (a pipe) */
/* Every link type met so far: "EN10MB", "EN10MB, LINUX_SLL", "none". Borrowed. */
const char *source_link_name(const struct source *source);
const char *source_packed(const struct source *source); /* "gzip"; NULL: not compressed */
void source_notes_of(const struct source *source, struct source_notes *notes);

#endif
