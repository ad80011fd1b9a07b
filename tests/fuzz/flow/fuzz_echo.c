/* Any bytes as echo payloads of one flow: two bytes of size and one of kind, then as much. No
 * payload is counted twice, none that repeats the one before. */
#include "../../../sensor/flow/flow.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct flow flow;
    memset(&flow, 0, sizeof flow);
    while (size >= 3) {
        uint32_t captured = (uint32_t)(data[0] | data[1] << 8);
        enum flow_side side = data[2] & 1 ? SIDE_RESP : SIDE_ORIG;
        struct packet packet = {.proto = data[2] & 2 ? PROTO_ICMP6 : PROTO_ICMP,
                                .src_port = data[2] >> 2};
        data += 3;
        size -= 3;
        if (captured > size)
            captured = (uint32_t)size;
        packet.payload = malloc(captured ? captured : 1); /* exact: reading beyond is seen */
        must(packet.payload != NULL);
        memcpy((void *)(uintptr_t)packet.payload, data, captured);
        packet.payload_captured = packet.payload_bytes = captured;
        struct echo_counts before = flow.side[side].echo;
        echo_packet(&flow, side, &packet);
        must(flow.side[side].echo.payloads - before.payloads <= 1);
        struct echo_counts after = flow.side[side].echo;
        echo_packet(&flow, side, &packet);
        must(memcmp(&after, &flow.side[side].echo, sizeof after) == 0);
        free((void *)(uintptr_t)packet.payload);
        data += captured;
        size -= captured;
    }
    return 0;
}
