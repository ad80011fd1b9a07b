/* The packets that a live capture worker holds for evidence: a file of equal segments, made and
 * given its room on the disk by the supervisor, written by the capture process, read by the keeper.
 *
 *   segment   head (64 bytes): magic, generation, used, number of its first packet, times
 *             packets, one behind the other: struct held_head, the kept bytes, zeros to 8 bytes
 *
 * Generations grow by one from 1; that of generation g is segment g modulo their number, so the
 * oldest is overwritten. The writer takes a segment's generation away before it writes there, and
 * moves `used` on behind each whole packet. The reader copies what is there, looks whether the
 * generation is still the same, and only then looks at the copy: packets of two generations never
 * mix, and what was overwritten before it was read is counted by the packets' numbers.
 *
 * Nothing in the file is believed: a capture process that was taken over writes what it likes. It
 * can lie about packets; lengths are held against the segment. Threads: the writer, the capture
 * thread; who forgets, one; a reader, one. */
#ifndef WEIR_RECORD_EVIDENCE_RING_H
#define WEIR_RECORD_EVIDENCE_RING_H

#include "weir/record/record.h"

#define HELD_SEGMENT_MIN (1u << 16) /* bytes */
#define HELD_SEGMENT_MAX (64u << 20)
#define HELD_SEGMENTS    65536u
#define HELD_BYTES_MAX   (1u << 18) /* kept of one packet */

struct held_packet {
    struct ptime time;   /* as captured */
    struct flow_key key; /* its sender first */
    uint32_t wire_bytes, kept;
    uint16_t link;     /* DLT */
    uint8_t interface; /* place in the configuration */
    const uint8_t *data;
};

struct held_counts {
    uint64_t packets, bytes;      /* written, heads included, by this writer */
    uint64_t overwritten_packets; /* … of what was held */
    int64_t oldest_ns;            /* of the first packet held; INT64_MIN: none */
};

/* --- making and writing ------------------------------------------------------------------------
 */

/* Opens or makes the file, of exactly so many bytes, with room on the disk for all of them (0640).
 * Returns the descriptor; −1: ERROR_RUN. */
int evidence_ring_create(const char *path, uint64_t bytes, struct error *error);

struct evidence_ring;
/* Goes on behind what a predecessor wrote; an empty one is made `now`. The descriptor stays the
 * caller's. */
struct evidence_ring *evidence_ring_open(int fd, uint32_t segment_bytes, struct ptime now,
                                         struct error *error);
void evidence_ring_put(struct evidence_ring *writer, const struct held_packet *packet);
struct held_counts evidence_ring_counts(const struct evidence_ring *writer);
void evidence_ring_close(struct evidence_ring *writer);

/* --- forgetting --------------------------------------------------------------------------------
 *
 * Of every packet that has the address (as its flow's ends do) only length and time stay: it is
 * nobody's, and its bytes are zeros. What stands where no packet is, from a generation before or
 * from a file with other segments, is zeros too, whoever's it was. What is put later is held as
 * ever. Of a file that lies (see above) what is believed is what a reader would believe. */

struct held_forgotten {
    uint64_t packets;    /* of the host */
    uint64_t unreadable; /* segments that made no sense, or not to their end, and held something */
    int failed;          /* errno of zeros that may not be on the disk; 0: none */
};

/* Begins, while the writer writes; one thread, which may be another than the writer's. */
void evidence_ring_forget(struct evidence_ring *writer, const struct ip *ip);
/* Goes on through a few MiB. True: done, and `forgotten` says what came of it; or none is under
 * way. Not before the capture thread has tended to its own segment. */
bool evidence_ring_forget_some(struct evidence_ring *writer, struct held_forgotten *forgotten);
/* The capture thread, now and then: clears, while somebody is being forgotten, what stands behind
 * the last packet. Only it knows where that is. */
void evidence_ring_tend(struct evidence_ring *writer);
/* The same of a file that nobody writes, all of it; it keeps its size. Adds to *forgotten. −1:
 * ERROR_RUN, it may still hold some. */
int evidence_ring_forget_file(const char *path, uint32_t segment_bytes, const struct ip *ip,
                              struct held_forgotten *forgotten, struct error *error);
/* The same of an open one, which stays the caller's. An errno, or 0. */
int evidence_ring_forget_in(int fd, uint32_t segment_bytes, const struct ip *ip,
                            struct held_forgotten *forgotten);

/* --- reading -----------------------------------------------------------------------------------
 */

struct evidence_reader;
struct evidence_reader *evidence_reader_open(const char *path, uint32_t segment_bytes,
                                             struct error *error);
/* The same of an open file, which is closed with it, or at once. */
struct evidence_reader *evidence_reader_of(int fd, uint32_t segment_bytes, struct error *error);
void evidence_reader_close(struct evidence_reader *reader);

/* Behind what was read. Zeros: before the first that is held. */
struct held_place {
    uint64_t generation, offset; /* bytes in the segment */
    uint64_t number;             /* of the next packet */
};

struct held_loss {
    uint64_t overwritten; /* packets, before they were read */
    uint64_t damaged;     /* segments in which something made no sense: their rest is not read */
};

/* Behind the last packet that there is now. */
struct held_place evidence_reader_end(struct evidence_reader *reader);
/* Since when every packet is held: none was overwritten yet, since the ring was made, else since
 * the first that is. PTIME_MAX: there is none. */
struct ptime evidence_reader_oldest(struct evidence_reader *reader);
/* Every packet from *place on, and moves it. `until`: not beyond; NULL: to the end. Packets are
 * borrowed for the call. Adds to *loss. */
void evidence_reader_each(struct evidence_reader *reader, struct held_place *place,
                          const struct held_place *until,
                          void (*each)(void *context, const struct held_packet *packet),
                          void *context, struct held_loss *loss);

#endif
