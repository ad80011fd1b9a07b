/* The last packets of a live capture process, in shared memory, for a bug report after a crash: the
 * supervisor makes the area, the capture process writes it, and when that has died the supervisor
 * saves what is there as a pcap file.
 *
 * The area is RECENT_PACKETS slots and nothing else. A slot names its packet's number, and a number
 * has one slot only (number modulo RECENT_PACKETS), so there is no header to be scribbled over, and
 * the slots that were not tell the order by themselves. The packet that is being looked at when the
 * process dies must be in it: recent_put comes before anything reads the packet. */
#ifndef WEIR_CAPTURE_RECENT_H
#define WEIR_CAPTURE_RECENT_H

#include "weir/base/error.h"
#include "weir/decode/packet.h"

#define RECENT_PACKETS 256
#define RECENT_BYTES   512 /* of each packet */

/* The area: a sealed memfd of fixed size (some 140 kB), all zero. Returns the descriptor or -1. */
int recent_create(struct error *error);

struct recent;
/* The writer maps the area and empties it: what a predecessor left is saved before this one starts.
 * The descriptor stays the caller's. */
struct recent *recent_open(int fd, struct error *error);
/* Capture thread. Copies at most RECENT_BYTES. */
void recent_put(struct recent *recent, const struct packet_raw *raw);
void recent_close(struct recent *recent); /* the packets stay */

/* After the writer's death: what is there as a pcap file (nanoseconds; mode 0600, by a temporary
 * file beside it and a rename), oldest first. Everything in the area is the dead process's word:
 * slots that make no sense are left out, and so are packets of another link type than the last
 * one's, since pcap names one. A time that pcap cannot carry becomes the nearest that it can.
 * Returns the packets written; 0: there is none, and no file is made; -1: ERROR_RUN. */
int recent_save(int fd, const char *path, struct error *error);

#endif
