/* HTTP/1 and HTTP/2 as protocols; the rows are in protocols.c. */
#ifndef WEIR_SENSOR_CONTENT_HTTP_STREAM_H
#define WEIR_SENSOR_CONTENT_HTTP_STREAM_H

#include "protocol.h"

extern const struct protocol http_protocol, http2_protocol;

#endif
