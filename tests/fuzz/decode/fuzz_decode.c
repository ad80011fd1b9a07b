/* Any bytes as a frame of any link type. Input: link type (index), how much longer the frame was on
 * the wire, then the frame. Checked: lengths lie within each other, what is pointed to was given,
 * and a frame cut shorter tells the same facts or says that it is cut. */
#include "weir/decode/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static const int links[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147};
#define LINKS (sizeof links / sizeof links[0])

static void check_lengths(const struct packet_raw *raw, const struct packet *p)
{
    CHECK(p->payload >= raw->data && p->payload + p->payload_captured <= raw->data + raw->captured);
    CHECK(p->payload_captured <= p->payload_bytes);
    CHECK(p->payload_bytes < p->ip_bytes);
    CHECK(p->ip_bytes <= p->wire_bytes);
    CHECK(p->captured <= p->wire_bytes);
    CHECK(p->ip_version == 4 || p->ip_version == 6);
    CHECK(p->vlan <= 4095);
    if (p->later_fragment)
        CHECK(p->src_port == 0 && p->dst_port == 0 && p->tcp_flags == 0);
    if (p->bad_transport)
        CHECK(p->later_fragment);
}

static void check_same(const struct packet *a, const struct packet *b)
{
    CHECK(a->vlan == b->vlan && a->ip_version == b->ip_version && a->proto == b->proto);
    CHECK(ip_compare(&a->src, &b->src) == 0 && ip_compare(&a->dst, &b->dst) == 0);
    CHECK(a->ip_bytes == b->ip_bytes && a->payload_bytes == b->payload_bytes);
    CHECK(a->src_port == b->src_port && a->dst_port == b->dst_port && a->seq == b->seq);
    CHECK(a->later_fragment == b->later_fragment && a->tcp_flags == b->tcp_flags);
    CHECK(a->payload_captured <= b->payload_captured);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *decoder;
    const struct decoder_config config = decoder_config_default();
    if (size < 3)
        return 0;
    if (!decoder)
        decoder = decoder_new(&config);
    uint32_t captured = (uint32_t)(size - 3);
    uint32_t longer = ((uint32_t)data[1] << 8 | data[2]) * (data[0] & 0x80 ? 70000u : 1u);
    struct packet_raw raw = {
        data + 3, captured, captured + longer, links[(data[0] & 0x7f) % LINKS], {1}};
    struct packet whole, cut;
    struct ptime due;
    enum decode_result result = decode_packet(decoder, &raw, &whole);
    CHECK(result < DECODE_RESULTS);
    while (decoder_due(decoder, PTIME_MAX, &due, &whole)) /* fuzz_fragments looks at these */
        CHECK(whole.payload_bytes < whole.ip_bytes);
    if (result != DECODE_OK)
        return 0;
    check_lengths(&raw, &whole);
    raw.wire_bytes = whole.wire_bytes;
    for (uint32_t less = 1; less <= captured && less < 200; less++) {
        raw.captured = captured - less;
        result = decode_packet(decoder, &raw, &cut);
        CHECK(result == DECODE_OK || result == DECODE_TRUNCATED);
        if (result != DECODE_OK)
            continue;
        check_lengths(&raw, &cut);
        check_same(&cut, &whole);
    }
    return 0;
}
