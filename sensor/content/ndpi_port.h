/* The one door to libndpi: a conversation is shown to it, and it says what it calls that.
 * Its headers stay in ndpi_port.c, as they bring the system's own names of packets with them.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_NDPI_PORT_H
#define WEIR_SENSOR_CONTENT_NDPI_PORT_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NDPI_PORT_BYTES 512u /* most of one payload */

/* Who sends. */
enum { NDPI_PORT_CLIENT, NDPI_PORT_SERVER, NDPI_PORT_SIDES };

struct ndpi_port_flow {
    uint64_t hash; /* keeps flows apart */
    uint64_t time_ms;
    bool tcp;
    uint16_t port[NDPI_PORT_SIDES];
};

struct ndpi_port;
struct ndpi_port *ndpi_port_new(struct error *error);
void ndpi_port_free(struct ndpi_port *port);
/* One conversation after the other. */
void ndpi_port_begin(struct ndpi_port *port, const struct ndpi_port_flow *flow);
void ndpi_port_show(struct ndpi_port *port, unsigned side, const uint8_t *data, size_t size);
/* True: it has a name, in lower case. Its state is gone. */
bool ndpi_port_end(struct ndpi_port *port, char *name, size_t size);

#endif
