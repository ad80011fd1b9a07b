/* Records of a second reading, one behind the other, as a process that was taken over may send
 * them: whatever is put together is as large as it says, of a flow and an input that there are. */
#include "weir/record/picked.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS  3u
#define INPUTS 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct picked_reader reader = {.flows = FLOWS, .inputs = INPUTS};
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    for (uint32_t own; size >= sizeof own; data += own, size -= own) {
        memcpy(&own, data, sizeof own);
        if (own < sizeof own || own > size || own > sizeof record)
            break;
        memcpy(record, data, own);
        enum picked_result result = picked_read(&reader, record, own);
        if (result == PICKED_INVALID)
            break;
        const struct picked_packet *packet = &reader.packet;
        if (result != PICKED_PACKET)
            continue;
        if (packet->flow >= FLOWS || packet->input >= INPUTS ||
            packet->captured > PICKED_CAPTURED_MAX)
            abort();
        volatile uint8_t last = packet->captured ? packet->data[packet->captured - 1] : 0;
        (void)last;
    }
    picked_reader_fini(&reader);
    return 0;
}
