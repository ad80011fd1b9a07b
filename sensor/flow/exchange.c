/* What is over when its first report is due is told once.
 *
 * A look-up in DNS, an answer to a ping, the time from NTP: nearly always these are all that a flow
 * will ever be. Its report, 10 s after its first packet, says all there is, and its end after UDP's
 * 180 s said nothing but that. So an exchange that was answered and is quiet by then is told as
 * over, and so is a connection whose both FINs and all bytes were acknowledged. It stays in the
 * table for the whole of its time-out all the same: what comes after all goes on where it was, as
 * one more flow with bytes of its own, whose sides and sequence numbers are the old one's and that
 * is two-way from its first packet. That one is told like any other, so a talk with pauses is two
 * flows, not one for each question.
 *
 * The ports say what is a look-up, not the message: content has no say in what is counted or for
 * how long. Few packets: who asks more is talking, and is likely to go on. Both sides: an answer
 * that is still awaited belongs to its question. Of a connection nothing is left that could be sent
 * again but a FIN, or its last segment, whose acknowledgment was lost behind the sensor: those come
 * within a second mostly, and later they count as what came again. Thread: the capture thread. */
#include "flow.h"

#include <string.h>

#define DNS_PORT     53u  /* RFC 1035 4.2.1 */
#define NTP_PORT     123u /* RFC 5905 7.2 */
#define PACKETS_MOST 8u   /* of a side: two questions (A, AAAA), each asked four times */

static bool is_short(const struct flow *flow, enum flow_side side)
{
    uint64_t packets = flow->side[side].counts.packets;
    return packets > 0 && packets <= PACKETS_MOST;
}

static bool is_answered(const struct flow *flow)
{
    bool looks_up = flow->class == CLASS_UDP &&
                    (flow->key.resp_port == DNS_PORT || flow->key.resp_port == NTP_PORT);
    return (looks_up || flow->class == CLASS_ICMP) && is_short(flow, SIDE_ORIG) &&
           is_short(flow, SIDE_RESP);
}

/* Up to its FIN, which has a number of its own. */
static bool is_acknowledged(const struct flow *flow, enum flow_side side)
{
    return (flow->tcp[side] & TCP_ACKED) && flow->acked[side] == flow->side[side].next + 1;
}

/* Without holes, and without anything that came twice. */
static bool is_complete(const struct flow *flow)
{
    return flow->class == CLASS_TCP_CLOSED && flow->closed == FLOW_END_CLOSED && !flow->more &&
           is_acknowledged(flow, SIDE_ORIG) && is_acknowledged(flow, SIDE_RESP);
}

bool exchange_is_over(const struct flow_table *table, const struct flow *flow, int64_t told_ns)
{
    int64_t report_ns = table->config.report_ns, quiet_ns = told_ns - flow->last_ns;
    if ((flow->flags & FLOW_TOLD) || flow->goes_on)
        return false;
    return (quiet_ns >= report_ns / 2 && is_answered(flow)) ||
           (quiet_ns >= report_ns / 10 && is_complete(flow));
}

void exchange_begin_again(struct flow *flow)
{
    flow->over = false;
    flow->goes_on = true;
    flow->flags &= (uint16_t)(FLOW_ESTABLISHED | FLOW_ORIG_BY_ALL);
    flow->fresh_bytes = 0;
    for (int side = 0; side < SIDES; side++) {
        memset(&flow->side[side].counts, 0, sizeof flow->side[side].counts);
        if (flow->class == CLASS_ICMP)
            flow->side[side].echo = (struct echo_counts){0};
        flow->tcp[side] &= (uint8_t)~TCP_FIRM; /* its bytes begin where the next ones are */
    }
    if (flow->class == CLASS_TCP_CLOSED)
        flow->flags |= FLOW_MIDSTREAM;
}
