/* Any bytes as a frame of any link type. Input: link type (index), how much longer the frame was on
 * the wire, then the frame. Checked: lengths lie within each other, what is pointed to was given,
 * a tunnel's description is whole, and a frame cut shorter tells the same facts, or what carried
 * them, or says that it is cut. */
#include "weir/decode/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

/* New ones go to the end: corpus files name theirs by its place. */
static const int links[] = {0,   1, 12, 14, 101, 108, 113, 228, 229, 276, 147,
                            239, 9, 50, 51, 104, 166, 204, 219, 117, 109, 105};
#define LINKS (sizeof links / sizeof links[0])

static void check_pointers(const struct packet_raw *raw, const struct packet *p)
{
    CHECK(p->payload >= raw->data && p->payload + p->payload_captured <= raw->data + raw->captured);
    CHECK(!p->macs || (p->macs >= raw->data && p->macs + 14 <= raw->data + raw->captured));
}

static void check_lengths(const struct packet_raw *raw, const struct packet *p)
{
    check_pointers(raw, p);
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

static void check_tunnel(const struct packet *p)
{
    const struct tunnel *t = &p->tunnel;
    CHECK(p->tunnel_unread < DECODE_RESULTS);
    if (p->tenant_one_way)
        CHECK(p->tenant != 0);
    if (p->tenant != 0)
        CHECK(t->count > 0);
    if (t->count == 0)
        return;
    CHECK(t->spare == 0);
    for (unsigned i = 0; i < TUNNEL_LAYERS; i++) {
        CHECK(t->layer[i] < LAYERS);
        CHECK((t->layer[i] != LAYER_NONE) == (i < t->count));
    }
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

static void check_same_tunnel(const struct packet *a, const struct packet *b)
{
    CHECK(a->tenant == b->tenant && a->tenant_one_way == b->tenant_one_way);
    CHECK(a->tunnel.count == b->tunnel.count);
    CHECK(a->tunnel.count == 0 || memcmp(&a->tunnel, &b->tunnel, sizeof a->tunnel) == 0);
}

static void check_cut(const struct packet_raw *raw, struct decoder *decoder,
                      const struct packet *whole)
{
    struct packet cut;
    enum decode_result result = decode_packet(decoder, raw, &cut);
    CHECK(result == DECODE_OK || result == DECODE_TRUNCATED);
    if (result != DECODE_OK)
        return;
    check_lengths(raw, &cut);
    check_tunnel(&cut);
    CHECK(cut.wire_bytes == whole->wire_bytes);
    if (cut.tunnel_unread == DECODE_TRUNCATED) { /* perhaps further out than `whole` */
        CHECK(cut.tunnel.count <= whole->tunnel.count);
        return;
    }
    CHECK(cut.tunnel_unread == whole->tunnel_unread);
    check_same(&cut, whole);
    check_same_tunnel(&cut, whole);
}

/* Wrong guesses are nobody's; what it reads lies in the packet, and says of IPv4 and IPv6 only. */
static void check_glance(const struct packet_raw *raw)
{
    struct packet glance = {.proto = 0};
    if (decode_glance(raw, &glance))
        CHECK(glance.proto == 6 || glance.proto == 17);
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
    struct packet whole;
    memset(&whole, 0xa5, sizeof whole); /* what is not set shows */
    struct packet waiting;
    struct ptime due;
    enum decode_result result = decode_packet(decoder, &raw, &whole);
    CHECK(result < DECODE_RESULTS);
    while (decoder_due(decoder, PTIME_MAX, &due, &waiting)) /* fuzz_fragments looks at these */
        CHECK(waiting.payload_bytes < waiting.ip_bytes);
    check_glance(&raw);
    if (result != DECODE_OK)
        return 0;
    check_lengths(&raw, &whole);
    check_tunnel(&whole);
    raw.wire_bytes = whole.wire_bytes;
    for (uint32_t less = 1; less <= captured && less < 200; less++) {
        raw.captured = captured - less;
        check_glance(&raw);
        check_cut(&raw, decoder, &whole);
    }
    return 0;
}
