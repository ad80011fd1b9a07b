/* Connections that somebody else saw and wrote down: what a line of a log says of one, and the
 * pieces in which it is told. Private to the capture room. */
#ifndef WEIR_SENSOR_CAPTURE_CONNECTION_H
#define WEIR_SENSOR_CAPTURE_CONNECTION_H

#include "weir/record/record.h"

/* packet_raw.link of what is no packet: `data` are a struct connection_piece, or a packed note
 * (log_note.h). No link type is negative. */
#define LINK_CONNECTION (-1)
#define LINK_NOTE       (-2)

/* A log of IP bytes leaves payload open between two bounds, low ≤ payload ≤ high; else they are
 * one. */
struct connection_side {
    uint64_t packets, ip_bytes, payload_bytes, low_bytes, high_bytes;
};

/* As its line says. */
struct connection {
    struct flow_key key;
    uint64_t uid; /* hash of the log's own name of it, by which notes are joined; 0: none */
    int64_t start_ns, end_ns;
    struct connection_side side[SIDES];
    uint64_t missed_bytes; /* of both sides together */
    uint32_t flags;        /* FLOW_… */
    uint8_t service, end;  /* enum service, enum flow_end */
    uint8_t spare[2];
};

/* A span of it. `told` at until_ns: the last piece ends the connection. */
struct connection_piece {
    struct connection connection;
    int64_t since_ns, until_ns;
    struct connection_side before[SIDES]; /* told by the pieces before … */
    struct connection_side now[SIDES];    /* … and with this one */
    uint8_t last;
    uint8_t spare[7];
};

#endif
