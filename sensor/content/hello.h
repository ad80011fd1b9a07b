/* What a ClientHello says, once its bytes are together. Pure. */
#ifndef WEIR_SENSOR_CONTENT_HELLO_H
#define WEIR_SENSOR_CONTENT_HELLO_H

#include "weir/base/cursor.h"
#include "weir/content/names.h"

/* `body` begins behind the handshake header. False: lengths run past the end; what was whole before
 * is in `hello`, which was all zero. */
bool hello_read(struct cursor body, enum hello_carrier carrier, struct tls_hello *hello);
/* A prefix of a hello has neither: it is nobody's. */
void hello_drop_fingerprints(struct tls_hello *hello);

#endif
