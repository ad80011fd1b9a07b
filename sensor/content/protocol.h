/* A protocol is one file and one row: how its first bytes look, and what its next bytes are.
 *
 * A row's step is given the next bytes of one side, in order, and returns how many it is done with;
 * 0 asks for more (they come again with more behind them, up to SIDE_GATHER_MAX; past that and
 * before missing bytes `cut` is called and what was gathered is dropped). Clear text that is no
 * body is given to side_inspect, bodies to body.h. Steps never abort, allocate nothing but states
 * and bodies, and end in bounded time. Rows whose members are NULL do not apply there.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_PROTOCOL_H
#define WEIR_SENSOR_CONTENT_PROTOCOL_H

#include "flow_content.h"

/* The first bytes of one side of a TCP stream. */
struct opening {
    const uint8_t *data;
    size_t size;
    enum flow_side side;
    uint16_t orig_port, resp_port;
    const uint8_t *peer; /* the other side's, when it is not recognised either; NULL: none */
    size_t peer_size;
};

struct protocol {
    enum service service;
    bool joins; /* a side that was nothing yet is stepped once the other is certain, from a piece's
                 * beginning: steps find where a message begins */
    /* TCP. PARSE_MORE: could still become it. */
    enum parse_result (*begins)(const struct opening *opening);
    /* What both sides share, in cf->state, and what one has, in side->state; NULL: nothing. */
    void *(*flow_open)(struct content_flow *cf);
    void (*flow_close)(void *state);
    void *(*open)(struct side *side);
    void (*close)(struct side *side, void *state); /* the side ends: bodies too */
    size_t (*step)(struct side *side, const uint8_t *data, size_t size);
    void (*cut)(struct side *side, uint64_t bytes); /* so many are missing; 0: no room to gather */
    /* UDP: true when the datagram was this protocol's. */
    bool (*datagram)(struct content_flow *cf, enum flow_side side, const struct packet *packet);
};

extern const struct protocol *const protocols[]; /* NULL-terminated, the most certain first */

/* The rows; ftp_data's flows are announced (expect.h), nothing begins like them. */
extern const struct protocol dtls_protocol, ftp_data_protocol, ftp_protocol, http2_protocol,
    http_protocol, imap_protocol, nfs_protocol, ntp_protocol, pop3_protocol, quic_protocol,
    smb_protocol, smtp_protocol, tftp_protocol;
extern const struct protocol asterix_protocol, bacnet_protocol, cip_protocol, dnp3_protocol,
    iec104_protocol, modbus_protocol, opcua_protocol, profinet_protocol, s7_protocol;

/* The row of a service; NULL: it has none. */
const struct protocol *protocol_of(enum service service);
/* The first row that is certain. PARSE_MORE: one could still become so. */
enum parse_result protocol_recognise(const struct opening *opening,
                                     const struct protocol **protocol);

#endif
