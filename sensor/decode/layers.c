/* Which layer comes next: a table for each kind of number that names one.
 *
 * To read another encapsulation, write its file and its row. A row without a function is one that
 * may carry other hosts' IP packets and is not read: it is "unknown", not "not IP", because bytes
 * may leave through it, so an operator must see that the sensor is blind there. The rows that
 * nearly all packets take stand first. Sources: IEEE 802 numbers, IANA's protocol, PPP and NSH
 * numbers, tcpdump.org/linktypes.html. Pure; any thread. */
#include "decode.h"

struct layer_row {
    const char *name;
    uint32_t entered_by;
    layer_reader *read;
};

static enum decode_result unknown_read(struct walk *walk)
{
    (void)walk;
    return DECODE_UNKNOWN_LINK;
}

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

static const struct layer_row links[] = {
    {"ethernet", 1, ethernet_read},
    {"linux cooked", 113, cooked_read},
    {"linux cooked v2", 276, cooked2_read},
    {"raw", 12, next_by_version}, /* DLT_RAW on most systems */
    {"raw, OpenBSD", 14, next_by_version},
    {"raw", 101, next_by_version},
    {"ipv4", 228, ipv4_read},
    {"ipv6", 229, ipv6_read},
    {"null", 0, loopback_read}, /* address family in the capturing host's byte order */
    {"loop", 108, loopback_read},
    {"ppp", 9, ppp_read},
    {"ppp serial", 50, hdlc_read},
    {"pppoe", 51, pppoe_read},
    {"cisco hdlc", 104, hdlc_read},
    {"pppd", 166, ppp_direction_read},
    {"ppp with direction", 204, ppp_direction_read},
    {"mpls", 219, mpls_read},
    {"nflog", 239, nflog_read},
    {"pflog", 117, pflog_read},
    {"enc", 109, enc_read},
    {"802.11", 105, ieee80211_read},
};

static const struct layer_row types[] = {
    {"ipv4", 0x0800, ipv4_read},
    {"ipv6", 0x86dd, ipv6_read},
    {"802.1Q", 0x8100, vlan_read},
    {"arp", 0x0806, arp_read},
    {"802.1ad", 0x88a8, vlan_read},
    {"QinQ before 802.1ad", 0x9100, vlan_read},
    {"mpls", 0x8847, mpls_read},
    {"mpls, upstream label", 0x8848, mpls_read},
    {"pppoe session", 0x8864, pppoe_read},
    {"ppp", 0x880b, ppp_read},
    {"ethernet", 0x6558, ethernet_read}, /* transparent bridging */
    {"802.1BR E-tag", 0x893f, etag_read},
    {"vn-tag", 0x8926, vntag_read},
    {"802.1ah", 0x88e7, pbb_read},
    {"nsh", 0x894f, nsh_read},
    {"macsec", 0x88e5, NULL},
    {"trill", 0x22f3, NULL},
};

static const struct layer_row ppp_protocols[] = {
    {"ipv4", 0x0021, ipv4_read},         {"ipv6", 0x0057, ipv6_read},
    {"mpls", 0x0281, mpls_read},         {"mpls, multicast", 0x0283, mpls_read},
    {"vj compressed", 0x002d, NULL},     {"vj uncompressed", 0x002f, NULL},
    {"bridging", 0x0031, NULL},          {"multilink", 0x003d, NULL},
    {"encrypted", 0x0053, NULL},         {"encrypted link", 0x0055, NULL},
    {"header compressed", 0x0061, NULL}, {"compressed link", 0x00fb, NULL},
    {"compressed", 0x00fd, NULL},        {"header compressed", 0x0003, NULL},
};

static const struct layer_row nsh_protocols[] = {
    {"ipv4", 1, ipv4_read}, {"ipv6", 2, ipv6_read}, {"ethernet", 3, ethernet_read},
    {"nsh", 4, nsh_read},   {"mpls", 5, mpls_read},
};

static const struct layer_row protos[] = {
    {"gre", 47, gre_read},
    {"ip in ip", 4, ip_in_ip4_read},
    {"6in4", 41, ip_in_ip6_read},
    {"ah", 51, ah_read},
    {"etherip", 97, etherip_read},
    {"mpls in ip", 137, mpls_read},
    {"l2tpv3", 115, unknown_read}, /* l2tp.c says why */
    {"minimal encapsulation", 55, unknown_read},
    {"ipip", 94, unknown_read},
};

/* Which side's port names it is the protocol's choice: of VXLAN and GENEVE the source port is a
 * hash, so only the destination speaks. */
static const struct port_row {
    uint8_t layer;
    bool either_side;
    layer_reader *read;
} port_layers[] = {
    {LAYER_VXLAN, false, vxlan_read}, {LAYER_GENEVE, false, geneve_read},
    {LAYER_GTPU, true, gtpu_read},    {LAYER_TEREDO, true, teredo_read},
    {LAYER_L2TP, true, l2tp_read},    {LAYER_MPLS, false, mpls_read},
};

static const struct layer_row *row_of(const struct layer_row *rows, size_t count,
                                      uint32_t entered_by)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].entered_by == entered_by)
            return &rows[i];
    return NULL;
}

/* `otherwise`: what it means that there is no row. */
static enum decode_result next_by(struct walk *walk, const struct layer_row *row,
                                  enum decode_result otherwise)
{
    if (!row)
        return otherwise;
    walk->next = row->read;
    return row->read ? DECODE_OK : DECODE_UNKNOWN_LINK;
}

enum decode_result next_by_link(struct walk *walk, int link)
{
    return next_by(walk, row_of(ROWS(links), (uint32_t)link), DECODE_UNKNOWN_LINK);
}

bool decode_reads_link(int link)
{
    const struct layer_row *row = row_of(ROWS(links), (uint32_t)link);
    return row && row->read;
}

enum decode_result next_by_type(struct walk *walk, uint16_t type)
{
    return next_by(walk, row_of(ROWS(types), type), DECODE_NOT_IP);
}

enum decode_result next_by_ppp(struct walk *walk, uint16_t protocol)
{
    return next_by(walk, row_of(ROWS(ppp_protocols), protocol), DECODE_NOT_IP);
}

enum decode_result next_by_nsh(struct walk *walk, uint8_t protocol)
{
    return next_by(walk, row_of(ROWS(nsh_protocols), protocol), DECODE_UNKNOWN_LINK);
}

enum decode_result next_by_version(struct walk *walk)
{
    const uint8_t *first;
    enum decode_result result = frame_peek(&walk->frame, 1, &first);
    if (result != DECODE_OK)
        return result;
    walk->next = first[0] >> 4 == 4 ? ipv4_read : first[0] >> 4 == 6 ? ipv6_read : NULL;
    return walk->next ? DECODE_OK : DECODE_MALFORMED;
}

layer_reader *layer_of_proto(uint8_t proto)
{
    const struct layer_row *row = row_of(ROWS(protos), proto);
    return row ? row->read : NULL;
}

static layer_reader *layer_of_port(const struct decoder *decoder, uint16_t port, bool source)
{
    for (size_t i = 0; i < decoder->config.port_count; i++) {
        if (decoder->config.port[i].port != port)
            continue;
        for (size_t j = 0; j < sizeof port_layers / sizeof port_layers[0]; j++)
            if (port_layers[j].layer == decoder->config.port[i].layer)
                return source && !port_layers[j].either_side ? NULL : port_layers[j].read;
    }
    return NULL;
}

layer_reader *layer_of_ports(const struct decoder *decoder, const struct packet *packet)
{
    layer_reader *read = NULL;
    if (decoder->port_low[packet->dst_port & 0xff])
        read = layer_of_port(decoder, packet->dst_port, false);
    if (!read && decoder->port_low[packet->src_port & 0xff])
        read = layer_of_port(decoder, packet->src_port, true);
    return read;
}
