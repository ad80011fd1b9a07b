/* UDP: each datagram stands alone. DNS by its ports, or by what it is where nothing is promised;
 * NetBIOS names (port 137) have DNS's format and another meaning. Everything else may be text, and
 * so may a message that contradicts itself: a question in front of it switches no inspection off.
 * Thread: the capture thread. */
#include "expect.h"
#include "protocol.h"

#define DNS_PORT         53
#define NETBIOS_PORT     137
#define MDNS_PORT        5353
#define LLMNR_PORT       5355
#define DATAGRAMS_TO_TRY 4 /* for DNS, on other ports */

void datagram_inspect(struct content_flow *cf, enum flow_side side, enum stage stage,
                      const struct packet *packet)
{
    if (cf->stopped[side])
        return;
    struct side *state = side_of(cf, side, stage);
    if (packet->payload_captured < packet->payload_bytes)
        state->gap_bytes += packet->payload_bytes - packet->payload_captured;
    side_datagram(state, packet->payload, packet->payload_captured);
}

static bool take_promised_dns(struct content_flow *cf, enum flow_side side,
                              const struct packet *packet)
{
    struct dns_message message;
    bool cut = packet->fragment || packet->payload_captured < packet->payload_bytes;
    enum parse_result result = dns_parse(packet->payload, packet->payload_captured, &message);
    cf->content->malformed += result == PARSE_MALFORMED && !cut;
    if (result == PARSE_NOT || (result == PARSE_MORE && message.qtype == 0))
        return false;
    content_set_service(cf, SERVICE_DNS);
    content_dns(cf, packet->payload, packet->payload_captured, &message);
    if (result != PARSE_OK && !cut)
        datagram_inspect(cf, side, STAGE_PROBE, packet);
    return true;
}

static bool take_dns(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (content_has_port(cf, DNS_PORT) || content_has_port(cf, MDNS_PORT) ||
        content_has_port(cf, LLMNR_PORT) || cf->service == SERVICE_DNS)
        return take_promised_dns(cf, side, packet);
    if (cf->datagrams_tried == DATAGRAMS_TO_TRY || content_has_port(cf, NETBIOS_PORT))
        return false;
    cf->datagrams_tried++;
    return dns_looks_like(packet->payload, packet->payload_captured) &&
           take_promised_dns(cf, side, packet);
}

/* DTLS and QUIC do not ask what follows their hellos: text that follows one is none of theirs. */
static bool is_text_behind_hello(const struct content_flow *cf, const struct packet *packet)
{
    enum service service = cf->protocol->service;
    return (service == SERVICE_TLS || service == SERVICE_QUIC) &&
           text_begins(packet->payload, packet->payload_captured);
}

/* Whose row said so once is asked alone from then on. */
static bool take_row(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (cf->protocol)
        return cf->protocol->datagram && !is_text_behind_hello(cf, packet) &&
               cf->protocol->datagram(cf, side, packet);
    if (cf->rows_tried == DATAGRAMS_TO_TRY)
        return false;
    cf->rows_tried++;
    for (size_t i = 0; protocols[i]; i++)
        if (protocols[i]->datagram && protocols[i]->datagram(cf, side, packet)) {
            content_set_protocol(cf, protocols[i]);
            return true;
        }
    return false;
}

void datagram_take(struct content_flow *cf, enum flow_side side, const struct packet *packet)
{
    if (!cf->side[SIDE_ORIG] && !cf->side[SIDE_RESP])
        expect_begin(cf);
    if (!take_dns(cf, side, packet) && !take_row(cf, side, packet))
        datagram_inspect(cf, side, STAGE_PROBE, packet);
}
