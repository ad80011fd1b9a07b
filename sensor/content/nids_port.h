/* The one door to libnids: it keeps out-of-order segments of attached flows and hands them back in
 * order. Flows here are made of synthetic packets; no captured header ever reaches the library.
 * libnids is process-global: one open port a process, one thread. */
#ifndef WEIR_CONTENT_NIDS_PORT_H
#define WEIR_CONTENT_NIDS_PORT_H

#include "weir/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PORT_CHUNK 32768u /* most bytes a queued piece may have */
#define PORT_CHARGE_CAP                                                                            \
    65535u                    /* libnids drops a direction's queue when its charge exceeds this    \
                               */
#define PORT_CHARGE_BYTES 64u /* bytes of memory a unit of charge stands for */

/* Who sends, in libnids' words. */
enum port_side { PORT_CLIENT, PORT_SERVER };

struct tcp_stream; /* libnids' own */

int port_open(uint32_t max_flows, struct error *error);
void port_close(void);

/* A flow whose next expected numbers are next[PORT_CLIENT], next[PORT_SERVER]. `id` is unique among
 * the attached. NULL when libnids did not take the handshake. */
struct tcp_stream *port_attach(uint32_t id, const uint32_t next[2]);
void port_detach(struct tcp_stream *flow); /* drops what is queued; not inside `sink` */

/* What a piece of this size is charged with, and what is charged on one direction now. */
uint32_t port_charge(size_t size);
uint32_t port_charged(const struct tcp_stream *flow, enum port_side sender);

/* Queues `size` ≤ PORT_CHUNK bytes at `seq`, ahead of `next` by less than 2^30. */
void port_queue(struct tcp_stream *flow, enum port_side sender, uint32_t next, uint32_t seq,
                const uint8_t *data, size_t size);
/* Gives back, in order, what is queued contiguously from `next` on. */
void port_drain(struct tcp_stream *flow, enum port_side sender, uint32_t next,
                void (*sink)(void *context, const uint8_t *data, size_t size), void *context);

#endif
