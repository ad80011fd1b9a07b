/* Where packets come from: one capture file (pcap, pcapng, micro- or nanoseconds) or a pipe, read
 * through libpcap with a large buffer. Time stamps are nanoseconds; every byte of the file goes
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

struct brake;
struct source_options {
    const struct filter *filter; /* NULL: none */
    struct brake *brake;         /* may end a wait for a pipe; NULL: nobody does */
    bool digest;
};

/* The descriptor of a path ("-": standard input), or -1: ERROR_INPUT. */
int source_descriptor(const char *path, struct error *error);
struct source;
/* Takes `fd`, also when it fails. A regular file is read from where `fd` stands, without moving it:
 * processes that share the open file do not disturb each other. ERROR_INPUT: unreadable, not a
 * capture. ERROR_USAGE: the filter does not compile for its link type. */
struct source *source_open(const char *path, int fd, const struct source_options *options,
                           struct error *error);
void source_free(struct source *source);
/* The next packet; its bytes are borrowed until the next call. On SOURCE_DAMAGED `error` says how
 * far it could be read. */
enum source_result source_next(struct source *source, struct packet_raw *raw, struct error *error);
/* The rest of the file is read and thrown away, so that the digest is the file's. False when there
 * is none: not asked for, or stopped before the end. */
bool source_digest(struct source *source, uint8_t sha256[SHA256_SIZE]);
uint64_t source_bytes_read(const struct source *source);   /* of the file, for progress */
uint64_t source_size(const struct source *source);         /* 0 when not known (a pipe) */
const char *source_link_name(const struct source *source); /* "EN10MB" */

#endif
