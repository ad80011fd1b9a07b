/* One datagram of TFTP (RFC 1350, options: RFC 2347, 2348, 2349, 7440). Pure; no allocation. */
#ifndef WEIR_SENSOR_CONTENT_TFTP_H
#define WEIR_SENSOR_CONTENT_TFTP_H

#include "weir/content/names.h"

enum tftp_kind {
    TFTP_READ_REQUEST = 1,
    TFTP_WRITE_REQUEST,
    TFTP_DATA,
    TFTP_ACK,
    TFTP_ERROR,
    TFTP_OPTIONS /* OACK: what the server agrees to */
};

#define TFTP_BLOCK_BYTES 512u /* when nothing else was agreed upon */
#define TFTP_HEAD        4u   /* of DATA: the block follows */

struct tftp_datagram {
    enum tftp_kind kind;
    uint16_t block;        /* TFTP_DATA, TFTP_ACK */
    bool has_block_bytes;  /* an option of that name was there */
    uint32_t block_bytes;  /* 0: not said, or nothing that may be said */
    uint32_t window;       /* 0: not said */
    int64_t transfer_size; /* -1: not said */
};

/* PARSE_OK or PARSE_NOT. Requests can hardly be anything else, whatever the port; the others are
 * only what they seem to be where a request was seen. */
enum parse_result tftp_parse(const uint8_t *data, size_t size, struct tftp_datagram *datagram);

#endif
