/* A capture file that is written: pcapng (draft-ietf-opsawg-pcapng), little-endian, nanoseconds.
 * What is written goes through SHA-256. Written in pieces, the file open only meanwhile: of a
 * thousand files at once none is held open. Private to the room; engine thread. */
#ifndef WEIR_SENSOR_INVESTIGATE_PCAPNG_OUT_H
#define WEIR_SENSOR_INVESTIGATE_PCAPNG_OUT_H

#include "weir/base/digest.h"
#include "weir/base/error.h"
#include "weir/base/time.h"

struct pcapng_out;
struct pcapng_interface {
    const char *name;
    int link; /* DLT */
    uint32_t snap_length;
};
struct pcapng_packet {
    uint32_t interface;
    struct ptime time; /* before 1970: as 1970 */
    uint32_t wire_bytes, captured;
    const void *data;
    const char *comment; /* NULL: none */
};

/* Nothing is written before there is something; an older file of this name goes. */
struct pcapng_out *pcapng_out_new(const char *path, const char *comment);
/* Returns its number, from 0. Before the packets of it. */
uint32_t pcapng_out_interface(struct pcapng_out *out, const struct pcapng_interface *interface);
void pcapng_out_packet(struct pcapng_out *out, const struct pcapng_packet *packet);
void pcapng_out_drops(struct pcapng_out *out, uint32_t interface, struct ptime time,
                      uint64_t kernel_drops, uint64_t interface_drops);
/* What there is goes to the file, whole blocks: its size then. */
uint64_t pcapng_out_flush(struct pcapng_out *out);
uint64_t pcapng_out_size(const struct pcapng_out *out); /* with what is not written yet */
/* The rest is written, and synced. A write that failed is told here. */
int pcapng_out_finish(struct pcapng_out *out, uint8_t sha256[SHA256_SIZE], uint64_t *bytes,
                      struct error *error);
void pcapng_out_free(struct pcapng_out *out);

#endif
