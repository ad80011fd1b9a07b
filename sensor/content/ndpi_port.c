/* libndpi, shown packets of our own: IPv4, a handshake for TCP, the true ports and the payloads. No
 * captured header ever reaches it.
 *
 * An answer that is not from the bytes themselves is none: its lists of networks are not asked (the
 * addresses are a hash of the flow's key within 10/8), nor ports, nor what it remembers of other
 * flows (the hash keeps them apart). QUIC is left out, so libgcrypt is never used: this room has a
 * reader of its own. It opens nothing and asks nothing of the kernel but memory.
 *
 * Its dissectors are not ours and parse what came from outside: they run behind the walls of the
 * capture process, and a fault in one costs that process.
 * Thread: the capture thread. */
#include "ndpi_port.h"
#include "weir/base/buffer.h"

#include <ndpi_api.h>
#include <stdlib.h>
#include <string.h>

#define IP_SIZE      20u
#define TCP_SIZE     20u
#define UDP_SIZE     8u
#define TCP_SYN      0x02u
#define TCP_PSH      0x08u
#define TCP_ACK      0x10u
#define FIRST_NUMBER 1000u
#define NETWORK      (UINT32_C(10) << 24)

struct ndpi_port {
    struct ndpi_detection_module_struct *module;
    struct ndpi_flow_struct *state; /* of the conversation */
    struct ndpi_port_flow flow;
    uint32_t address[NDPI_PORT_SIDES], number[NDPI_PORT_SIDES]; /* number: TCP's next */
    ndpi_protocol answer;
};

/* --- life --------------------------------------------------------------------------------------
 */

struct ndpi_port *ndpi_port_new(struct error *error)
{
    NDPI_PROTOCOL_BITMASK wanted;
    struct ndpi_port *port = xcalloc(1, sizeof *port);
    port->module = ndpi_init_detection_module(ndpi_dont_load_tor_hosts | ndpi_dont_init_libgcrypt);
    if (!port->module) {
        free(port);
        error_set(error, ERROR_RUN, "libndpi cannot be initialised");
        return NULL;
    }
    memset(&wanted, 0xff, sizeof wanted);
    wanted.fds_bits[NDPI_PROTOCOL_QUIC / NDPI_BITS] &=
        (ndpi_ndpi_mask) ~(UINT32_C(1) << NDPI_PROTOCOL_QUIC % NDPI_BITS);
    ndpi_set_protocol_detection_bitmask2(port->module, &wanted);
    ndpi_finalize_initialization(port->module);
    port->state = xcalloc(1, ndpi_detection_get_sizeof_ndpi_flow_struct());
    return port;
}

void ndpi_port_free(struct ndpi_port *port)
{
    if (!port)
        return;
    ndpi_exit_detection_module(port->module);
    free(port->state);
    free(port);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static void write16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void write32(uint8_t *at, uint32_t value)
{
    write16(at, value >> 16);
    write16(at + 2, value);
}

static size_t write_transport(const struct ndpi_port *port, uint8_t *at, unsigned side,
                              uint8_t flags, size_t size)
{
    write16(at, port->flow.port[side]);
    write16(at + 2, port->flow.port[1 - side]);
    if (!port->flow.tcp) {
        write16(at + 4, (uint32_t)(UDP_SIZE + size));
        return UDP_SIZE;
    }
    write32(at + 4, port->number[side]);
    write32(at + 8, flags & TCP_ACK ? port->number[1 - side] : 0);
    at[12] = TCP_SIZE / 4 << 4;
    at[13] = flags;
    write16(at + 14, 65535);
    return TCP_SIZE;
}

static void show(struct ndpi_port *port, unsigned side, uint8_t flags, const uint8_t *data,
                 size_t size)
{
    uint8_t packet[IP_SIZE + TCP_SIZE + NDPI_PORT_BYTES] = {0x45};
    size_t head = IP_SIZE + write_transport(port, packet + IP_SIZE, side, flags, size);
    write16(packet + 2, (uint32_t)(head + size));
    packet[8] = 64;
    packet[9] = port->flow.tcp ? 6 : 17;
    write32(packet + 12, port->address[side]);
    write32(packet + 16, port->address[1 - side]);
    if (size)
        memcpy(packet + head, data, size);
    port->number[side] += (uint32_t)size + ((flags & TCP_SYN) != 0);
    port->answer = ndpi_detection_process_packet(port->module, port->state, packet,
                                                 (unsigned short)(head + size), port->flow.time_ms);
}

/* --- conversations -----------------------------------------------------------------------------
 */

void ndpi_port_begin(struct ndpi_port *port, const struct ndpi_port_flow *flow)
{
    port->flow = *flow;
    port->address[NDPI_PORT_CLIENT] = NETWORK | (uint32_t)(flow->hash & 0xffffff);
    port->address[NDPI_PORT_SERVER] = NETWORK | (uint32_t)(flow->hash >> 24 & 0xffffff);
    port->number[NDPI_PORT_CLIENT] = port->number[NDPI_PORT_SERVER] = FIRST_NUMBER;
    port->answer = (ndpi_protocol){NDPI_PROTOCOL_UNKNOWN, NDPI_PROTOCOL_UNKNOWN,
                                   NDPI_PROTOCOL_CATEGORY_UNSPECIFIED};
    memset(port->state, 0, ndpi_detection_get_sizeof_ndpi_flow_struct());
    if (!flow->tcp)
        return;
    show(port, NDPI_PORT_CLIENT, TCP_SYN, NULL, 0);
    show(port, NDPI_PORT_SERVER, TCP_SYN | TCP_ACK, NULL, 0);
    show(port, NDPI_PORT_CLIENT, TCP_ACK, NULL, 0);
}

void ndpi_port_show(struct ndpi_port *port, unsigned side, const uint8_t *data, size_t size)
{
    show(port, side, TCP_ACK | TCP_PSH, data, size < NDPI_PORT_BYTES ? size : NDPI_PORT_BYTES);
}

bool ndpi_port_end(struct ndpi_port *port, char *name, size_t size)
{
    bool known = port->answer.master_protocol != NDPI_PROTOCOL_UNKNOWN ||
                 port->answer.app_protocol != NDPI_PROTOCOL_UNKNOWN;
    bool read = port->state->confidence == NDPI_CONFIDENCE_DPI;
    if (known && read)
        ndpi_protocol2name(port->module, port->answer, name, (u_int)size);
    ndpi_free_flow_data(port->state);
    for (char *at = name; known && read && *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return known && read;
}
