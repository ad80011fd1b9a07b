/* WebSocket frames of one side (RFC 6455 5): what clients mask is inspected unmasked. Messages that
 * an extension has compressed are inspected as they are, which finds nothing in them. */
#ifndef WEIR_SENSOR_CONTENT_WEBSOCKET_H
#define WEIR_SENSOR_CONTENT_WEBSOCKET_H

#include "flow_content.h"

/* All zero: a frame is due. */
struct websocket {
    uint64_t left_bytes; /* of the frame's payload */
    uint8_t mask[4];
    uint8_t mask_at;
    bool masked;
    bool last; /* of its message */
};

/* As a row's step. Sets *lost when these are no frames. */
size_t websocket_step(struct websocket *websocket, struct side *side, const uint8_t *data,
                      size_t size, bool *lost);
/* False: where the next frame begins is lost. */
bool websocket_gap(struct websocket *websocket, struct side *side, uint64_t bytes);

#endif
