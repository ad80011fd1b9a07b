/* pcapng, block by block: sections of either byte order, interfaces with a link type, a snap length
 * and a clock each, packets of all three kinds, and what the writer noted: comments, drops.
 * draft-ietf-opsawg-pcapng. Private to the capture room. Thread: one at a time. */
#ifndef WEIR_SENSOR_CAPTURE_PCAPNG_H
#define WEIR_SENSOR_CAPTURE_PCAPNG_H

#include "weir/capture/source.h"

#include <sys/types.h>

#define PCAPNG_INTERFACES  4096u       /* of a section */
#define PCAPNG_BLOCK_BYTES (16u << 20) /* of a block that is looked into; others are skipped */
#define PCAPNG_PROBLEM     160u

enum pcapng_result {
    PCAPNG_PACKET,
    PCAPNG_END,
    PCAPNG_DAMAGED, /* pcapng_problem says how */
    PCAPNG_REFUSED, /* an interface was not accepted */
};

struct pcapng_io {
    /* As inlet_read. */
    ssize_t (*read)(void *context, void *to, size_t size);
    /* An interface was described; NULL: nobody asks. `link`: DLT. */
    void (*meet)(void *context, int link);
    /* Its first packet: may it be read? NULL: all may. */
    bool (*accept)(void *context, int link);
    void *context;
};

struct pcapng;
struct pcapng *pcapng_new(const struct pcapng_io *io, size_t buffer_bytes);
void pcapng_free(struct pcapng *pcapng);
/* Reads up to the first interface. PCAPNG_PACKET: go on with pcapng_next. */
enum pcapng_result pcapng_head(struct pcapng *pcapng);
/* The next packet; its bytes are borrowed until the next call. A packet that names no time has
 * SOURCE_NO_TIME. */
enum pcapng_result pcapng_next(struct pcapng *pcapng, struct packet_raw *raw);
const char *pcapng_problem(const struct pcapng *pcapng);
/* What was noted so far. */
void pcapng_notes(const struct pcapng *pcapng, struct source_notes *notes);

#endif
