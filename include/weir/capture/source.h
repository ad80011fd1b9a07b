/* Where packets come from: one capture file (pcap, pcapng, micro- or nanoseconds) or standard input
 * ("-"), read through libpcap with a large buffer. Time stamps are nanoseconds; every byte of the
 * file goes through SHA-256 on its way, so that a summary names exactly what was judged. Thread:
 * opened by one thread, then used by the capture thread only. */
#ifndef WEIR_CAPTURE_SOURCE_H
#define WEIR_CAPTURE_SOURCE_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/decode/packet.h"

#include <stdatomic.h>

enum source_result { SOURCE_PACKET, SOURCE_END, SOURCE_DAMAGED };

struct source;
/* `filter`: a BPF expression or NULL. ERROR_INPUT: missing, unreadable, not a capture.
 * ERROR_USAGE: the filter does not compile (libpcap's words are quoted). */
struct source *source_open(const char *path, const char *filter, struct error *error);
void source_free(struct source *source);
/* Whether a filter compiles for any link type that is read: before there is a source. NULL: yes. */
int source_check_filter(const char *filter, struct error *error);
/* The next packet; its bytes are borrowed until the next call. On SOURCE_DAMAGED `error` says how
 * far it could be read. */
enum source_result source_next(struct source *source, struct packet_raw *raw, struct error *error);
/* The rest of the file is read and thrown away, so that the digest is the file's. */
void source_digest(struct source *source, uint8_t sha256[SHA256_SIZE]);
uint64_t source_bytes_read(const struct source *source);   /* of the file, for progress */
uint64_t source_size(const struct source *source);         /* 0 when not known (a pipe) */
const char *source_link_name(const struct source *source); /* "EN10MB" */

#endif
