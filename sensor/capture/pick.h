/* A second reading: of all packets only those of wanted flows are told, whole, in the ring
 * (record/picked.h). Private to the capture room. Capture thread. */
#ifndef WEIR_SENSOR_CAPTURE_PICK_H
#define WEIR_SENSOR_CAPTURE_PICK_H

#include "emit.h"
#include "weir/decode/packet.h"
#include "weir/record/picked.h"

#define PICK_HELD_BYTES (UINT32_C(32) << 20) /* of frames that wait for their datagrams */

struct pick;
/* `fd`: memory with `count` wanted flows in their order; stays the caller's, who has sealed it. */
struct pick *pick_open(int fd, uint32_t count, const struct decoder_config *decoder,
                       struct error *error);
struct pick_frame {
    const struct packet_raw *raw; /* `time` as it is told */
    struct ptime stamp;           /* as the input has it; SOURCE_NO_TIME: it has none */
    uint32_t input;
};
void pick_packet(struct pick *pick, const struct pick_frame *frame, struct emitter *emitter);
void pick_end(struct pick *pick, struct emitter *emitter); /* tells the PICKED_END */
void pick_free(struct pick *pick);

#endif
