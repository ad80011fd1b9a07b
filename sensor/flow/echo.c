/* ICMP echo payloads that are no ordinary ping's (RFC 792, RFC 4443 4.1).
 *
 * A ping fills its payload with the time of day and then with bytes that follow a rule: each is the
 * one before, or one more, and begins anew now and then. A tunnel's bytes follow none, and no two
 * of its payloads are alike. So a payload is odd when what is behind the room for a time follows no
 * rule and is neither the side's last one again nor the other side's (a reply repeats its request).
 * What fits into the room for a time is not looked at. Thread: the capture thread. */
#include "flow.h"
#include "weir/base/digest.h"

#define TIME_BYTES  24u /* seconds and fractions of 64 bits each, and a number */
#define RULE_BREAKS 16u /* one of so many bytes may begin the pattern anew */

static bool is_echo(const struct packet *packet)
{
    uint16_t type = packet->src_port;
    if (packet->later_fragment)
        return false;
    if (packet->proto == PROTO_ICMP)
        return type == 8 || type == 0;
    return packet->proto == PROTO_ICMP6 && (type == 128 || type == 129);
}

static bool follows_rule(const uint8_t *bytes, size_t size)
{
    size_t breaks = 0;
    for (size_t i = 1; i < size; i++)
        breaks += bytes[i] != bytes[i - 1] && bytes[i] != (uint8_t)(bytes[i - 1] + 1);
    return breaks <= size / RULE_BREAKS;
}

static uint32_t add_held(uint32_t sum, uint32_t more)
{
    return more > UINT32_MAX - sum ? UINT32_MAX : sum + more;
}

void echo_packet(struct flow *flow, enum flow_side side, const struct packet *packet)
{
    if (!is_echo(packet) || packet->payload_captured <= TIME_BYTES)
        return;
    const uint8_t *bytes = packet->payload + TIME_BYTES;
    size_t size = packet->payload_captured - TIME_BYTES;
    uint64_t hash = hash64(bytes, size, 0) | 1u;
    bool again = hash == flow->echoed[SIDE_ORIG] || hash == flow->echoed[SIDE_RESP];
    flow->echoed[side] = hash;
    if (again || follows_rule(bytes, size))
        return;
    struct echo_counts *odd = &flow->side[side].echo;
    odd->payloads = add_held(odd->payloads, 1);
    odd->bytes = add_held(odd->bytes, packet->payload_bytes);
}
