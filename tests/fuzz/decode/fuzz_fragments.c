/* Fragments in any order, of few datagrams, so that they meet: IPv4 and IPv6, plain and in VXLAN.
 * Input: six bytes a fragment (kind and flags, id, offset, size, bytes, time), and behind them the
 * bytes that are cut out. Checked: the bytes on the wire of every frame that is no copy are told in
 * exactly one packet; lengths lie within each other; what was due is told in time and in order;
 * nothing is left. */
#include "weir/decode/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

#define OP       6u
#define RAW_IP   101
#define BYTES    4096u
#define WAIT_NS  (30 * NS_PER_S)
#define KIND_V6  1u
#define KIND_IN  2u /* … in a VXLAN packet */
#define KIND_CUT 4u
#define KIND_END 8u /* the last fragment */

struct watch {
    struct decoder *decoder;
    uint64_t fed_wire, told_wire, frames, told_frames;
    int64_t clock_ns, due_ns;
    const uint8_t *bytes; /* fragments are cut out of these */
    size_t count;
};

struct made {
    uint8_t data[BYTES];
    uint32_t size;
};

static void put(struct made *m, const void *bytes, size_t size)
{
    memcpy(m->data + m->size, bytes, size);
    m->size += (uint32_t)size;
}

static void put16(struct made *m, uint32_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(m, bytes, 2);
}

static void put_ipv4(struct made *m, uint32_t size, uint16_t id, uint16_t fragment, uint8_t pair)
{
    const uint8_t rest[] = {64, PROTO_UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, pair};
    put(m, "\x45", 2);
    put16(m, 20 + size);
    put16(m, id);
    put16(m, fragment);
    put(m, rest, sizeof rest);
}

static void put_ipv6(struct made *m, uint32_t size, uint16_t id, uint16_t offset, bool more)
{
    static const uint8_t address[32] = {0x20, 1, [15] = 1, [16] = 0x20, [17] = 1, [31] = 2};
    put(m, "\x60\0\0", 4);
    put16(m, 8 + size);
    put(m, "\x2c\x40", 2);
    put(m, address, sizeof address);
    put(m, "\x11", 2);
    put16(m, (uint32_t)offset | more);
    put16(m, 0);
    put16(m, id);
}

static void put_vxlan(struct made *m, uint32_t size)
{
    put_ipv4(m, 8 + 8 + 14 + size, 1, 0, 9);
    put(m, "\xc3\x50\x12\xb5", 4);
    put16(m, 8 + 8 + 14 + size);
    put16(m, 0);
    put(m, "\x08\0\0\0\0\0\x01", 8);
    put(m, "\2\2\2\2\2\2\2\2\2\2\2\2", 12);
}

static void put_fragment(struct made *m, const struct watch *watch, const uint8_t op[OP])
{
    uint32_t offset = (op[2] & 63u) * 8, size = op[3];
    if (op[2] & 64)
        offset += 65536 - 512;
    if (op[3] & 1)
        size &= ~7u;
    bool v6 = op[0] & KIND_V6, more = !(op[0] & KIND_END);
    if (op[0] & KIND_IN) {
        put_vxlan(m, (v6 ? 48 : 20) + size);
        put16(m, v6 ? 0x86dd : 0x0800);
    }
    if (v6)
        put_ipv6(m, size, op[1] & 3, (uint16_t)offset, more);
    else
        put_ipv4(m, size, op[1] & 3, (uint16_t)((more ? 0x2000u : 0) | offset / 8), op[1] >> 6);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = watch->count ? watch->bytes[(op[4] + offset + i) % watch->count] : op[4];
        put(m, &byte, 1);
    }
}

/* The sanitizer looks at what is read. */
static void check_pointers(const struct packet *p)
{
    volatile uint8_t sum = 0;
    for (uint32_t i = 0; i < p->payload_captured; i++)
        sum = (uint8_t)(sum + p->payload[i]);
    for (int i = 0; p->macs && i < 12; i++)
        CHECK(p->macs[i] == 2);
}

static void told(struct watch *watch, const struct packet *p)
{
    watch->told_wire += p->wire_bytes;
    watch->told_frames += p->frames;
    CHECK(p->frames > 0 && p->spread_ns >= 0);
    CHECK(p->payload_captured <= p->payload_bytes);
    CHECK(p->payload_bytes < p->ip_bytes);
    CHECK(p->ip_bytes <= p->wire_bytes);
    CHECK(p->captured <= p->wire_bytes);
    CHECK(!p->later_fragment || (p->src_port == 0 && p->dst_port == 0));
    CHECK(!(p->reassembly & REASSEMBLY_CLOSED) || p->payload_captured == 0);
    check_pointers(p);
}

static void tell_due(struct watch *watch, int64_t now_ns)
{
    struct packet packet;
    struct ptime due;
    while (decoder_due(watch->decoder, (struct ptime){now_ns}, &due, &packet)) {
        CHECK(due.ns <= now_ns && due.ns >= watch->due_ns);
        CHECK(packet.reassembly & REASSEMBLY_GIVEN_UP);
        watch->due_ns = due.ns;
        told(watch, &packet);
    }
}

static void one_fragment(struct watch *watch, const uint8_t op[OP])
{
    static const int64_t steps[] = {0, NS_PER_MS, 60 * NS_PER_MS, NS_PER_S, WAIT_NS - 1, WAIT_NS};
    struct made m = {.size = 0};
    struct packet packet;
    put_fragment(&m, watch, op);
    watch->clock_ns += steps[op[5] % 6];
    int64_t late_ns = op[5] & 0x80 ? 10 * NS_PER_S : 0;
    struct packet_raw raw = {m.data, m.size, m.size, RAW_IP, {watch->clock_ns - late_ns}};
    uint32_t cut = (op[0] >> 4) * 4;
    if ((op[0] & KIND_CUT) && cut + 8 < op[3]) /* at least its headers are there */
        raw.captured -= cut;
    tell_due(watch, watch->clock_ns);
    uint8_t *copy = malloc(raw.captured);
    CHECK(copy);
    memcpy(copy, m.data, raw.captured);
    raw.data = copy;
    enum decode_result result = decode_packet(watch->decoder, &raw, &packet);
    if (result == DECODE_OK)
        told(watch, &packet);
    free(copy);
    if (result == DECODE_OK || result == DECODE_HELD) {
        watch->fed_wire += m.size;
        watch->frames++;
    }
}

/* One decoder for all, because its memory is large; each input finds it empty and an hour later. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *decoder;
    static int64_t clock_ns;
    const struct decoder_config config = decoder_config_default();
    if (!decoder)
        decoder = decoder_new(&config);
    clock_ns += NS_PER_HOUR;
    size_t ops = size / OP > 64 ? 64 : size / OP;
    struct watch watch = {.decoder = decoder, .clock_ns = clock_ns};
    watch.bytes = data + ops * OP;
    watch.count = size - ops * OP;
    for (size_t i = 0; i < ops; i++)
        one_fragment(&watch, data + i * OP);
    tell_due(&watch, INT64_MAX);
    CHECK(watch.fed_wire == watch.told_wire);
    CHECK(watch.frames == watch.told_frames);
    return 0;
}
