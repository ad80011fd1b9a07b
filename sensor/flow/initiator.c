/* Who opened a flow, from one packet's headers.
 *
 * Evidence in this order: a SYN (its sender opened), a SYN/ACK (its receiver did), an ICMP reply
 * (its receiver asked), a service port on one side only (that side answers), else whoever is seen
 * first. Only the SYN is proof; the rest is a guess that a later SYN, or what is said in the flow
 * (content's evidence), may correct (table.c).
 * Thread: the capture thread. */
#include "flow.h"

#define PORT_SYSTEM 1024u /* below: assigned to services (RFC 6335 6) */

/* Services above the system ports that are common enough to be told from a client's port. */
static bool port_is_registered_service(uint16_t port)
{
    switch (port) {
    case 1194: /* OpenVPN */
    case 1433: /* SQL Server */
    case 1521: /* Oracle */
    case 1883: /* MQTT */
    case 3306: /* MySQL */
    case 3389: /* RDP */
    case 4840: /* OPC UA */
    case 5060: /* SIP */
    case 5061:
    case 5222: /* XMPP */
    case 5432: /* PostgreSQL */
    case 5672: /* AMQP */
    case 6379: /* Redis */
    case 8000: /* HTTP, alternatives */
    case 8080:
    case 8443:
    case 8883:  /* MQTT over TLS */
    case 9092:  /* Kafka */
    case 9200:  /* Elasticsearch */
    case 27017: /* MongoDB */
    case 51820: /* WireGuard */
        return true;
    default:
        return false;
    }
}

static bool icmp_is_reply(const struct packet *packet)
{
    uint16_t type = packet->src_port;
    if (packet->proto == PROTO_ICMP) /* echo, timestamp, information and mask replies */
        return type == 0 || type == 14 || type == 16 || type == 18;
    return type == 129 || type == 140; /* echo and node information replies */
}

/* Requests of these replies. */
static bool icmp_is_request(const struct packet *packet)
{
    uint16_t type = packet->src_port;
    if (packet->proto == PROTO_ICMP)
        return type == 8 || type == 13 || type == 15 || type == 17;
    return type == 128 || type == 139;
}

bool flow_ports_say_sender(uint16_t src, uint16_t dst, uint16_t *by)
{
    *by = FLOW_ORIG_BY_PORT;
    if ((src < PORT_SYSTEM) != (dst < PORT_SYSTEM))
        return dst < PORT_SYSTEM;
    if (src >= PORT_SYSTEM && port_is_registered_service(src) != port_is_registered_service(dst))
        return port_is_registered_service(dst);
    *by = 0;
    return true;
}

bool initiator_is_sender(const struct packet *packet, uint16_t *by)
{
    *by = 0;
    if (packet->later_fragment)
        return true;
    if (packet->proto == PROTO_ICMP || packet->proto == PROTO_ICMP6) {
        bool reply = icmp_is_reply(packet);
        *by = reply || icmp_is_request(packet) ? FLOW_ORIG_BY_PORT : 0;
        return !reply;
    }
    if (packet->proto == PROTO_TCP && (packet->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN) {
        *by = FLOW_ORIG_BY_SYN;
        return !(packet->tcp_flags & TCP_ACK);
    }
    return flow_ports_say_sender(packet->src_port, packet->dst_port, by);
}
